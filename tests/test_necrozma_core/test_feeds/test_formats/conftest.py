"""Formats are tested with any prices; which of them a pair can have is tested with the inspection."""

from collections.abc import Iterator

import pytest

from necrozma_core.feeds import intake


@pytest.fixture(autouse=True, scope="module")
def any_price() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "check_ticks_of_pair", lambda ticks, source: None)
        yield
