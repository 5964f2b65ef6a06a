"""Filters: read exactly, as their definitions say, and without a look into the future."""

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bar_samples import first_bars, make_bars, walking_bars
from hypothesis import given
from hypothesis import strategies as st
from naive_strategies import AVERAGES_EQUAL, Series, exponential, mean, wilder

from necrozma_core.engine.instructions import BUY, CLOSE, CLOSE_LONG, CLOSE_SHORT, SELL
from necrozma_core.engine.orders import Orders
from necrozma_core.errors import UsageError
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.filters import FilterText, check_filter_on, has_sides, keep_filtered
from necrozma_core.strategies.rule import signal_key
from necrozma_core.strategies.settings import load_settings, parse_grid
from necrozma_core.strategies.user import load_strategies

MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ema(200)@1h", "ema(200)@1h"),
        (" EMA( 200 ) @ 60min ", "ema(200)@1h"),
        ("sma(50)", "sma(50)"),
        ("rsi(14)@4h>50.0", "rsi(14)@4h>50"),
        ("rsi(14)<30.5", "rsi(14)<30.5"),
        ("atr(14)@24h>0.50%", "atr(14)@1d>0.5%"),
        ("ema(200)@1h + atr(14)>0.1%", "ema(200)@1h+atr(14)>0.1%"),
        ("ema(9)+ema(9)", "ema(9)"),
        ("none", None),
        ("None", None),
    ],
)
def test_filter_is_written_in_one_way(text: str, written: str | None) -> None:
    assert FilterText().read("filter", text) == written
    if written is not None:
        assert FilterText().check("filter", written) == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "filter: expected conditions such as ema(200)@1h"),
        ("ema", "filter: expected conditions such as"),
        ("ema(200)@1h+", "filter: expected conditions such as"),
        ("ema(-5)", "filter: expected conditions such as"),
        ("close>ema(5)", "filter: expected conditions such as"),
        ("ema(٣)", "filter: expected conditions such as"),
        ("rsi(14)>1e2", "filter: expected conditions such as"),
        ("emma(5)", "filter: unknown indicator emma: did you mean ema"),
        ("ema(0)", "filter: ema: expected a whole number from 1 to 10000, found 0"),
        ("atr(1)>1%", "filter: atr: expected a whole number from 2 to 10000, found 1"),
        ("ema(5)@7min", "filter: ema: timeframe 7min does not divide a day"),
        ("ema(5)@2w", "filter: ema: timeframe 2w: expected a number"),
        ("ema(5)>3", "filter: ema: an average is compared with the close; leave out >3"),
        ("rsi(14)", "filter: rsi: expected > or < and a number, such as rsi(14)>50; found rsi(14)"),
        ("rsi(14)>50%", "filter: rsi: expected > or < and a number, such as rsi(14)>50"),
        ("+".join(["sma(9)"] * 9), "filter: expected at most 8 conditions, found 9"),
        ("sma(" + "9" * 5_000 + ")", "filter: expected conditions such as"),
        ("rsi(14)>101", "filter: rsi: expected a number from 0 to 100, found 101"),
        ("atr(14)>5", "filter: atr: expected > or < and a number, such as atr(14)>0.5%, of the price"),
        ("atr(14)>0%", "filter: atr: expected a number above 0"),
    ],
)
def test_filter_that_is_none_is_refused_in_a_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        FilterText().check("filter", text)
    assert message.replace("'", "") in str(caught.value).replace("'", "")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [5, 1.5, True, ["ema(5)"], b"ema(5)"])
def test_filter_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match=r"filter: expected a filter such as ema\(200\)@1h, or none, found"):
        FilterText().check("filter", value)


