"""Every family against its definition in exact fractions, and against the arrow of time."""

from typing import Any

import numpy as np
import pytest
from bar_samples import first_bars, join_bars, make_bars, walking_bars
from hypothesis import given
from hypothesis import strategies as st
from naive_strategies import STATES, Series, naive_signals

from necrozma_core.engine.simulation import simulate
from necrozma_core.feeds.samples.quotes import sample_ticks
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.bars import Bars
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.strategies.catalog import FAMILIES, default_strategies
from necrozma_core.strategies.rule import Rule, signal_key

TIMES = st.lists(st.sampled_from([1, 1, 1, 1, 5, 60, 600, 2_880]), min_size=0, max_size=70)


@st.composite
def small_bars(draw: st.DrawFn) -> Bars:
    """A few bars of small whole numbers, where ties and flat stretches are frequent; with gaps up to two days."""
    gaps = draw(TIMES)
    n = len(gaps)
    closes = draw(st.lists(st.integers(200, 230), min_size=n, max_size=n))
    over = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    under = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    ticks = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    highs = [close + more for close, more in zip(closes, over, strict=True)]
    lows = [close - less for close, less in zip(closes, under, strict=True)]
    times = 1_710_028_800_000 + np.cumsum(gaps, dtype=np.int64) * 3_600_000 // 4
    return make_bars(closes, highs, lows, ticks, times, 900_000)


PERIODS = st.integers(2, 9)
PARAMS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "sma_cross": st.fixed_dictionaries({"fast": st.integers(1, 5), "slow": st.integers(6, 17)}),
    "ema_cross": st.fixed_dictionaries({"fast": st.integers(1, 5), "slow": st.integers(6, 17)}),
    "macd": st.fixed_dictionaries({"fast": st.integers(1, 4), "slow": st.integers(5, 12), "signal": PERIODS}),
    "donchian": st.fixed_dictionaries({"period": st.integers(1, 20)}),
    "bollinger": st.fixed_dictionaries({"period": PERIODS, "width": st.sampled_from([0.5, 1.0, 1.5, 2.0])}),
    "zscore": st.fixed_dictionaries({"period": PERIODS, "entry": st.sampled_from([0.5, 1.0, 1.5, 2.0])}),
    "rsi": st.fixed_dictionaries(
        {"period": PERIODS, "low": st.sampled_from([20.25, 30.125, 45.5]), "high": st.sampled_from([55.5, 70.125])}
    ),
    "stochastic": st.fixed_dictionaries(
        {
            "period": st.integers(2, 20),
            "smooth": st.integers(1, 4),
            "signal": st.integers(2, 4),
            "low": st.sampled_from([20.125, 45.125]),
            "high": st.sampled_from([55.125, 80.125]),
        }
    ),
    "momentum": st.fixed_dictionaries(
        {"period": st.integers(1, 12), "threshold_percent": st.sampled_from([0.0, 1.3, 4.7])}
    ),
    "keltner": st.fixed_dictionaries(
        {"period": PERIODS, "atr_period": PERIODS, "width": st.sampled_from([0.5, 1.0, 2.0])}
    ),
    "session": st.fixed_dictionaries(
        {
            "session": st.sampled_from(["tokyo", "london", "new_york"]),
            "range_minutes": st.sampled_from([1, 30, 60, 700]),
            "trade_minutes": st.sampled_from([15, 120, 680]),
        }
    ),
    "burst": st.fixed_dictionaries(
        {
            "period": PERIODS,
            "sigmas": st.sampled_from([0.5, 1.0, 1.5, 2.0]),
            "activity": st.sampled_from([0.0, 0.5, 1.0]),
        }
    ),
    "regime": st.fixed_dictionaries(
        {
            "period": PERIODS,
            "trending": st.sampled_from([0.5, 0.75]),
            "ranging": st.sampled_from([0.25, 0.5]),
            "entry": st.sampled_from([0.5, 1.0, 1.5]),
        }
    ),
}


