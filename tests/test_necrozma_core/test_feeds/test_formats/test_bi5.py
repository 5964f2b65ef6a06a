"""Dukascopy's hourly files: known answers, generated hours, and damage."""

import lzma
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from necrozma_core.errors import DataError
from necrozma_core.feeds.intake import import_files
from necrozma_core.storage.ticks.store import TickStore

Record = tuple[int, int, int]
"""Milliseconds in the hour, ask, bid."""


def write_hour(folder: Path, records: list[Record], place: str = "EURUSD/2012/11/03/01") -> Path:
    path = folder / f"{place}h_ticks.bi5"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(struct.pack(">IIIff", *record, 1.5, 0.75) for record in records)
    path.write_bytes(lzma.compress(content, format=lzma.FORMAT_ALONE) if records else b"")
    return path


def test_hour_is_that_of_its_path_whose_months_count_from_zero(tmp_path: Path) -> None:
    path = write_hour(tmp_path, [(3_581, 130_966, 130_945)])

    report = import_files([path], "EURUSD", tmp_path / "data")
    ticks = TickStore(tmp_path / "data").read("EURUSD")

    assert report.span == "2012-12-03 01:00:03 to 2012-12-03 01:00:03"
    assert (ticks.digits, ticks.bid.tolist(), ticks.ask.tolist()) == (5, [130_945], [130_966])


@pytest.mark.parametrize(("pair", "price"), [("USDJPY", 131.945), ("XAUUSD", 131.945), ("EURUSD", 1.31945)])
def test_points_are_thousandths_for_yen_and_metals(tmp_path: Path, pair: str, price: float) -> None:
    path = write_hour(tmp_path, [(0, 131_945, 131_945)], f"{pair}/2012/11/03/01")

    import_files([path], pair, tmp_path / "data")
    ticks = TickStore(tmp_path / "data").read(pair)

    assert ticks.bid[0] / ticks.scale == price


def test_hours_without_quotes_are_left_out_and_the_same_bytes_are_another_hours(tmp_path: Path) -> None:
    hours = [
        write_hour(tmp_path, records, f"EURUSD/2012/11/03/{hour:02}")
        for hour, records in enumerate([[(0, 130_002, 130_001)], [], [], [(0, 130_002, 130_001)]])
    ]

    report = import_files(hours, "EURUSD", tmp_path / "data")

    assert (report.kept, len(report.files), len(report.empty)) == (2, 2, 2)
    assert report.span == "2012-12-03 00:00:00 to 2012-12-03 03:00:00"


# Each of these writes to the disk and waits for it.
@settings(max_examples=settings.default.max_examples // 4)
@given(
    st.lists(st.tuples(st.integers(0, 3_599_999), st.integers(1, 200_000), st.integers(0, 99)), min_size=1, max_size=50)
)
def test_any_hour_is_read_back(tmp_path_factory: pytest.TempPathFactory, quotes: list[Record]) -> None:
    folder = tmp_path_factory.mktemp("hour")
    quotes.sort(key=lambda quote: quote[0])
    path = write_hour(folder, [(ms, bid + spread, bid) for ms, bid, spread in quotes])

    import_files([path], "EURUSD", folder / "data")
    ticks = TickStore(folder / "data").read("EURUSD")

    finer = 10 ** (5 - ticks.digits)
    assert (ticks.time_ms - 1_354_496_400_000).tolist() == [ms for ms, _, _ in quotes]
    assert (ticks.bid * finer).tolist() == [bid for _, bid, _ in quotes]
    assert (ticks.ask * finer).tolist() == [bid + spread for _, bid, spread in quotes]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("GBPUSD/2012/11/03/01", "expected a folder of EURUSD, found 'GBPUSD'"),
        ("EURUSD/2012/12/03/01", "no hour is called so .*; months count from zero"),
        ("EURUSD/2012/11/31/24", "no hour is called so"),
        ("EURUSD/01", "expected the hour in the path, such as EURUSD/2012/11/03/01h_ticks.bi5"),
    ],
)
def test_path_that_is_no_hour_of_the_pair_is_refused(tmp_path: Path, place: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        import_files([write_hour(tmp_path, [(0, 2, 1)], place)], "EURUSD", tmp_path / "data")


def test_record_beyond_the_hour_is_a_bad_row(tmp_path: Path) -> None:
    path = write_hour(tmp_path, [(0, 130_001, 130_000)] * 300 + [(3_600_000, 130_001, 130_000)])

    with pytest.raises(
        DataError,
        match="row 301, column milliseconds: expected milliseconds of the hour, below 3,600,000, found '3600000'",
    ):
        import_files([path], "EURUSD", tmp_path / "data")


@pytest.mark.parametrize("spoil", ["short", "garbage", "odd", "longer", "bomb"])
def test_damaged_hour_is_refused(tmp_path: Path, spoil: str) -> None:
    path = write_hour(tmp_path, [(ms, 130_001, 130_000) for ms in range(100)])
    content = path.read_bytes()
    match spoil:
        case "short":
            path.write_bytes(content[:-20])
        case "garbage":
            path.write_bytes(content[:13] + b"\xff" * 50)
        case "odd":
            path.write_bytes(lzma.compress(b"x" * 50, format=lzma.FORMAT_ALONE))
        case "longer":
            path.write_bytes(content + b"more")
        case "bomb":
            path.write_bytes(lzma.compress(bytes(100_000_000), format=lzma.FORMAT_ALONE))

    with pytest.raises(DataError, match=r"damaged|expected records of 20 bytes|unpacks to more than"):
        import_files([path], "EURUSD", tmp_path / "data")
