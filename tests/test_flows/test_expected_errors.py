"""Errors that are expected have no traceback in Prefect's log; bugs have one."""

import io
import logging
from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_LOGGING_TO_API_ENABLED, temporary_settings

from flows.history import _without_traceback, quiet_expected_errors
from necrozma_core.errors import DataError

LOGGERS = ("prefect.task_runs", "prefect.flow_runs", "prefect.engine")


@pytest.fixture(params=LOGGERS)
def log(request: pytest.FixtureRequest) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """What one of Prefect's loggers writes."""
    logger, stream = logging.getLogger(request.param), io.StringIO()
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    quiet_expected_errors()
    with temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: False}):
        yield logger, stream
    logger.removeHandler(handler)
    for name in LOGGERS:
        logging.getLogger(name).removeFilter(_without_traceback)


def test_data_error_is_one_line(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    try:
        raise DataError("data/EURUSD: damaged")
    except DataError as error:
        logger.error("Task run failed with exception: %r - Retries are exhausted", error, exc_info=True)
    assert stream.getvalue().splitlines() == [
        "Task run failed with exception: DataError('data/EURUSD: damaged') - Retries are exhausted"
    ]


def test_bug_keeps_its_traceback(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError:
        logger.exception("Encountered exception during execution")
    assert "Traceback (most recent call last)" in stream.getvalue()
