"""Swap by date, unit and weekday, and the file that says the rates."""

from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from money_samples import make_ticks, make_trades, ms, times

from necrozma_core.errors import UsageError
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Costs, price_trades
from necrozma_core.money.swaps import SwapRate, SwapTable, SwapUnit, count_nights, parse_swap_rates

HEADER = "pair,date,long,short,unit\n"
SPAN_MS = (ms("2024-01-01"), ms("2024-02-01"))


def day(text: str) -> int:
    return int(np.datetime64(text, "D").astype(int))


def swap_of(costs: Costs, *spans: tuple[int, str, str], pair: str = "EURUSD", price: int = 100_000) -> list[float]:
    rows = sorted({ms(text) for _, *both in spans for text in both})
    ticks = make_ticks([(time, price, price) for time in rows], pair, 3 if pair.endswith("JPY") else 5)
    trades = make_trades(ticks, [(side, rows.index(ms(entry)), rows.index(ms(exit_))) for side, entry, exit_ in spans])
    return price_trades(trades, ticks, 1.0, costs, Conversion.identity()).swap.tolist()


@pytest.mark.parametrize(
    ("triple_day", "entry", "exit_", "expected"),
    [
        ("thursday", "2024-01-10 12:00", "2024-01-11 12:00", 1),  # Wednesday's roll
        ("thursday", "2024-01-11 12:00", "2024-01-12 12:00", 3),  # Thursday's
        ("friday", "2024-01-12 12:00", "2024-01-15 12:00", 3),
        ("monday", "2024-01-08 12:00", "2024-01-09 12:00", 3),
        ("wednesday", "2024-01-08 12:00", "2024-01-15 12:00", 7),
        ("thursday", "2024-01-08 12:00", "2024-01-15 12:00", 7),
    ],
)
def test_nights_are_three_on_the_day_of_the_pair(triple_day: str, entry: str, exit_: str, expected: int) -> None:
    assert count_nights(times(entry), times(exit_), SPAN_MS, triple_day).tolist() == [expected]


def test_swap_rate_counts_from_the_roll_of_its_day() -> None:
    # One lot: a pip is 10 USD. Monday's and Tuesday's rolls at -0.5, Wednesday's three nights at -1: -10 - 30.
    rates = (SwapRate(day("2024-01-01"), -0.5, 0.2), SwapRate(day("2024-01-10"), -1.0, 0.4))
    held = [(1, "2024-01-08 12:00", "2024-01-11 12:00"), (-1, "2024-01-11 12:00", "2024-01-12 12:00")]
    assert swap_of(Costs(swap_rates=rates), *held) == pytest.approx([-40.0, 4.0])


def test_swap_before_the_first_date_is_what_the_settings_say() -> None:
    costs = Costs(swap_long_pips=-2.0, swap_rates=(SwapRate(day("2024-01-09"), -1.0, 0.0),))
    assert swap_of(costs, (1, "2024-01-08 12:00", "2024-01-10 12:00")) == pytest.approx([-30.0])
    without = Costs(swap_rates=(SwapRate(day("2024-01-09"), -1.0, 0.0),))
    assert swap_of(without, (1, "2024-01-08 12:00", "2024-01-10 12:00")) == pytest.approx([-10.0])