EXITS: dict[str, st.SearchStrategy[Any]] = {
    "bollinger": st.just("middle"),
    "zscore": st.sampled_from([0.0, 0.25, -0.5]),
    "rsi": st.sampled_from([50.0, 54.0, 50.25]),
    "stochastic": st.sampled_from([50.0, 48.0, 60.0]),
    "keltner": st.just("middle"),
    "donchian": st.integers(1, 9),
    "momentum": st.just("zero"),
    "session": st.just("end"),
    "burst": st.integers(1, 6),
    "regime": st.just("middle"),
}


@pytest.mark.parametrize("family", EXITS)
@given(data=st.data())
def test_natural_exits_equal_the_definition(family: str, data: st.DataObject) -> None:
    bars, params = data.draw(small_bars()), data.draw(PARAMS[family])
    params["exit"] = data.draw(EXITS[family])
    if family == "donchian":
        params["period"] += params["exit"]
    found = FAMILIES[family](**params).signals(bars)
    assert found.dtype == np.int8
    assert found.tolist() == naive_signals(family, bars, params)


@pytest.mark.parametrize("family", EXITS)
def test_natural_exits_close_what_is_open_and_leave_entries_and_names_as_they_were(family: str) -> None:
    bars = walking_bars(11_520, 1)
    exits = {
        "zscore": 0.0,
        "rsi": 50.0,
        "stochastic": 50.0,
        "donchian": 10,
        "burst": 12,
        "session": "end",
        "momentum": "zero",
    }
    plain, closing = FAMILIES[family](), FAMILIES[family](exit=exits.get(family, "middle"))
    before, after = plain.signals(bars), closing.signals(bars)
    assert np.array_equal(before[before != 0], after[before != 0])
    assert (after >= 2).sum() > 20
    assert "exit" not in plain.name
    assert "exit" not in plain.params
    assert closing.name.startswith(f"{plain.name} exit=")
    assert signal_key(plain) != signal_key(closing)


def test_families_all_have_an_oracle() -> None:
    assert set(PARAMS) == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.data())
def test_signals_small_whole_numbers_equal_the_definition(family: str, data: st.DataObject) -> None:
    bars, params = data.draw(small_bars()), data.draw(PARAMS[family])
    assert FAMILIES[family](**params).signals(bars).tolist() == naive_signals(family, bars, params)


@pytest.mark.parametrize("strategy", default_strategies(), ids=lambda strategy: strategy.name)
def test_signals_default_settings_equal_the_definition(strategy: Rule) -> None:
    # Longer than the kernels' blocks would be slow in fractions; EMA denominators grow with every bar.
    bars = walking_bars(420, seed=7)
    assert strategy.signals(bars).tolist() == naive_signals(strategy.family, bars, dict(strategy.params))


@pytest.mark.parametrize("family", ["rsi", "stochastic", "burst", "macd", "session"])
def test_signals_longer_than_a_block_do_not_depend_on_where_blocks_end(family: str) -> None:
    bars = walking_bars(5_000, seed=3)
    whole = FAMILIES[family]().signals(bars)
    for count in (2_047, 2_048, 2_062, 2_063, 2_064, 2_099, 4_100, 4_131):
        assert np.array_equal(FAMILIES[family]().signals(first_bars(bars, count)), whole[:count])


WILD = st.sampled_from([1, 2, 3, 200, 2_000_000_000, 1_999_999_999])


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.data())
def test_signals_never_see_the_future(family: str, data: st.DataObject) -> None:
    params = data.draw(PARAMS[family])
    if family in EXITS and data.draw(st.booleans()):
        params["exit"] = data.draw(EXITS[family])
        if family == "donchian":
            params["period"] += params["exit"]
    bars = walking_bars(data.draw(st.integers(0, 150)), seed=data.draw(st.integers(0, 9)), timeframe_ms=900_000)
    known = data.draw(st.integers(0, len(bars)))
    if data.draw(st.booleans()):
        future = walking_bars(data.draw(st.integers(0, 80)), seed=data.draw(st.integers(10, 19)), timeframe_ms=900_000)
    else:
        future = make_bars(data.draw(st.lists(WILD, max_size=40)), timeframe_ms=900_000)
    strategy = FAMILIES[family](**params)
    expected = strategy.signals(bars)[:known]
    assert np.array_equal(strategy.signals(join_bars(bars, known, future))[:known], expected)
    assert np.array_equal(strategy.signals(first_bars(bars, known)), expected)