def closed_bars(bars: Bars, timeframe_ms: int, bar: int) -> list[tuple[int, int, int]]:
    """High, low and close of the longer bars that had closed at the end of a bar, by stepping through all before."""
    end = int(bars.open_time_ms[bar]) + bars.timeframe_ms
    groups: dict[int, list[int]] = {}
    for i in range(bar + 1):
        groups.setdefault(int(bars.open_time_ms[i]) // timeframe_ms, []).append(i)
    mid = bars.mid2_points
    return [
        (max(int(mid[i, 1]) for i in group), min(int(mid[i, 2]) for i in group), int(mid[group[-1], 3]))
        for number, group in groups.items()
        if (number + 1) * timeframe_ms <= end
    ]


def naive_value(indicator: str, period: int, known: list[tuple[int, int, int]]) -> Fraction | None:
    """An indicator's value at the last of some bars, in fractions."""
    line = [Fraction(close) for _, _, close in known]
    if indicator == "sma":
        return mean(line[-period:]) if len(line) >= period else None
    if not line:
        return None
    if indicator == "ema":
        return exponential(line, period)[-1]
    changes = [None, *(b - a for a, b in pairwise(line))]
    if indicator == "rsi":
        gain = wilder([None if change is None else max(change, Fraction(0)) for change in changes], period)[-1]
        loss = wilder([None if change is None else max(-change, Fraction(0)) for change in changes], period)[-1]
        if gain is None or loss is None:
            return None
        return 100 * gain / (gain + loss) if gain + loss else Fraction(50)
    ranges = [None] + [
        Fraction(max(high, before[2]) - min(low, before[2])) for before, (high, low, _) in pairwise(known)
    ]
    average = wilder(ranges, period)[-1]
    return None if average is None else 100 * average / line[-1]


def naive_sides(indicator: str, period: int, sign: str, level: Fraction | None, bars: Bars, length_ms: int) -> set:
    """The (bar, side) pairs that may be entered, read off the definitions."""
    allowed = set()
    for bar, close in enumerate(Series(bars).close):
        value = naive_value(indicator, period, closed_bars(bars, length_ms, bar))
        if value is None:
            continue
        if level is None:
            margin = AVERAGES_EQUAL if indicator == "ema" else Fraction(0)
            long, short = close - value > margin, value - close > margin
        else:
            step = 1 if sign == ">" else -1
            margin = Fraction(1, 10**9)
            long = step * (value - level) > margin
            short = long if indicator == "atr" else step * (100 - value - level) > margin
        allowed |= {(bar, side) for side, may in ((1, long), (-1, short)) if may}
    return allowed


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, int, str, Fraction | None, str]:
    indicator = draw(st.sampled_from(["ema", "sma", "rsi", "atr"]))
    period = draw(st.integers(1 if indicator in ("ema", "sma") else 2, 8))
    timeframe = draw(st.sampled_from(["", "@5min", "@15min", "@1h", "@2h", "@1d"]))
    if indicator in ("ema", "sma"):
        return indicator, period, "", None, f"{indicator}({period}){timeframe}"
    sign = draw(st.sampled_from("<>"))
    level = draw(st.sampled_from(["30", "50", "62.5"] if indicator == "rsi" else ["0.02", "0.05", "0.1"]))
    unit = "" if indicator == "rsi" else "%"
    return indicator, period, sign, Fraction(level), f"{indicator}({period}){timeframe}{sign}{level}{unit}"


@given(conditions(), st.integers(0, 10**6), st.integers(0, 90), st.sampled_from([0.4, 40.0]))
def test_filter_allows_what_its_definition_does(
    condition: tuple[str, int, str, Fraction | None, str], seed: int, count: int, step: float
) -> None:
    indicator, period, sign, level, text = condition
    bars = walking_bars(count, seed, step)
    minutes = {"15min": 15, "1h": 60, "2h": 120, "1d": 1440}.get(re.sub(r".*@|[<>].*", "", text), 5)
    allowed = naive_sides(indicator, period, sign, level, bars, minutes * MINUTE_MS)
    for side, instead in ((1, CLOSE_SHORT), (-1, CLOSE_LONG)):
        signals = np.full(len(bars), side, np.int8)
        kept = keep_filtered(signals, text, bars, "reverse")
        assert kept.dtype == np.int8
        assert kept.tolist() == [side if (bar, side) in allowed else instead for bar in range(len(bars))]
        assert (signals == side).all()


@given(conditions(), st.integers(0, 10**6), st.integers(1, 400))
def test_filter_sees_no_future(condition: tuple[str, int, str, Fraction | None, str], seed: int, count: int) -> None:
    bars = walking_bars(400, seed)
    signals = np.random.default_rng(seed).integers(-1, 5, 400).astype(np.int8)
    whole = keep_filtered(signals, condition[-1], bars, "close")
    past = keep_filtered(signals[:count], condition[-1], first_bars(bars, count), "close")
    assert past.tolist() == whole[:count].tolist()


def test_filter_several_conditions_must_all_hold() -> None:
    bars = walking_bars(600)
    signals = np.random.default_rng(1).choice(np.array([BUY, SELL], np.int8), 600)
    one, other = (keep_filtered(signals, text, bars, "reverse") for text in ("ema(5)@1h", "rsi(3)>60"))
    both = keep_filtered(signals, "ema(5)@1h+rsi(3)>60", bars, "reverse")
    assert ((both == signals) == ((one == signals) & (other == signals))).all()
    assert 0 < (both == signals).sum() < min((one == signals).sum(), (other == signals).sum())


def test_filter_closes_stay_and_ignored_opposites_become_nothing() -> None:
    bars = make_bars([100, 90, 80, 90, 100, 110])  # below its mean of two at 1 and 2, above it afterwards
    signals = np.array([BUY, BUY, SELL, SELL, BUY, CLOSE], np.int8)
    assert keep_filtered(signals, "sma(2)", bars, "reverse").tolist() == [
        CLOSE_SHORT, CLOSE_SHORT, SELL, CLOSE_LONG, BUY, CLOSE,
    ]  # fmt: skip
    assert keep_filtered(signals, "sma(2)", bars, "ignore").tolist() == [0, 0, SELL, 0, BUY, CLOSE]


