"""What a run says of its data: recorded by digest, told where it is doubtful, and no reason to start later."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from necrozma_core.feeds.kept_reports import report_stored
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.sweep import data_reports
from necrozma_core.sweep.data_reports import doubt_lines, find_reports, recorded_reports


def write(folder: Path, pair: str, price: float, *, spike: bool = False) -> None:
    known = get_pair(pair)
    bid = (round(price * 10**known.point_digits) + np.arange(600) % 3).astype(np.int32)
    ask = bid + np.int32(10)
    if spike:
        bid[50] = ask[50] = bid[50] * 10
        ask[70] += bid[70] // 10
    start = int(np.datetime64("2024-01-15", "ms").astype(np.int64))
    TickStore(folder).write(Ticks(known, known.point_digits, start + np.arange(600) * 60_000, bid, ask))


def requests(folder: Path, *pairs: str) -> list[Any]:
    return [SimpleNamespace(pair=pair, data_dir=folder, bars_ms=None) for pair in pairs]


def test_doubtful_pair_is_told_with_the_command_that_shows_more(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    write(folder, "EURUSD", 1.09)
    write(folder, "GBPUSD", 1.27, spike=True)

    reports = find_reports(asked := requests(folder, "GBPUSD", "EURUSD"))

    assert list(doubt_lines(reports, asked)) == [
        "GBPUSD: the data is doubtful: 2 ticks jump by more than 2 % and back: 12.70020/12.70020 at "
        f"2024-01-15T00:50:00.000Z (and 1 more); `necrozma data check GBPUSD --data '{folder}'` shows all"
    ]
    store = TickStore(folder)
    assert recorded_reports(reports) == {
        f"{pair} report": report_stored(store, pair).digest() for pair in ("EURUSD", "GBPUSD")
    }


def test_pairs_with_many_ticks_are_left_to_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_reports, "_MOST_TICKS", 1_000)
    for pair, price in (("EURUSD", 1.09), ("GBPUSD", 1.27), ("USDJPY", 150.0)):
        write(tmp_path, pair, price)
    report_stored(TickStore(tmp_path), "USDJPY")

    reports = find_reports(asked := requests(tmp_path, "EURUSD", "GBPUSD", "USDJPY"))

    assert {pair: quality is not None for pair, quality in reports.items()} == {
        "EURUSD": True, "GBPUSD": False, "USDJPY": True,
    }  # fmt: skip
    assert list(doubt_lines(reports, asked)) == [
        f"the data of GBPUSD was not checked yet: `necrozma data check --data {tmp_path}` does, once"
    ]
    assert find_reports(requests(tmp_path, "GBPUSD"))["GBPUSD"] is not None


def test_damaged_ticks_are_no_trouble_of_the_report(tmp_path: Path) -> None:
    write(tmp_path, "EURUSD", 1.09)
    write(tmp_path, "GBPUSD", 1.27)
    (tmp_path / "EURUSD/manifest.json").write_bytes(b"{}")
    next((tmp_path / "GBPUSD").glob("*.parquet")).write_bytes(b"")

    assert find_reports(requests(tmp_path, "EURUSD", "GBPUSD")) == {"GBPUSD": None}


def test_reading_kept_reports_loads_no_compiler_and_no_feeds(tmp_path: Path) -> None:
    write(tmp_path, "EURUSD", 1.09)
    report_stored(TickStore(tmp_path), "EURUSD")
    code = (
        "import sys; from types import SimpleNamespace; from pathlib import Path;"
        "from necrozma_core.sweep.data_reports import find_reports;"
        f"found = find_reports([SimpleNamespace(pair='EURUSD', data_dir=Path({str(tmp_path)!r}), bars_ms=None)]);"
        "print(found['EURUSD'] is not None, [name for name in sys.modules if name == 'numba' or '.feeds.' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"