@pytest.mark.parametrize(
    ("pair", "unit", "rate", "expected"),
    [
        ("EURUSD", SwapUnit.PIPS, -0.8, -8.0),
        ("EURUSD", SwapUnit.POINTS, -8.0, -8.0),  # 8 points of 0.00001 are 0.8 pips
        ("EURUSD", SwapUnit.PERCENT, -3.6, -10.0),  # 100,000 USD * 3.6 % / 360
        ("USDJPY", SwapUnit.POINTS, -10.0, -1_000.0),  # a pip of 0.01 JPY on 100,000 USD
    ],
)
def test_swap_of_every_unit_by_hand(pair: str, unit: str, rate: float, expected: float) -> None:
    costs = Costs(swap_rates=(SwapRate(0, rate, 0.0, str(unit)),))
    assert swap_of(costs, (1, "2024-01-08 12:00", "2024-01-09 12:00"), pair=pair) == pytest.approx([expected])


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(-900, 900)), max_size=6, unique_by=lambda rate: rate[0]),
    st.integers(0, 40 * 1440),
    st.integers(0, 20 * 1440),
)
def test_swap_of_any_dates_equals_a_walk_through_the_nights(
    rows: list[tuple[int, int]], start_minutes: int, minutes: int
) -> None:
    first = day("2024-01-01")
    rates = tuple(SwapRate(first + offset, tenths / 10, 0.0) for offset, tenths in sorted(rows))
    entry = ms("2024-01-01") + start_minutes * 60_000
    exit_ = entry + minutes * 60_000
    roll, expected = datetime(2023, 12, 31, 17, tzinfo=ZoneInfo("America/New_York")), Fraction(0)
    while (roll_ms := roll.timestamp() * 1000) <= exit_:
        of_day = [Fraction(tenths, 10) for offset, tenths in sorted(rows) if first + offset <= day(f"{roll:%Y-%m-%d}")]
        if roll_ms > entry and of_day:
            expected += of_day[-1] * {"Wed": 3, "Sat": 0, "Sun": 0}.get(f"{roll:%a}", 1)
        roll += timedelta(days=1)
    ticks = make_ticks([(entry, 100_000, 100_000), (exit_, 100_000, 100_000)])
    money = price_trades(make_trades(ticks, [(1, 0, 1)]), ticks, 1.0, Costs(swap_rates=rates), Conversion.identity())
    assert money.swap.tolist() == pytest.approx([float(expected) * 10], rel=1e-14)


def test_rates_are_read_by_pair_in_order_of_date(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(
        "Unit;Short;Long;Pair;Date\npips;0.1;-0.5;EURUSD;2024-02-01\npercent;1;-2;USDTRY;2024-01-01\n"
        "\npoints;1.5;-7;EURUSD;2024-01-01\n",
        encoding="utf-8-sig",
    )
    table = SwapTable.from_file(path)
    assert table.of("EURUSD") == (
        SwapRate(day("2024-01-01"), -7.0, 1.5, "points"),
        SwapRate(day("2024-02-01"), -0.5, 0.1, "pips"),
    )
    assert table.of("USDTRY") == (SwapRate(day("2024-01-01"), -2.0, 1.0, "percent"),)
    assert table.of("GBPUSD") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "rates.csv: expected the columns pair, date, long, short, unit, each once; pair is missing in ''"),
        ("pair,date,long,short\n", "unit is missing"),
        ("pair,date,long,short,unit,long\n", "long is there twice"),
        (HEADER, "expected rates of swap below the names of the columns; found none"),
        (HEADER + "EURUSD,2024-01-01,1,2\n", "rates.csv, row 2: expected 5 columns; found 4"),
        (HEADER + "EURUSX,2024-01-01,1,2,pips\n", "row 2, column pair: unknown pair 'EURUSX'"),
        (HEADER + "EURUSD,01/02/2024,1,2,pips\n", "row 2, column date: expected a day such as 2024-01-31; found"),
        (HEADER + "EURUSD,2024-01-01,x,2,pips\n", "row 2, column long: expected a number from -10,000 to 10,000"),
        (HEADER + "EURUSD,2024-01-01,1,nan,pips\n", "row 2, column short: expected a number from"),
        (HEADER + "EURUSD,2024-01-01,1,2000,percent\n", "from -1,000 to 1,000 (percent); found '2000'"),
        (HEADER + "EURUSD,2024-01-01,1,2,euros\n", "column unit: expected one of pips, points, percent; found 'euros'"),
        (HEADER + "EURUSD,2024-01-01,1,2,pips\n" * 2, "row 3: EURUSD has a rate of that date already"),
        (HEADER + 'EURUSD,2024-01-01,"1,2,pips\n', "cannot read the swap rates"),
    ],
)
def test_rates_that_cannot_be_are_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_swap_rates(text, "rates.csv")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    for name, content in (("missing.csv", None), ("folder", None), ("latin.csv", b"pair\xff")):
        path = tmp_path / name
        if name == "folder":
            path.mkdir()
        elif content:
            path.write_bytes(content)
        with pytest.raises(UsageError, match=name):
            SwapTable.from_file(path)


def test_triple_day_that_is_no_weekday_is_refused() -> None:
    with pytest.raises(UsageError, match="swap_triple_day: expected one of monday"):
        Costs(swap_triple_day="sunday")