def test_warm_up_default_settings_ends_where_the_definition_has_two_states() -> None:
    for strategy in default_strategies():
        if strategy.family == "session":
            continue
        bars = walking_bars(strategy.warm_up + 2)
        states = STATES[strategy.family](Series(bars), **strategy.params)
        defined = [i for i in range(1, len(bars)) if states[i] is not None and states[i - 1] is not None]
        assert defined[0] == strategy.warm_up, strategy.name


@pytest.mark.parametrize("strategy", default_strategies(), ids=lambda strategy: strategy.name)
def test_signals_any_number_of_bars_have_the_contract_s_shape_and_values(strategy: Rule) -> None:
    bars = walking_bars(strategy.warm_up + 300)
    for count in (0, 1, strategy.warm_up - 1, strategy.warm_up, strategy.warm_up + 1, len(bars)):
        signals = strategy.signals(first_bars(bars, count))
        assert signals.dtype == np.int8
        assert signals.shape == (count,)
        assert set(np.unique(signals)) <= {-1, 0, 1}
        assert not signals[: strategy.warm_up].any()


@pytest.mark.parametrize("family", FAMILIES)
def test_signals_no_bars_or_one_bar_are_silent(family: str) -> None:
    for n in (0, 1, 2):
        signals = FAMILIES[family]().signals(make_bars([220_000] * n))
        assert signals.dtype == np.int8
        assert signals.tolist() == [0] * n


@pytest.mark.parametrize("family", FAMILIES)
def test_signals_market_that_never_moves_are_silent(family: str) -> None:
    bars = make_bars([219_997] * 3_000, timeframe_ms=300_000)
    assert not FAMILIES[family]().signals(bars).any()


@pytest.mark.parametrize("family", ["ema_cross", "macd", "keltner", "stochastic"])
def test_signals_market_that_stands_still_after_a_move_is_not_traded_by_rounding(family: str) -> None:
    bars = make_bars([100_003, *range(100_003, 200_003, 1_000), *[219_997] * 6_000])
    assert np.abs(FAMILIES[family]().signals(bars)[1_500:]).sum() <= 1


@pytest.mark.parametrize("low", [20.0, 20.1, 30.0])
@pytest.mark.parametrize(("smooth", "signal"), [(1, 3), (3, 3), (10, 5)])
@pytest.mark.parametrize("span", [30, 300, 1_000])
def test_stochastic_value_on_its_border_is_decided_as_in_whole_numbers(
    low: float, smooth: int, signal: int, span: int
) -> None:
    # Places in a range that never changes, first all near one border and then all near the other.
    random = np.random.default_rng(4)
    steps = np.array([-4, -3, -1, 0, 0, 1, 2, 5])
    places = [random.choice(round(border * span / 100) + steps, 750) for border in (low, 100 - low)]
    closes = 1_000 + np.concatenate(places)
    bars = make_bars(closes.tolist(), [1_000 + span] * 1_500, [1_000] * 1_500)
    params = {"period": 5, "smooth": smooth, "signal": signal, "low": low, "high": 100 - low}
    assert FAMILIES["stochastic"](**params).signals(bars).tolist() == naive_signals("stochastic", bars, params)


@given(small_bars(), st.integers(2, 6), st.sampled_from([10.0, 20.0, 25.0, 33.3, 40.0, 49.9]), st.integers(1, 3))
def test_stochastic_ranges_that_change_have_their_ties_too(bars: Bars, period: int, low: float, smooth: int) -> None:
    params = {"period": period, "smooth": smooth, "signal": 2, "low": low, "high": 100 - low}
    assert FAMILIES["stochastic"](**params).signals(bars).tolist() == naive_signals("stochastic", bars, params)


