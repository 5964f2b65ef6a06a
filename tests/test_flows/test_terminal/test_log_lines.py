"""Prefect's log lines beside a live view: above it, whole, and never past it."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest
from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console
from rich.live import Live

from flows.terminal.log_lines import follow_stderr


@pytest.fixture
def before() -> io.StringIO:
    """What stderr was when Prefect set up its handler."""
    return io.StringIO()


@pytest.fixture
def logger(before: io.StringIO) -> Iterator[logging.Logger]:
    logger = logging.getLogger("prefect.console_under_test")
    handler = PrefectConsoleHandler(stream=before)
    logger.addHandler(handler)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)


def test_line_of_prefect_goes_to_what_stands_for_stderr_when_it_is_written(
    logger: logging.Logger, before: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_stderr()
    for text in ("first", "second"):
        now = io.StringIO()
        monkeypatch.setattr(sys, "stderr", now)
        logger.error(text)
        assert text in now.getvalue()
    assert before.getvalue() == ""


def test_line_of_prefect_beside_a_live_view_is_printed_by_the_view(
    logger: logging.Logger, before: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", before)
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={"TERM": "xterm"})
    follow_stderr()
    with Live("the view", console=terminal, auto_refresh=False, redirect_stdout=False):
        logger.error("Beginning flow run [red] 7")
    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert shown.index("Beginning flow run [red] 7") < shown.rindex("the view")
    assert before.getvalue() == ""
