"""The extremes of spans against a walk over every tick of each."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.kernels.walks.excursions import (
    AT_STOP,
    AT_TARGET,
    LEAST,
    MOST,
    find_bar_extremes,
    find_extremes,
    find_worst_ticks,
    widest_since_entry,
)

Spans = list[tuple[int, int, int]]


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[int], list[int], list[int], Spans]:
    """Bids, asks, the bars' first ticks, and spans (start, stop, side) that follow one another."""
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=30))
    count = sum(lengths)
    price = st.integers(1, draw(st.sampled_from([3, 1_000, 10**9])))
    bid = draw(st.lists(price, min_size=count, max_size=count))
    ask = draw(st.lists(price, min_size=count, max_size=count))
    cuts = sorted(draw(st.lists(st.integers(0, count), max_size=12)))
    spans = [(*span, draw(st.sampled_from([1, -1]))) for span in pairwise(cuts) if draw(st.booleans())]
    # Bars that lie before the range of a backtest have no tick in it.
    return bid, ask, [0] * draw(st.integers(0, 2)) + np.cumsum([0, *lengths]).tolist(), spans


def arrays(spans: Spans) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    columns = [[span[column] for span in spans] for column in range(3)]
    return np.array(columns[0], np.int64), np.array(columns[1], np.int64), np.array(columns[2], np.int8)


@given(markets())
def test_extremes_any_spans_equal_a_walk_over_their_ticks(
    market: tuple[list[int], list[int], list[int], Spans],
) -> None:
    bid, ask, first_tick, spans = market
    bars = [(first, max(stop, first + 1)) for first, stop in pairwise(first_tick)]
    extremes = [
        np.array([(min(price[slice(*bar)]), max(price[slice(*bar)])) for bar in bars], np.int32) for price in (bid, ask)
    ]
    shared = (np.array(bid, np.int32), np.array(ask, np.int32), *extremes, np.array(first_tick, np.int64))
    start, stop, side = arrays(spans)
    worst, best = find_extremes(*shared, start, stop, side)
    filled = np.flatnonzero(start < stop)
    ticks = find_worst_ticks(*shared, start[filled], stop[filled], side[filled], worst[filled]).tolist()
    for number, (begin, end, side_of) in enumerate(spans):
        prices = [side_of * price for price in (bid if side_of > 0 else ask)[begin:end]]
        if not prices:
            assert (worst[number], best[number]) == ((MOST, LEAST) if side_of > 0 else (LEAST, MOST))
            continue
        assert (side_of * worst[number], side_of * best[number]) == (min(prices), max(prices))
        assert ticks.pop(0) == begin + prices.index(min(prices))


@st.composite
def given_bars(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int, int, int]]]:
    count = draw(st.integers(1, 8))

    def side() -> np.ndarray:
        rows = [sorted(draw(st.lists(st.integers(1, 40), min_size=4, max_size=4))) for _ in range(count)]
        return np.array([(row[1], row[3], row[0], row[2]) for row in rows], np.int32)

    cuts = sorted(draw(st.lists(st.integers(0, 2 * count), max_size=8)))
    spans = [
        (*span, draw(st.sampled_from([1, -1])), draw(st.sampled_from([0, AT_STOP, AT_TARGET])))
        for span in pairwise(cuts)
        if draw(st.booleans())
    ]
    return side(), side(), spans


def naive_bar_extremes(
    bars: list[list[int]], start: int, stop: int, side: int, ending: int
) -> tuple[list[tuple[int, int]], list[int]]:
    """What counts as lived on the bad and on the good side, as (side * price, tick) and side * price."""
    bad, good = [], []
    for bar, (opened, high, low, closed) in enumerate(bars):
        far, near = (low, high) if side > 0 else (high, low)
        had_opening = start <= 2 * bar < stop
        had_all = 2 * bar + 1 < stop
        if had_opening:
            bad.append((side * opened, 2 * bar))
            good.append(side * opened)
            if had_all or ending != AT_STOP:
                bad.append((side * far, 2 * bar + 1))
            if had_all or ending != AT_TARGET:
                good.append(side * near)
        elif start <= 2 * bar + 1 < stop:
            bad.append((side * far, 2 * bar + 1))
            good.append(side * closed)
    return bad, good


@given(given_bars())
def test_bar_extremes_any_spans_equal_a_walk_over_the_bars(
    market: tuple[np.ndarray, np.ndarray, list[tuple[int, int, int, int]]],
) -> None:
    bid, ask, spans = market
    start, stop, side = arrays([span[:3] for span in spans])
    ending = np.array([span[3] for span in spans], np.int8)
    worst, best, ticks = find_bar_extremes(bid, ask, start, stop, side, ending)
    for number, span in enumerate(spans):
        bad, good = naive_bar_extremes((bid if span[2] > 0 else ask).tolist(), *span)
        if not bad:
            assert (worst[number], best[number]) == ((MOST, LEAST) if span[2] > 0 else (LEAST, MOST))
            continue
        expected = min(bad)
        assert (span[2] * worst[number], ticks[number]) == expected
        assert span[2] * best[number] == max(good)


def test_extremes_of_parts_go_on_from_the_entry_that_they_share() -> None:
    trade, entry, side = np.array([0, 0, 1, 2, 3]), np.array([5, 5, 9, 12]), np.array([1, 1, -1, -1], np.int8)
    worst, best = np.array([90, 95, 80, 120, 110], np.int32), np.array([100, 130, 105, 100, 90], np.int32)
    far, near = widest_since_entry(trade, entry, side, worst, best)
    assert far.tolist() == [90, 80, 120, 110]
    assert near.tolist() == [130, 130, 100, 90]