@pytest.mark.parametrize("period", [2, 20, 100])
@pytest.mark.parametrize("sigmas", [0.5, 1.0, 1.5, 3.0])
def test_burst_gold_at_five_decimals_equals_the_definition(period: int, sigmas: float) -> None:
    # Weeks of gold around 4,000.00000: half points of 1/200,000 of a dollar, moves of up to hundreds of dollars.
    random = np.random.default_rng(8)
    moves = np.clip(random.standard_t(3, 1_200) * 6_000_000, -150_000_000, 150_000_000)
    prices = 800_000_000 + np.cumsum(moves - moves.mean())
    assert prices.min() > 0
    assert np.abs(np.diff(prices)).max() > 2**25
    bars = make_bars((prices // 2 * 2).astype(np.int64).tolist(), tick_count=(1 + random.poisson(20, 1_200)).tolist())
    params = {"period": period, "sigmas": sigmas, "activity": 0.75}
    expected = naive_signals("burst", bars, params)
    assert FAMILIES["burst"](**params).signals(bars).tolist() == expected
    assert any(expected)


@given(st.lists(st.sampled_from([2, 4, 30, 2**24, 2**25, 2**25 + 2, 2**30, 2_000_000_000]), max_size=40), PERIODS)
def test_burst_jumps_of_any_size_equal_the_definition(prices: list[int], period: int) -> None:
    bars = make_bars(prices)
    for sigmas in (0.5, 1.0, 2.0):
        params = {"period": period, "sigmas": sigmas, "activity": 0.0}
        assert FAMILIES["burst"](**params).signals(bars).tolist() == naive_signals("burst", bars, params)


def test_burst_longest_period_of_the_largest_moves_does_not_overflow() -> None:
    # 10,000 moves of 2**31 - 3 half points: their squares sum to 2**75, and each move is exactly the usual one, until
    # a smaller one has come into the window.
    bars = make_bars([*[1, 2**31 - 2] * 5_001, 2, 2**31 - 1])
    for sigmas, expected in ((1.0, [10_003]), (0.5, [10_002, 10_003])):
        params = {"period": 10_000, "sigmas": sigmas, "activity": 0.0}
        signals = FAMILIES["burst"](**params).signals(bars).tolist()
        assert signals == naive_signals("burst", bars, params)
        assert np.flatnonzero(signals).tolist() == expected


@pytest.mark.parametrize("period", [2, 3, 14])
@pytest.mark.parametrize("direction", [1, -1])
def test_rsi_market_that_stands_still_in_a_zone_for_thousands_of_bars_gives_no_signal(
    period: int, direction: int
) -> None:
    moving = [100_000 + direction * step for step in (3, 1, 4, 2, *range(10, 400, 10), 385)]
    bars = make_bars([*moving, *[moving[-1]] * 12_000, 100_000])
    signals = FAMILIES["rsi"](period=period).signals(bars)
    assert not signals[len(moving) + 1 : -1].any()


def test_signals_twice_on_the_same_bars_are_the_same_and_indicators_are_computed_once() -> None:
    bars = walking_bars(2_000)
    first = [strategy.signals(bars) for strategy in default_strategies()]
    remembered = dict(bars._memo.arrays)
    second = [strategy.signals(bars) for strategy in default_strategies()]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert bars._memo.arrays.keys() == remembered.keys()
    assert all(bars._memo.arrays[key] is array for key, array in remembered.items())


def test_default_strategies_are_fifty_with_their_own_names_and_signals() -> None:
    strategies = default_strategies()
    assert len(strategies) == 50
    assert len({strategy.name for strategy in strategies}) == 50
    assert len({signal_key(strategy) for strategy in strategies}) == 50
    assert {strategy.family for strategy in strategies} == set(FAMILIES)
    assert all(strategy.stop_loss_pips for strategy in strategies)


@pytest.mark.parametrize("seed", [1, 2])
def test_default_strategies_every_one_speaks_both_ways_in_eight_weeks(seed: int) -> None:
    bars = walking_bars(11_520, seed)
    for strategy in default_strategies():
        signals = strategy.signals(bars)
        assert (signals[:-1] == 1).any(), strategy.name
        assert (signals[:-1] == -1).any(), strategy.name


@pytest.mark.parametrize("pair", ["EURUSD", "USDJPY", "EURGBP"])
def test_default_strategies_every_one_trades_on_the_sample_ticks(pair: str) -> None:
    ticks = sample_ticks(pair, 200_000, seed=1)
    bars = bars_from_ticks(ticks, parse_timeframe("5min"))
    for strategy in default_strategies():
        trades = simulate(ticks, bars, strategy.signals(bars), strategy.stop_loss_pips, strategy.take_profit_pips)
        assert len(trades) >= 10, strategy.name
