"""Each family on a handful of prices, with the signals worked out by hand."""

import pytest
from bar_samples import make_bars

from necrozma_core.market.bars import Bars
from necrozma_core.strategies.families.bollinger import Bollinger
from necrozma_core.strategies.families.burst import Burst
from necrozma_core.strategies.families.donchian import Donchian
from necrozma_core.strategies.families.ema_cross import EmaCross
from necrozma_core.strategies.families.keltner import Keltner
from necrozma_core.strategies.families.macd import Macd
from necrozma_core.strategies.families.momentum import Momentum
from necrozma_core.strategies.families.regime import Regime
from necrozma_core.strategies.families.rsi import Rsi
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.families.stochastic import Stochastic
from necrozma_core.strategies.families.zscore import Zscore
from necrozma_core.strategies.rule import Rule


def events(strategy: Rule, bars: Bars) -> dict[int, int]:
    return {index: int(signal) for index, signal in enumerate(strategy.signals(bars)) if signal}


def test_sma_cross_signals_at_the_bar_that_crosses_and_never_while_it_lasts() -> None:
    # Means of 1 and 3: above from bar 3 on, equal at 6, below at 7.
    closes = [100, 100, 100, 103, 104, 105, 104, 100, 99, 120]
    assert events(SmaCross(1, 3), make_bars(closes)) == {3: 1, 6: -1, 9: 1}


def test_sma_cross_first_bar_with_both_means_has_nothing_to_cross_from() -> None:
    assert events(SmaCross(1, 3), make_bars([100, 101, 102, 103, 104])) == {}


def test_sma_cross_touch_without_crossing_signals_again() -> None:
    # Above, equal, above again: "becomes true" twice; the engine ignores the second while the position is open.
    assert events(SmaCross(1, 2), make_bars([100, 90, 91, 91, 92])) == {2: 1, 4: 1}


def test_ema_cross_reacts_before_the_simple_mean() -> None:
    closes = [100] * 10 + [110, 120, 130, 90, 60]
    assert events(EmaCross(2, 8), make_bars(closes)) == {10: 1, 13: -1}  # 101.7 against 106.7
    assert events(SmaCross(2, 8), make_bars(closes)) == {10: 1, 14: -1}


def test_macd_line_turns_before_price_does() -> None:
    rising = list(range(1_000, 1_400, 10))
    bars = make_bars(rising + [rising[-1] + step for step in range(1, 40)])
    found = events(Macd(3, 6, 3), bars)
    assert found[40] == -1  # the rise slows down at bar 40 and never falls


def test_donchian_close_beyond_the_bars_before_is_a_breakout_and_a_reach_is_not() -> None:
    closes = [100, 101, 100, 101, 100, 103, 104, 98, 98]
    highs = [101, 102, 101, 102, 110, 103, 111, 99, 98]
    lows = [99, 99, 99, 99, 99, 100, 102, 97, 97]
    # Bar 5 closes below bar 4's high of 110, bar 7 below the lowest low of bars 4 to 6.
    assert events(Donchian(3), make_bars(closes, highs, lows)) == {7: -1}


def test_donchian_bar_itself_is_no_part_of_its_range() -> None:
    assert events(Donchian(2), make_bars([100, 100, 100, 101])) == {3: 1}


def test_bollinger_signals_on_the_way_back_and_zscore_on_the_way_out() -> None:
    # Deviations: -2.9 and -2.2 at bars 11 and 12, 2.4 at bar 15, inside everywhere else.
    closes = [100, 102] * 5 + [101, 90, 88, 100, 101, 120, 118, 102]
    bars = make_bars(closes)
    assert events(Zscore(10, 2.0), bars) == {11: 1, 15: -1}
    assert events(Bollinger(10, 2.0), bars) == {13: 1, 16: -1}


