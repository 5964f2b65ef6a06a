"""What the store has is found before anything is computed; one entry that cannot be read is its pair's trouble."""

from types import SimpleNamespace
from typing import Any

import pytest

from necrozma_core.errors import StorageError
from necrozma_core.sweep import plan


def test_result_that_cannot_be_read_counts_as_missing_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(request: Any) -> object | None:
        if request.pair == "EURUSD":
            raise StorageError("commit.json: could not read: Input/output error")
        return object() if request.pair == "GBPUSD" else None

    monkeypatch.setattr(plan, "find_stored", find)
    requests: Any = [SimpleNamespace(pair=pair) for pair in ("EURUSD", "GBPUSD", "USDJPY")]
    assert plan.count_missing(requests) == 2
