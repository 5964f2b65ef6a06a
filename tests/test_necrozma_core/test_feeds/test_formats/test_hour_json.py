"""Dukascopy's hours of steps: known answers worked out by hand, round trips, and damage."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.hour_json import parse_hour
from necrozma_core.feeds.intake import import_files
from necrozma_core.storage.ticks.store import TickStore

# Noon of 13 July 2026. The second quote comes 93 + 104 ms later: ask 1.14277 - 0.00002, bid 1.14273 + 0.00001.
HOUR: dict[str, Any] = {
    "timestamp": 1_783_944_000_000,
    "multiplier": 1.0e-5,
    "ask": 1.14277,
    "bid": 1.14273,
    "times": [93, 104, 0, 3_599_802],
    "asks": [0, -2, 4, -1],
    "bids": [0, 1, 0, 3],
    "askVolumes": [900000.0, 450000.0, 900000.0, 900000.0],
    "bidVolumes": [900000.0, 900000.0, 120000.0, 900000.0],
}


def written(folder: Path, hour: object, name: str = "EURUSD_2026-07-13_12h.json") -> Path:
    path = folder / name
    path.write_text(hour if isinstance(hour, str) else json.dumps(hour))
    return path


def test_hour_of_steps_is_known_to_the_point(tmp_path: Path) -> None:
    report = import_files([written(tmp_path, HOUR)], "EURUSD", tmp_path / "data", now_ns=lambda: 1_790_000_000 * 10**9)
    ticks = TickStore(tmp_path / "data").read("EURUSD")

    assert report.formats == {
        "EURUSD_2026-07-13_12h.json": "Dukascopy hour: JSON with times, bids and asks as steps; UTC"
    }
    assert report.span == "2026-07-13 12:00:00 to 2026-07-13 12:59:59"
    assert (ticks.time_ms - 1_783_944_000_000).tolist() == [93, 197, 197, 3_599_999]
    assert (ticks.digits, ticks.ask.tolist()) == (5, [114_277, 114_275, 114_279, 114_278])
    assert ticks.bid.tolist() == [114_273, 114_274, 114_274, 114_277]


@pytest.mark.parametrize(
    ("multiplier", "ask", "bid", "expected"),
    [
        ("0.001", "161.234", "161.221", (161_233_000_000, 161_222_000_000)),
        ("1.0E-3", "1.61234E2", "161.221000", (161_233_000_000, 161_222_000_000)),
        ("0.01", "2345.67", "2345.6", (2_345_660_000_000, 2_345_610_000_000)),
        ("1.0E-5", "1.1", "1.1", (1_099_990_000, 1_100_010_000)),
        ("1.0E-5", "1.1000000000000001", "1.0999999999999999", (1_099_990_000, 1_100_010_000)),
        ("1", "20000", "20000", (19_999_000_000_000, 20_001_000_000_000)),
    ],
)
def test_prices_are_exact_in_every_scale(multiplier: str, ask: str, bid: str, expected: tuple[int, int]) -> None:
    text = (
        f'{{"timestamp": 1783944000000, "multiplier": {multiplier}, "ask": {ask}, "bid": {bid}, "times": [1, 1], '
        '"asks": [0, -1], "bids": [0, 1], "askVolumes": [1.0, 1.0], "bidVolumes": [1.0, 1.0]}'
    )
    hour = parse_hour(text.encode(), "it")
    assert (int(hour.ask[1]), int(hour.bid[1])) == expected


def test_hour_without_quotes_is_empty(tmp_path: Path) -> None:
    empty = {name: [] for name in ("times", "asks", "bids", "askVolumes", "bidVolumes")}
    nothing = {"timestamp": 1_783_728_000_000, "multiplier": 1, "ask": None, "bid": None, **empty}
    assert len(parse_hour(json.dumps(nothing).encode(), "it")) == 0

    report = import_files(
        [written(tmp_path, nothing, "empty.json"), written(tmp_path, HOUR)],
        "EURUSD",
        tmp_path / "data",
        now_ns=lambda: 1_790_000_000 * 10**9,
    )
    assert (report.empty, report.kept) == (("empty.json",), 4)


prices = st.integers(100_000, 120_000)


@given(st.lists(st.tuples(st.integers(0, 3_599_999), prices, st.integers(0, 30)), min_size=1, max_size=50).map(sorted))
def test_quotes_written_as_steps_are_read_back(quotes: list[tuple[int, int, int]]) -> None:
    times, bids, asks = zip(*((ms, bid, bid + spread) for ms, bid, spread in quotes), strict=True)

    def steps(values: tuple[int, ...], first: int) -> list[int]:
        return [after - before for before, after in zip((first, *values), values, strict=False)]

    hour = {
        "timestamp": 3_600_000 * 400_000,
        "multiplier": 1e-5,
        "ask": asks[0] / 1e5,
        "bid": bids[0] / 1e5,
        "times": steps(times, 0),
        "asks": steps(asks, asks[0]),
        "bids": steps(bids, bids[0]),
        "askVolumes": [1.0] * len(bids),
        "bidVolumes": [1.0] * len(bids),
    }
    found = parse_hour(json.dumps(hour).encode(), "it")
    assert found.time_ms.tolist() == list(times)
    assert found.bid.tolist() == [bid * 10_000 for bid in bids]
    assert found.ask.tolist() == [ask * 10_000 for ask in asks]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"timestamp": 1_783_944_000_001}, "timestamp: expected a whole hour"),
        ({"timestamp": "1783944000000"}, "timestamp: expected a whole hour"),
        ({"timestamp": 1e12}, "timestamp: expected a whole hour"),
        ({"timestamp": 3_600_000 * 10**12}, "timestamp: expected a whole hour"),
        ({"multiplier": 0}, "multiplier: expected a price step"),
        ({"multiplier": -1e-5}, "multiplier: expected a price step"),
        ({"multiplier": 10}, "multiplier: expected a price step"),
        ({"multiplier": 1e-12}, "multiplier: expected a price"),
        ({"multiplier": None}, "multiplier: expected a price, found nothing"),
        ({"ask": None}, "ask: expected a price, found nothing"),
        ({"ask": "x"}, "ask: expected a price, found 'x'"),
        ({"bid": float("nan")}, "bid: expected a price, found 'NaN'"),
        ({"bid": True}, "bid: expected a price, found true"),
        ({"bid": 1e300}, "bid: expected a price"),
        ({"bid": 1.12345678901}, "bid: expected a price of at most 9 decimals"),
        ({"times": [93, 104]}, "found 2 times, 4 bids, 4 asks, 4 bidVolumes"),
        ({"askVolumes": [1.0]}, "1 askVolumes; get it again"),
        ({"times": [93, 104, 0, 3_599_803]}, "times: expected quotes within the hour, found one after 3,600,000 mill"),
        ({"times": [-1, 104, 0, 0]}, "times: expected quotes within the hour, found one after -1 milliseconds"),
        ({"times": {}}, "times: expected at most 3,600,000 whole numbers"),
        ({"asks": [0, 1.5, 0, 0]}, "asks, number 2: expected a whole number, found '1.5'"),
        ({"asks": [0, None, 0, 0]}, "asks, number 2: expected a whole number, found nothing"),
        ({"asks": [0, True, 0, 0]}, "asks, number 2: expected a whole number, found true"),
        ({"bids": [0, 10**30, 0, 0]}, "bids, number 2: expected a whole number"),
        ({"bids": [10**9] * 4, "multiplier": 1, "bid": 1}, "steps that lead beyond any"),
    ],
)
def test_hour_that_is_none_is_refused_in_a_line(change: dict[str, Any], part: str) -> None:
    with pytest.raises(DataError) as refused:
        parse_hour(json.dumps(HOUR | change).encode(), "hour.json")
    assert str(refused.value).startswith("hour.json: ")
    assert part in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "{}", '{"a": 1}', "[" * 100_000, '{"timestamp": ' + "9" * 5000 + "}", "\xff"]
)
def test_text_that_is_no_hour_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="expected Dukascopy's JSON of an hour"):
        parse_hour(text.encode("latin-1"), "it")


def test_crossed_quote_is_a_bad_row_and_shown_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, HOUR | {"bids": [0, 1, 100, 3]})
    with pytest.raises(DataError, match=r"row 3, column ask: .* the bid of '1\.14374', found '1\.14279'"):
        import_files([path], "EURUSD", tmp_path / "data", now_ns=lambda: 1_790_000_000 * 10**9)


def test_packed_hour_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD_2026-07-13_12h.json.gz"
    path.write_bytes(gzip.compress(json.dumps(HOUR).encode()))
    report = import_files([path], "EURUSD", tmp_path / "data", now_ns=lambda: 1_790_000_000 * 10**9)
    assert report.kept == 4


@given(st.lists(st.tuples(st.integers(0, 399), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_are_an_hour_or_refused(changes: list[tuple[int, int]]) -> None:
    content = bytearray(json.dumps(HOUR).encode())
    for position, value in changes:
        content[position % len(content)] = value
    try:
        hour = parse_hour(bytes(content), "it")
    except DataError:
        return
    assert len(hour.time_ms) == len(hour.bid) == len(hour.ask) == 4