def test_bollinger_from_one_side_straight_to_the_other_is_no_return() -> None:
    # With one deviation and two bars every move is at the band's edge; 0.9 makes each one an extreme.
    bars = make_bars([100, 110, 100, 110, 110, 110])
    assert events(Bollinger(2, 0.9), bars) == {4: -1}
    assert events(Zscore(2, 0.9), bars) == {2: 1, 3: -1}


def test_rsi_signals_where_it_leaves_the_zone() -> None:
    falling_then_rising = [*range(200, 180, -1), *range(181, 200), *range(198, 180, -1)]
    # 23.8 at bar 21 and 41.3 at 22; about 80 at bar 39 and 64 at 40.
    assert events(Rsi(5, 30.0, 70.0), make_bars(falling_then_rising)) == {22: 1, 40: -1}


def test_stochastic_turns_only_inside_its_zones() -> None:
    closes = [110, 100, 90, 80, 70, 60, 62, 64, 90, 120, 121, 119, 118]
    assert events(Stochastic(5, 1, 2, 20.0, 80.0), make_bars(closes)) == {6: 1, 11: -1}
    assert events(Stochastic(5, 1, 2, 0.0, 100.0), make_bars(closes)) == {}


def test_momentum_threshold_is_a_percentage_of_the_older_close() -> None:
    closes = [1_000, 1_000, 1_000, 1_010, 1_011, 1_000, 999, 989, 989]
    assert events(Momentum(2, 1.0), make_bars(closes)) == {4: 1, 6: -1}


def test_keltner_breakout_needs_more_than_the_market_usually_moves() -> None:
    closes = [100, 102] * 8 + [104, 120, 121, 60]
    highs = [close + 1 for close in closes]
    lows = [close - 1 for close in closes]
    bars = make_bars(closes, highs, lows)
    assert events(Keltner(5, 5, 2.0), bars) == {17: 1, 19: -1}
    assert events(Keltner(5, 5, 50.0), bars) == {}


def test_burst_needs_the_move_and_the_ticks() -> None:
    closes = [100, 101, 100, 101, 100, 101, 111, 111, 91]
    quiet = [10, 10, 10, 10, 10, 10, 10, 10, 10]
    busy = [10, 10, 10, 10, 10, 10, 15, 10, 30]
    assert events(Burst(4, 3.0, 1.5), make_bars(closes, tick_count=quiet)) == {}
    assert events(Burst(4, 3.0, 1.5), make_bars(closes, tick_count=busy)) == {6: 1, 8: -1}
    assert events(Burst(4, 9.0, 1.5), make_bars(closes, tick_count=busy)) == {6: 1}


def test_burst_after_a_market_that_never_moved_has_no_deviation_to_exceed() -> None:
    assert events(Burst(3, 1.0, 0.0), make_bars([100] * 8 + [150])) == {}


def test_regime_follows_the_straight_move_and_fades_the_wandering_one() -> None:
    straight = [100, 100, 101, 100, 101, 100, 102, 104, 106, 108, 110]
    assert events(Regime(4, 0.6, 0.1, 1.0), make_bars(straight)) == {7: 1}
    # The move over four bars is at most 2 of 40: no trend, and the last bar lies 1.7 deviations below.
    wandering = [100, 110, 100, 110, 100, 110, 100, 110, 98]
    assert events(Regime(4, 0.6, 0.1, 1.0), make_bars(wandering))[8] == 1


@pytest.mark.parametrize(
    "strategy", [SmaCross(2, 3), EmaCross(2, 3), Donchian(2), Momentum(2, 0.0), Rsi(2, 40.0, 60.0)]
)
def test_signals_upside_down_market_gives_opposite_signals(strategy: Rule) -> None:
    closes = [1_000, 1_004, 1_001, 990, 985, 1_003, 1_020, 1_010, 1_011, 1_001, 970, 975, 1_002, 1_050]
    mirrored = make_bars([2_000 - close for close in closes])
    assert (strategy.signals(make_bars(closes)) == -strategy.signals(mirrored)).all()
