"""Exness: columns by name, suffixes stripped, one pair a file."""

from pathlib import Path

import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.symbols import strip_symbol
from necrozma_core.feeds.intake import import_files
from necrozma_core.storage.ticks.store import TickStore

QUOTED = """"Exness","Symbol","Timestamp","Bid","Ask"
"exness","EURUSD{suffix}","2024-01-15 00:00:00.032Z",1.09500,1.09507
"exness","EURUSD{suffix}","2024-01-15 00:00:00.532Z",1.09501,1.09501
"exness","EURUSD{suffix}","2024-01-15 00:00:00.532Z",1.09499,1.09508
"""
MONTHLY = """Timestamp,Exness,Symbol,Bid,Ask
2024-01-15 00:00:00.032Z,exness,EURUSD{suffix},1.09500,1.09507
2024-01-15 00:00:00.532Z,exness,EURUSD{suffix},1.09501,1.09501
2024-01-15 00:00:00.532Z,exness,EURUSD{suffix},1.09499,1.09508
"""
SUFFIXES = ["", "_Zero_Spread", "_Raw_Spread", "_Standard", "_Standart_Cent", "m", "c", "z", ".a", "-pro"]


def write(folder: Path, content: str, newline: str = "\n") -> Path:
    path = folder / "Exness_EURUSD_2024_01.csv"
    path.write_bytes(content.replace("\n", newline).encode())
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("layout", [QUOTED, MONTHLY])
def test_import_of_either_layout_finds_columns_by_name(tmp_path: Path, layout: str, suffix: str) -> None:
    report = import_files([write(tmp_path, layout.format(suffix=suffix))], "EURUSD", tmp_path / "data")
    ticks = TickStore(tmp_path / "data").read("EURUSD")

    assert (report.rows, report.kept, report.digits) == (3, 3, 5)
    assert ticks.time_ms.tolist() == [1_705_276_800_032, 1_705_276_800_532, 1_705_276_800_532]
    assert ticks.bid.tolist() == [109_500, 109_501, 109_499]
    assert ticks.ask.tolist() == [109_507, 109_501, 109_508]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_import_takes_any_line_ending_and_a_byte_order_mark(tmp_path: Path, newline: str, mark: str) -> None:
    path = write(tmp_path, mark + QUOTED.format(suffix=""), newline)

    assert import_files([path], "EURUSD", tmp_path / "data").kept == 3


@pytest.mark.parametrize("symbol", ["GBPUSD", "GBPUSDm", "EURUSDX", "GBP/USD", "EURUSD Raw", "EURUS", ""])
@pytest.mark.parametrize("quarantine", [True, False])
def test_import_of_another_symbol_is_refused_even_with_quarantine(
    tmp_path: Path, symbol: str, quarantine: bool
) -> None:
    path = write(tmp_path, MONTHLY.format(suffix="m") + f"2024-01-15 00:00:01Z,exness,{symbol},1.1,1.2\n")

    with pytest.raises(DataError, match=f"row 5, column Symbol: expected EURUSD, found '{symbol}'"):
        import_files([path], "EURUSD", tmp_path / "data", quarantine_share=float(quarantine))
    assert not TickStore(tmp_path / "data").pairs()


def test_import_of_a_crossed_feed_sets_one_row_in_eight_aside(tmp_path: Path) -> None:
    asks = ["1.09499" if tick % 8 == 7 else "1.09507" for tick in range(80)]
    rows = [f"2024-01-15 00:00:00.{tick:03}Z,exness,EURUSDm,1.09500,{ask}" for tick, ask in enumerate(asks)]
    path = write(tmp_path, "Timestamp,Exness,Symbol,Bid,Ask\n" + "\n".join(rows) + "\n")

    report = import_files([path], "EURUSD", tmp_path / "data", quarantine_share=1.0)

    assert (report.kept, report.quarantined) == (70, {"ask below bid": 10})
    assert report.quarantine_files[0].read_text(encoding="utf-8").splitlines()[:2] == [
        "row,reason,Timestamp,Exness,Symbol,Bid,Ask",
        "9,ask below bid,2024-01-15 00:00:00.007Z,exness,EURUSDm,1.09500,1.09499",
    ]


def test_import_of_an_empty_line_among_rows_is_a_bad_row_not_another_symbol(tmp_path: Path) -> None:
    path = write(tmp_path, MONTHLY.format(suffix="") + "\n2024-01-15 00:00:01Z,exness,EURUSD,1.1,1.2\n\n\n")

    report = import_files([path], "EURUSD", tmp_path / "data", quarantine_share=1.0)

    assert (report.rows, report.kept, report.quarantined) == (5, 4, {"empty cell": 1})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_symbol_is_stripped_to_its_pair(suffix: str) -> None:
    assert strip_symbol(f"XAUUSD{suffix}") == "XAUUSD"
    assert strip_symbol(f"EURUSD{suffix}x y") is None
