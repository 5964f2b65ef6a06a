"""Quotes whose ask lies below their bid: refused, set aside or exchanged, by every reader, and said in each case."""

import json
from pathlib import Path

import numpy as np
import pytest

from necrozma_core.errors import DataError, UsageError
from necrozma_core.feeds.bars.intake import import_bars
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import ImportReport, import_files
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.ticks.store import TickStore

BIDS = [1.1 + 0.00001 * (tick % 50) for tick in range(800)]
"""Of quotes with a spread of seven points, of which every eighth has bid and ask exchanged."""


@pytest.fixture(params=[False, True], ids=["read by the library", "read by the compiled loop"])
def compiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("necrozma_core.feeds.intake.is_worth_compiling", lambda _: request.param)


def write(path: Path, extra: str = "") -> Path:
    rows = []
    for tick, bid in enumerate(BIDS):
        prices = (bid, bid + 0.00007)[:: -1 if tick % 8 == 7 else 1]
        rows.append(f"2024-01-15T00:{tick // 60:02}:{tick % 60:02}Z,{prices[0]:.5f},{prices[1]:.5f}\n")
    path.write_text("timestamp,bid,ask\n" + "".join(rows) + extra)
    return path


def bring(tmp_path: Path, crossed: str, extra: str = "", share: float = 0.0) -> ImportReport:
    options = ReadOptions(crossed=crossed)
    return import_files(
        [write(tmp_path / "a.csv", extra)], "EURUSD", tmp_path / "data", options=options, quarantine_share=share
    )


def sources(tmp_path: Path) -> list[dict[str, object]]:
    text = (tmp_path / "data" / "EURUSD" / "manifest.json").read_text()
    found: list[dict[str, object]] = json.loads(text)["sources"]
    return found


@pytest.mark.usefixtures("compiled")
def test_swap_exchanges_the_two_and_counts_it_in_report_and_manifest(tmp_path: Path) -> None:
    report = bring(tmp_path, "swap")
    ticks = TickStore(tmp_path / "data").read("EURUSD")
    expected = np.round(np.array(BIDS) * 1e5).astype(np.int32)
    assert (report.kept, report.swapped, report.quarantined) == (800, 100, {})
    assert np.array_equal(ticks.bid, expected)
    assert np.array_equal(ticks.ask, expected + 7)
    assert [source["swapped"] for source in sources(tmp_path)] == [100]
    assert TickStore(tmp_path / "data").manifest("EURUSD").sources[0].swapped == 100


@pytest.mark.usefixtures("compiled")
def test_aside_sets_them_aside_however_many_they_are(tmp_path: Path) -> None:
    report = bring(tmp_path, "aside")
    assert (report.kept, report.swapped, report.quarantined) == (700, 0, {"ask below bid": 100})
    lines = report.quarantine_files[0].read_text().splitlines()
    assert (len(lines), lines[1]) == (101, "9,ask below bid,2024-01-15T00:00:07Z,1.10014,1.10007")
    assert "swapped" not in sources(tmp_path)[0]


@pytest.mark.usefixtures("compiled")
def test_refuse_names_what_else_can_be_done(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"100 bad rows \(100 ask below bid\), 12.5 % of all; mend the file; --crossed swap .* --crossed aside",
    ):
        bring(tmp_path, "refuse")
    assert not TickStore(tmp_path / "data").pairs()


@pytest.mark.parametrize("crossed", ["swap", "aside"])
def test_other_bad_rows_are_refused_all_the_same(tmp_path: Path, crossed: str) -> None:
    with pytest.raises(DataError, match=r"row 802, column bid: expected a number, found 'x'|1 not a number"):
        bring(tmp_path, crossed, "2024-01-15T01:00:00Z,x,1.2\n")


def test_rows_with_a_bad_side_are_not_exchanged_but_set_aside_as_they_are(tmp_path: Path) -> None:
    report = bring(tmp_path, "swap", "2024-01-15T01:00:00Z,1.1,-1.2\n2024-01-15T01:00:01Z,1.1,\n", share=0.1)
    assert report.quarantined == {"empty cell": 1, "zero or negative": 1}
    lines = report.quarantine_files[0].read_text().splitlines()
    assert lines[1] == "802,zero or negative,2024-01-15T01:00:00Z,1.1,-1.2"


def test_another_word_is_refused() -> None:
    with pytest.raises(UsageError, match="--crossed twist: expected one of swap, refuse, aside"):
        ReadOptions(crossed="twist").check()


BOTH = "time,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close"
PLAIN = "1.10000,1.10050,1.09950,1.10010,1.10002,1.10052,1.09952,1.10012"
TURNED = "1.10002,1.10052,1.09952,1.10012,1.10000,1.10050,1.09950,1.10010"


def bars(tmp_path: Path, crossed: str) -> tuple[QuoteBars, str]:
    rows = [f"2023-01-02T{hour:02}:00:00Z,{TURNED if hour % 4 == 3 else PLAIN}" for hour in range(8)]
    (tmp_path / "a.csv").write_text("\n".join([BOTH, *rows]) + "\n")
    report = import_bars(
        [tmp_path / "a.csv"],
        "EURUSD",
        tmp_path / "data",
        options=ReadOptions(crossed=crossed),
        now_ns=lambda: 1_700_000_000 * 10**9,
    )
    (imported,) = report.imports
    return BarStore(tmp_path / "data").read("EURUSD", 3_600_000), " ".join(imported.notes)


def test_bars_are_exchanged_too(tmp_path: Path) -> None:
    stored, notes = bars(tmp_path, "swap")
    assert "2 bars have an ask below the bid: exchanged" in notes
    assert stored.bid.tolist() == [[110_000, 110_050, 109_950, 110_010]] * 8
    assert stored.ask.tolist() == [[110_002, 110_052, 109_952, 110_012]] * 8


def test_bars_are_left_out_or_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 bars have an ask below .* --crossed swap exchanges"):
        bars(tmp_path, "refuse")
    stored, notes = bars(tmp_path, "aside")
    assert "2 bars have an ask below the bid: left out" in notes
    assert len(stored) == 6