def test_filter_before_its_indicator_exists_enters_nothing() -> None:
    bars = walking_bars(100)
    for text in ("ema(101)", "sma(101)", "rsi(100)>0", "atr(100)<100%", "ema(9)@1h", "atr(2)@1d<100%"):
        kept = keep_filtered(np.ones(100, np.int8), text, bars, "reverse")
        assert (kept == CLOSE_SHORT).all(), text
    assert (keep_filtered(np.ones(100, np.int8), "atr(99)<100%", bars, "reverse") == BUY).sum() == 1


def test_filter_of_a_market_that_stands_still_enters_nothing() -> None:
    bars = make_bars([220_001] * 50)
    for text in ("ema(7)", "sma(7)", "rsi(7)>50", "rsi(7)<50", "atr(7)>0.001%"):
        assert (keep_filtered(np.ones(50, np.int8), text, bars, "reverse") == CLOSE_SHORT).all(), text


@pytest.mark.parametrize(
    ("text", "timeframe_ms", "message"),
    [
        ("ema(9)@1min", 5 * MINUTE_MS, "filter ema(9)@1min: its timeframe 1min is shorter than the strategy's, 5min"),
        (
            "sma(9)+atr(9)@12h>1%",
            480 * MINUTE_MS,
            "filter atr(9)@12h>1%: its timeframe 12h is no multiple of the strategy's, 8h",
        ),
    ],
)
def test_filter_of_bars_that_cannot_be_made_is_refused(text: str, timeframe_ms: int, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_filter_on(text, timeframe_ms)
    assert str(caught.value) == message
    check_filter_on("ema(200)@1d+rsi(5)>50", timeframe_ms)
    check_filter_on("ema(200)@5min", 5 * MINUTE_MS)


def test_filter_knows_whether_it_tells_a_long_from_a_short() -> None:
    assert not has_sides("atr(14)@1d>0.5%")
    assert has_sides("atr(14)@1d>0.5%+sma(5)")


def test_filter_in_a_grid_is_one_of_its_settings() -> None:
    found = parse_grid(
        "family=sma_cross fast=5 slow=20 filter=none,ema(200)@60min,rsi(14)@4h>50+atr(14)@1d>0.5%"
    ).strategies
    assert [strategy.name for strategy in found] == [
        "sma_cross(5,20)",
        "sma_cross(5,20) filter=ema(200)@1h",
        "sma_cross(5,20) filter=rsi(14)@4h>50+atr(14)@1d>0.5%",
    ]
    assert found[1].params == {"fast": 5, "slow": 20, "filter": "ema(200)@1h"}
    assert len({signal_key(strategy) for strategy in found}) == 3
    with pytest.raises(UsageError, match=r"grid 1: filter: unknown indicator"):
        parse_grid("family=rsi filter=emma(5)")
    text = '[[grid]]\nfamily = "rsi"\nfilter = ["none", "ema(9) @ 1h"]\n'
    assert [each.filter for each in load_settings(Path("a.toml"), text).strategies] == [None, "ema(9)@1h"]


def test_filter_shares_signals_among_settings_that_differ_in_levels_alone() -> None:
    one, other = (SmaCross(5, 20, filter="ema(9)@1h", stop_loss_pips=stop) for stop in (10, 20))
    assert signal_key(one) == signal_key(other)
    assert signal_key(one) != signal_key(replace(one, on_opposite="ignore"))
    assert signal_key(one) == signal_key(replace(one, on_opposite="close"))


def test_filter_that_tells_sides_apart_does_not_go_with_orders_on_both() -> None:
    both = Orders(entry_order="stop", entry_sides="both")
    with pytest.raises(
        UsageError, match=r"entry_sides=both leaves orders on both sides, and filter=ema\(9\) allows one"
    ):
        SmaCross(5, 20, filter="ema(9)", orders=both)
    assert SmaCross(5, 20, filter="atr(9)>0.1%", orders=both).filter == "atr(9)>0.1%"


USERS = """
class Mine:
    params, stop_loss_pips, take_profit_pips = {}, None, None
    def __init__(self, name, **others):
        self.name = name
        self.__dict__.update(others)
    def signals(self, bars):
        return None

def strategies():
    return [Mine("plain"), Mine("filtered", filter=" EMA(5)@1h"), Mine("method", filter=lambda x: x)]
"""


def test_filter_is_an_attribute_of_a_users_strategy() -> None:
    plain, filtered, method = load_strategies(Path("mine.py"), USERS)
    assert (plain.filter, filtered.filter, method.filter) == (None, "ema(5)@1h", None)
    assert (plain.params, filtered.params) == ({}, {"filter": "ema(5)@1h"})
    with pytest.raises(
        UsageError,
        match=r"strategies\(\)\[1\] \('filtered'\): filter: expected conditions such as.*'above the average'",
    ):
        load_strategies(Path("mine.py"), USERS.replace("EMA(5)@1h", "above the average"))
