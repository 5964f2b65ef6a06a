"""Bars of one side and a spread, or of two files, to both sides of the quote; exactly, in whole points."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.feeds.bars.rows import FeedBars
from necrozma_core.feeds.bars.sides import FILE, Side, Spread, no_spread_error
from necrozma_core.feeds.formats.bars.layout import PARTS, BarLayout, SpreadUnit
from necrozma_core.feeds.reading.crossed import CROSSED_ADVICE, Crossed
from necrozma_core.feeds.reading.prices import PRICE_DECIMALS
from necrozma_core.market.arrays import Int64Array
from necrozma_core.market.instruments import Pair
from necrozma_core.market.levels import LEVELS
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.bars.encoding import MAX_STORED_POINTS

_UNIT: Final = 10**PRICE_DECIMALS
_MOST_CROSSED: Final = 0.1
"""The share of bars whose ask may lie below the bid somewhere: 4 % of FXCM's minutes do, by some tenths of a pip."""


Columns = Callable[[int], tuple[Int64Array, Int64Array]]
"""Gives bid and ask of one of the prices of `PARTS`, in billionths: a column at a time, or years of minutes fill the
memory."""


def scale_down(bars: FeedBars, pair: Pair) -> int:
    """Find how many decimals whole points stand for; 0 where the prices are prices.

    Parameters
    ----------
    bars : FeedBars
        At least one.
    pair : Pair
        Its level tells: 127801 is no price of GBPUSD, and 1.27801 is one.
    """
    low, high = LEVELS[pair.name]
    price = float(np.median(bars.prices[len(PARTS) - 1])) / _UNIT
    if low <= price <= high or any((column % _UNIT).any() for column in bars.prices):
        return 0
    fitting = [digits for digits in range(1, PRICE_DECIMALS + 1) if low <= price / 10**digits <= high]
    # A pair's usual point first; another one only where no third could be meant.
    if pair.point_digits in fitting:
        return pair.point_digits
    return fitting[0] if len(fitting) == 1 else 0


@dataclass(frozen=True, slots=True)
class Quoted:
    """Bars with both sides.

    Attributes
    ----------
    bars : QuoteBars
    notes : tuple of str
        What was left out or changed for it, a line each.
    """

    bars: QuoteBars
    notes: tuple[str, ...] = ()


