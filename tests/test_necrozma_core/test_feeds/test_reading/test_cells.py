"""Cells to integers: against Python's own decimals and datetimes."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.errors import DataError
from necrozma_core.feeds.reading.cells import Cells, Fault
from necrozma_core.feeds.reading.prices import read_prices
from necrozma_core.feeds.reading.times import NaiveTimeError, TimeStyle, ZoneError, read_times

BILLION = 10**9


def faults_of(cells: Cells) -> list[Fault | None]:
    return [Fault.of_code(code) if code else None for code in cells.faults.tolist()]


@given(st.lists(st.decimals(min_value=0, max_value=999_999, places=5), min_size=1, max_size=50))
def test_prices_of_plain_text_are_exact(prices: list[Decimal]) -> None:
    cells = read_prices(pa.array([str(price) for price in prices]))

    assert cells.values.tolist() == [int(price * BILLION) for price in prices]
    assert not cells.faults.any()


@given(st.lists(st.decimals(min_value="0.00001", max_value=9_999, places=5), min_size=1, max_size=50))
def test_prices_of_floats_are_the_decimals_they_were_written_as(prices: list[Decimal]) -> None:
    cells = read_prices(pa.array([float(price) for price in prices], pa.float64()))

    assert cells.values.tolist() == [int(price * BILLION) for price in prices]
    assert not cells.faults.any()


@given(st.lists(st.floats(min_value=1e-3, max_value=1e6), min_size=1, max_size=20))
def test_prices_of_any_floats_are_their_shortest_decimal_or_refused(prices: list[float]) -> None:
    cells = read_prices(pa.array(prices, pa.float64()))

    for price, value, fault in zip(prices, cells.values.tolist(), faults_of(cells), strict=True):
        exact = Decimal(repr(price))
        rounded = exact.quantize(Decimal(1).scaleb(max(exact.adjusted() - 8, -9)))
        if abs(rounded - exact) < Decimal("1e-9") * Decimal("0.999"):
            exact = rounded
        nine = len(exact.normalize().as_tuple().digits) <= 9 and -exact.normalize().as_tuple().exponent <= 9
        fits = nine or (-exact.normalize().as_tuple().exponent <= 8 and len(exact.normalize().as_tuple().digits) <= 15)
        assert fault == (None if fits else Fault.TOO_PRECISE)
        assert value == (int(exact * BILLION) if fits else 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.08512", Decimal("1.08512")),
        (" 1.5 ", Decimal("1.5")),
        ("1.5e2", Decimal(150)),
        ("+1.25", Decimal("1.25")),
        (".5", Decimal("0.5")),
        ("5.", Decimal(5)),
        ("1.10000000000000", Decimal("1.1")),
        ("1580.7870000000003", Decimal("1580.787")),
        ("1581.1329999999998", Decimal("1581.133")),
        ("-2", Decimal(-2)),
        ("0e5", Decimal(0)),
        ("", Fault.EMPTY),
        ("   ", Fault.EMPTY),
        ("abc", Fault.NOT_A_NUMBER),
        ("nan", Fault.NOT_A_NUMBER),
        ("0x10", Fault.NOT_A_NUMBER),
        ("1_000", Fault.NOT_A_NUMBER),
        ("1.2.3", Fault.NOT_A_NUMBER),
        ("\u0661.5", Fault.NOT_A_NUMBER),
        ("1e400", Fault.INFINITE),
        ("-Infinity", Fault.INFINITE),
        ("inf", Fault.INFINITE),
        ("1.0123456789", Fault.TOO_PRECISE),
        ("1000000000", Fault.TOO_PRECISE),
        ("1e-400", Fault.TOO_PRECISE),
    ],
)
def test_price_text_is_a_number_or_says_what_is_wrong(text: str, expected: Decimal | Fault) -> None:
    cells = read_prices(pa.array(["1.1", text]))

    if isinstance(expected, Fault):
        assert faults_of(cells) == [None, expected]
    else:
        assert cells.values.tolist() == [11 * BILLION // 10, int(expected * BILLION)]
        assert faults_of(cells) == [None, None]


def test_prices_of_floats_that_are_no_prices_say_what_is_wrong() -> None:
    column = pa.array([1.1, math.nan, math.inf, -math.inf, None, 1.0123456789, 1e12], pa.float64())

    assert faults_of(read_prices(column)) == [
        None, Fault.NOT_A_NUMBER, Fault.INFINITE, Fault.INFINITE, Fault.EMPTY, Fault.TOO_PRECISE, Fault.TOO_PRECISE,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [pa.decimal32(9, 5), pa.decimal64(18, 9), pa.decimal128(38, 12), pa.decimal256(50, 4)])
def test_prices_of_decimals_are_exact_whatever_their_width(kind: pa.DataType) -> None:
    cells = read_prices(pa.array([Decimal("1.0851"), None, Decimal(-3)], kind))

    assert cells.values.tolist() == [1_085_100_000, 0, -3 * BILLION]
    assert faults_of(cells) == [None, Fault.EMPTY, None]


@pytest.mark.parametrize("kind", [pa.float32(), pa.int64(), pa.bool_(), pa.timestamp("ms")])
def test_prices_of_a_type_that_cannot_be_trusted_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(DataError, match="expected prices as text, decimals or 64-bit floats"):
        read_prices(pa.array([1], pa.int64()).cast(kind) if kind != pa.float32() else pa.array([1.0], kind))


@given(
    st.lists(
        st.tuples(
            st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)),
            st.integers(-14 * 60, 14 * 60),
            st.sampled_from(["T", " "]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_times_with_an_offset_are_utc(times: list[tuple[datetime, int, str]]) -> None:
    texts, expected = [], []
    for naive, offset, separator in times:
        sign, minutes = "-" if offset < 0 else "+", abs(offset)
        texts.append(f"{naive.isoformat(separator)}{sign}{minutes // 60:02}:{minutes % 60:02}")
        utc = naive.replace(tzinfo=UTC) - timedelta(minutes=offset)
        expected.append((utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000)

    cells = read_times(pa.array(texts), None)

    assert cells.values.tolist() == expected
    assert not cells.faults.any()


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30T00:00:00Z", "2024-01-15T25:00:00Z", "2024-01-15T00:00:60Z", "15.01.2024 00:00:00", "yesterday",
        "1705276800", "2024-01-15T00:00:00.1234567890Z", "2024-01-15 00:00:00 UTC", "0001-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_time_text_that_is_no_time_is_a_fault_and_its_neighbours_are_not(text: str) -> None:
    column = pa.array(["2024-01-15T00:00:00Z", text, "2024-01-15 00:00:01.5Z", ""])

    cells = read_times(column, None)

    assert faults_of(cells) == [None, Fault.NOT_A_TIME, None, Fault.EMPTY]
    assert cells.values[[0, 2]].tolist() == [1_705_276_800 * BILLION, 1_705_276_801_500_000_000]


def test_times_without_a_zone_are_refused_at_the_first() -> None:
    with pytest.raises(NaiveTimeError) as caught:
        read_times(pa.array(["2024-01-15T00:00:00Z", "2024-01-15 00:00:01", "2024-01-15"]), None)

    assert caught.value.position == 1
    assert "found '2024-01-15 00:00:01'; say which zone it is with --zone" in str(caught.value)


@pytest.mark.parametrize(
    ("zone", "text", "utc"),
    [
        ("America/New_York", "2024-01-15 12:00:00", "2024-01-15T17:00:00"),
        ("America/New_York", "2024-07-15 12:00:00", "2024-07-15T16:00:00"),
        ("-05:00", "2024-07-15 12:00:00", "2024-07-15T17:00:00"),
        ("UTC", "2024-07-15T12:00:00.001", "2024-07-15T12:00:00.001"),
        ("UTC", "2024-07-15T12:00:00+02:00", "2024-07-15T10:00:00"),
    ],
)
def test_times_without_a_zone_take_the_one_that_is_given(zone: str, text: str, utc: str) -> None:
    column = pa.array([text, "2024-07-15T00:00:00Z", "x"])

    cells = read_times(column, zone)

    assert cells.values[:2].view("datetime64[ns]").tolist() == np.array([utc, "2024-07-15"], "M8[ns]").tolist()
    assert faults_of(cells) == [None, None, Fault.NOT_A_TIME]


@pytest.mark.parametrize(
    ("text", "zone", "trouble"),
    [
        ("2024-03-10 02:30:00", "America/New_York", "does not exist"),
        ("2024-11-03 01:30:00", "America/New_York", "exists twice"),
        ("2024-03-10 09:30:00", "America/New_York+7", "does not exist"),
        ("2024-11-03 08:30:00", "America/New_York+7", "exists twice"),
        ("2024-03-31 02:30:00", "Europe/Berlin", "does not exist"),
    ],
)
@pytest.mark.parametrize("others", [["2024-01-15 00:00:00"], ["2024-01-15 00:00:00", "x", ""]])
def test_times_at_which_clocks_change_are_refused(text: str, zone: str, trouble: str, others: list[str]) -> None:
    with pytest.raises(ZoneError) as caught:
        read_times(pa.array([*others, text, text]), zone)

    assert caught.value.position == len(others)
    assert f"found '{text}'; it {trouble} in {zone}, whose clocks change there: check --zone" in str(caught.value)


def test_times_at_which_clocks_change_in_a_table_are_refused_at_their_row() -> None:
    times = pa.array(["2024-01-15 00:00:00", None, "2024-11-03 01:30:00"]).cast(pa.timestamp("ms"))

    with pytest.raises(ZoneError) as caught:
        read_times(times, "America/New_York")
    assert caught.value.position == 2


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_timestamps_keep_their_instant_whatever_the_unit(unit: str) -> None:
    column = pa.array(["2024-01-15T00:00:01", None]).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, "Asia/Tokyo"))

    cells = read_times(column, None)

    assert cells.values[0] == 1_705_276_801 * BILLION
    assert faults_of(cells) == [None, Fault.EMPTY]


def test_times_of_timestamps_without_a_zone_need_one() -> None:
    column = pa.array([None, "2024-01-15T12:00:00"]).cast(pa.timestamp("us"))

    with pytest.raises(NaiveTimeError) as caught:
        read_times(column, None)
    assert caught.value.position == 1
    assert read_times(column, "-01:00").values[1] == np.datetime64("2024-01-15T13", "ns").astype(np.int64)


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.date32()])
def test_times_of_a_type_without_a_clear_unit_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(DataError, match="expected times as text such as"):
        read_times(pa.array([1], pa.int32()).cast(kind), None)


def test_date_alone_is_what_is_left_of_a_time_that_was_cut() -> None:
    whole = read_times(pa.array(["2024-01-15 00:00:00", "2024-01-15", "2024-01-15 00:00"]), "UTC")

    assert faults_of(whole) == [None, Fault.NOT_A_TIME, None]


@pytest.mark.parametrize("style", [TimeStyle.COMPACT, TimeStyle.DOTTED, TimeStyle.DAY_FIRST, TimeStyle.MONTH_FIRST])
def test_time_in_another_style_than_the_files_is_none(style: TimeStyle) -> None:
    cells = read_times(pa.array(["2024-01-15 00:00:00.032"]), "UTC", style)

    assert faults_of(cells) == [Fault.NOT_A_TIME]