def quote(
    bars: FeedBars,
    layout: BarLayout,
    pair: Pair,
    timeframe_ms: int,
    side: Side,
    spread: Spread | None,
    source: str,
    crossed: Crossed = Crossed.REFUSE,
) -> Quoted:
    """Return both sides of the bars of one source.

    Parameters
    ----------
    bars : FeedBars
        At least one.
    layout : BarLayout
    pair : Pair
    timeframe_ms : int
    side : Side
        What the prices are, where there are those of one side.
    spread : Spread or None
        What is added to a bid, or taken from an ask, or both by half.
    source : str
        For messages.
    crossed : Crossed
        What becomes of bars whose ask lies below their bid.

    Raises
    ------
    DataError
        There is one side and no spread, or none in the file; a price does not fit nine digits or falls to zero.
    """
    scale = 10 ** scale_down(bars, pair)
    if layout.has_both_sides:
        both = _Joined(bars, lambda part: (bars.prices[part] // scale, bars.prices[part + 4] // scale))
        return _quoted(both.uncrossed(crossed), pair, timeframe_ms, source)
    width = _spread_of(bars, layout, pair, side, spread, source)
    sides = _Joined(bars, lambda part: _sides(bars.prices[part] // scale, width, side))
    return _quoted(sides, pair, timeframe_ms, source)


def join_sides(
    bid: FeedBars,
    ask: FeedBars,
    pair: Pair,
    timeframe_ms: int,
    names: tuple[str, str],
    crossed: Crossed = Crossed.REFUSE,
) -> Quoted:
    """Put the bars of two files together by their times; a bar that only one of them has is left out.

    Parameters
    ----------
    bid, ask : FeedBars
        In order of time, each time once.
    pair : Pair
    timeframe_ms : int
    names : tuple of (str, str)
        Of the files of bid and ask, for messages.
    crossed : Crossed
        What becomes of bars whose ask lies below their bid.

    Raises
    ------
    DataError
        They have no bar in common, or too many asks lie below their bids.
    """
    _, at_bid, at_ask = np.intersect1d(bid.time_ms, ask.time_ms, assume_unique=True, return_indices=True)
    if not len(at_bid):
        raise DataError(f"{names[0]} and {names[1]}: expected bars of the same times, found none: check their zones")
    shared = replace(bid, row=bid.row[at_bid], time_ms=bid.time_ms[at_bid], ticks=bid.ticks[at_bid])
    scales = [10 ** scale_down(bars, pair) for bars in (bid, ask)]

    def columns(part: int) -> tuple[Int64Array, Int64Array]:
        return bid.prices[part][at_bid] // scales[0], ask.prices[part][at_ask] // scales[1]

    joined = _Joined(shared, columns).uncrossed(crossed)
    quoted = _quoted(joined, pair, timeframe_ms, f"{names[1]} beside {names[0]}")
    return replace(quoted, notes=(*_alone(bid, ask, names), *quoted.notes))


def _alone(bid: FeedBars, ask: FeedBars, names: tuple[str, str]) -> Iterator[str]:
    """Say which bars one side has and the other has not."""
    only = [np.setdiff1d(mine.time_ms, other.time_ms) for mine, other in ((bid, ask), (ask, bid))]
    if count := sum(map(len, only)):
        time_ms, name = min((int(times[0]), name) for times, name in zip(only, names, strict=True) if len(times))
        moment = f"{np.datetime64(time_ms, 'ms').astype('datetime64[s]')}Z".replace("T", " ")
        bars = "1 bar" if count == 1 else f"{count:,} bars"
        yield f"{bars} that only one side has left out, first {moment}, only in {name}"


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    """Bars and both sides of their prices; and what was said of crossed ones."""

    bars: FeedBars
    columns: Columns
    notes: tuple[str, ...] = ()

    def uncrossed(self, crossed: Crossed) -> "_Joined":
        """Exchange the sides where the ask lies below the bid, or leave such bars out, as is wanted."""
        if crossed is Crossed.REFUSE:
            return self
        bars, columns = self.bars, self.columns
        odd = np.zeros(len(bars), dtype=np.bool_)
        for part in range(len(PARTS)):
            bid, ask = columns(part)
            odd |= ask < bid
        if not (count := int(np.count_nonzero(odd))):
            return self
        found = f"{count:,} {'bar has' if count == 1 else 'bars have'} an ask below the bid"
        if crossed is Crossed.SWAP:
            # Price by price, because of a bar some quotes alone may be crossed.
            return _Joined(
                bars, lambda part: (np.minimum(*columns(part)), np.maximum(*columns(part))), (f"{found}: exchanged",)
            )
        if count == len(bars):
            raise DataError(f"{found}, and there are no others; --crossed swap exchanges the two")
        kept = np.flatnonzero(~odd)
        left = replace(bars, row=bars.row[kept], time_ms=bars.time_ms[kept], ticks=bars.ticks[kept])
        return _Joined(left, lambda part: (columns(part)[0][kept], columns(part)[1][kept]), (f"{found}: left out",))


def _quoted(joined: _Joined, pair: Pair, timeframe_ms: int, source: str) -> Quoted:
    """Return bars whose sides are known as whole points; errors as `quote`."""
    bars, columns = joined.bars, joined.columns
    parts = range(len(PARTS))
    digits = max(_least_digits(side) for part in parts for side in columns(part))
    notes = (*joined.notes, *_crossings(bars, columns, pair, source))
    unit = 10 ** (PRICE_DECIMALS - digits)
    bid, ask = np.empty((len(bars), len(PARTS)), np.int32), np.empty((len(bars), len(PARTS)), np.int32)
    for part in parts:
        sides = [side // unit for side in columns(part)]
        bad = (sides[0] <= 0) | (np.maximum(*sides) > MAX_STORED_POINTS)
        if bad.any():
            first = int(bad.argmax())
            prices = [side[first] / 10**digits for side in sides]
            raise DataError(
                f"{source}: row {bars.row[first]}: expected prices above zero of at most nine digits, found a bid of "
                f"{prices[0]:g} and an ask of {prices[1]:g} with {digits} decimals; check the spread, or round them"
            )
        # An ask below its bid is raised to it, which makes no trade better.
        bid[:, part], ask[:, part] = sides[0], np.maximum(*sides)
    quoted = QuoteBars(
        pair=pair,
        timeframe_ms=timeframe_ms,
        digits=digits,
        open_time_ms=bars.time_ms,
        bid=bid,
        ask=ask,
        tick_count=bars.ticks.astype(np.int32),
    )
    return Quoted(quoted, notes)


def _crossings(bars: FeedBars, columns: Columns, pair: Pair, source: str) -> Iterator[str]:
    """Say how many bars have an ask below the bid, and the worst of them.

    Raises
    ------
    DataError
        They are too many to be a feed's slips.
    """
    crossed = np.zeros(len(bars), dtype=np.bool_)
    worst, row, name = 0, 0, ""
    for part, called in enumerate(PARTS):
        bid, ask = columns(part)
        crossed |= ask < bid
        below = bid - ask
        if int(below.max()) > worst:
            worst, row, name = int(below.max()), int(below.argmax()), called
    count = int(np.count_nonzero(crossed))
    if not count:
        return
    moment = f"{np.datetime64(int(bars.time_ms[row]), 'ms').astype('datetime64[s]')}Z".replace("T", " ")
    found = (
        f"{count:,} {'bar has' if count == 1 else 'bars have'} an ask below the bid, by up to "
        f"{worst / float(pair.pip * _UNIT):.2g} pips: the {name} of {moment}"
    )
    if count > _MOST_CROSSED * len(bars):
        raise DataError(
            f"{source}: {found}; check that the files are of one feed, and which of them is the ask. {CROSSED_ADVICE}"
        )
    yield f"{found}; the ask was raised to the bid"


def _least_digits(prices: Int64Array) -> int:
    """Return how many decimals prices in billionths need."""
    digits = PRICE_DECIMALS
    while digits and not (prices % 10 ** (PRICE_DECIMALS - digits + 1)).any():
        digits -= 1
    return digits


def _spread_of(
    bars: FeedBars, layout: BarLayout, pair: Pair, side: Side, spread: Spread | None, source: str
) -> Int64Array:
    """Return the spread of each bar in billionths of a price."""
    if spread is None:
        raise no_spread_error(source, side, bars.spread is not None)
    if spread.pips is not None:
        exact = spread.pips * pair.pip * _UNIT
        if exact != exact.to_integral_value():
            raise DataError(f"{source}: a spread of {spread.pips} pips has more decimals than prices can have")
        return np.full(len(bars), int(exact), dtype=np.int64)
    if bars.spread is None:
        raise DataError(f"{source}: --spread {FILE}: {_no_column(layout)}; say pips, such as --spread 1.2")
    if not bars.spread.any():
        raise DataError(
            f"{source}: --spread {FILE}: column {layout.header[layout.spread or 0]} is 0 in every row; say pips, "
            "such as --spread 1.2"
        )
    written = scale_down(bars, pair) or bars.decimals or max(map(_least_digits, bars.prices))
    point = 10 ** (PRICE_DECIMALS - written)
    unit = {SpreadUnit.POINTS: point, SpreadUnit.PIPS: int(pair.pip * _UNIT), SpreadUnit.PRICE: _UNIT}
    # The column's own billionths times the unit could pass 64 bits: the greatest common part goes first.
    factor = unit[layout.spread_unit]
    shared = int(np.gcd(_UNIT, factor))
    divisor = _UNIT // shared
    uneven = bars.spread % divisor != 0
    if uneven.any():
        first = int(uneven.argmax())
        raise DataError(
            f"{source}: row {bars.row[first]}, column {layout.header[layout.spread or 0]}: a spread of "
            f"{bars.spread[first] / _UNIT:g} {layout.spread_unit} has more decimals than prices can have"
        )
    width: Int64Array = (bars.spread // divisor) * (factor // shared)
    return width


def _no_column(layout: BarLayout) -> str:
    """Say that there is no column of spreads whose unit is known."""
    called = next((name for name in layout.header if "spread" in name.lower()), None)
    if called is None:
        return "the file has no column of spreads"
    return f"column {called} may count points, pips or price: say it in --columns, with spread_pips={called} among them"


def _sides(prices: Int64Array, width: Int64Array, side: Side) -> tuple[Int64Array, Int64Array]:
    if side is Side.BID:
        return prices, prices + width
    if side is Side.ASK:
        return prices - width, prices
    lower = prices - width // 2
    return lower, lower + width
