"""Bars that are brought twice: what agrees with the stored ones is stored once, and what differs is named.

A source covers the span from its first bar to its last. Where the spans of two meet, both must have the same bars.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.market.arrays import BoolArray, Int64Array
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.storage.bars.encoding import MAX_STORED_POINTS
from necrozma_core.storage.bars.manifest import BarSource

_OPEN: Final = 0
_HIGH: Final = 1
_LOW: Final = 2
_CLOSE: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """A span that has its bars already.

    Attributes
    ----------
    name : str
        Of what brought it.
    first_ms, last_ms : int
        Both belong to it.
    is_stored : bool
        False for a source of the same import.
    """

    name: str
    first_ms: int
    last_ms: int
    is_stored: bool


def check_bars(bars: QuoteBars, source: str) -> None:
    """Refuse bars that are none, or break what `QuoteBars` promises.

    Bars of a file were checked row by row when they were read; this is the last line of defence for arrays that come
    from elsewhere.

    Raises
    ------
    DataError
        Naming ``source``, the first bar and what is wrong with it.
    """
    if not len(bars):
        raise DataError(f"{source}: expected bars of {bars.pair.name}, found none")
    gap_ms = np.diff(bars.open_time_ms, prepend=bars.open_time_ms[:1] - bars.timeframe_ms)
    checks: list[tuple[str, Any]] = [
        (f"times that rise by at least {format_timeframe(bars.timeframe_ms)}", gap_ms < bars.timeframe_ms)
    ]
    for side, prices in (("bid", bars.bid), ("ask", bars.ask)):
        low, high = prices[:, _LOW], prices[:, _HIGH]
        inside = (low <= prices[:, [_OPEN, _CLOSE]].min(axis=1)) & (prices[:, [_OPEN, _CLOSE]].max(axis=1) <= high)
        checks += [
            (f"a {side} above zero and of at most nine digits", (low <= 0) | (high > MAX_STORED_POINTS)),
            (f"{side}s of which the low is the lowest and the high the highest", ~inside),
        ]
    checks.append(("an ask at or above the bid", (bars.ask < bars.bid).any(axis=1)))
    checks.append(("a number of ticks", bars.tick_count < 0))
    for expected, found in checks:
        bad = np.asarray(found, dtype=np.bool_)
        if bad.any():
            raise DataError(f"{source}: expected {expected}, found the bar {format_bar(bars, int(bad.argmax()))}")


def merge(parts: Sequence[QuoteBars]) -> QuoteBars:
    """Put spans of one pair and timeframe that share no bar into one, in the digits of the finest.

    Parameters
    ----------
    parts : sequence of QuoteBars
        At least one.

    Raises
    ------
    DataError
        A price does not fit nine digits with the decimals of the finest.
    """
    digits = max(part.digits for part in parts)
    parts = [in_digits(part, digits) for part in parts]
    time_ms = np.concatenate([part.open_time_ms for part in parts])
    order = np.argsort(time_ms, kind="stable")
    return QuoteBars(
        pair=parts[0].pair,
        timeframe_ms=parts[0].timeframe_ms,
        digits=digits,
        open_time_ms=time_ms[order],
        bid=np.concatenate([part.bid for part in parts])[order],
        ask=np.concatenate([part.ask for part in parts])[order],
        tick_count=np.concatenate([part.tick_count for part in parts])[order],
    )


def in_digits(bars: QuoteBars, digits: int) -> QuoteBars:
    """Return bars with their prices in points of finer digits.

    Raises
    ------
    DataError
        A price would not fit nine digits.
    """
    if bars.digits == digits:
        return bars
    finer = 10 ** (digits - bars.digits)
    highest = int(bars.ask.max(initial=0))
    if highest * finer > MAX_STORED_POINTS:
        raise DataError(
            f"{bars.pair.name}: expected at most nine digits, found prices of {digits} decimals beside one of "
            f"{highest / bars.scale:g}; import them into folders of their own, or round the finer ones"
        )
    return replace(bars, digits=digits, bid=bars.bid * np.int32(finer), ask=bars.ask * np.int32(finer))


def part_of(bars: QuoteBars, rows: slice | BoolArray) -> QuoteBars:
    """Return some of the bars."""
    return replace(
        bars,
        open_time_ms=bars.open_time_ms[rows],
        bid=bars.bid[rows],
        ask=bars.ask[rows],
        tick_count=bars.tick_count[rows],
    )


def within(bars: QuoteBars, from_ms: int, to_ms: int) -> QuoteBars:
    """Return the bars that open in ``[from_ms, to_ms)``; perhaps none."""
    start, end = np.searchsorted(bars.open_time_ms, [from_ms, to_ms])
    return part_of(bars, slice(int(start), int(end)))


def new_bars(source: BarSource, bars: QuoteBars, known: QuoteBars | None, covered: Sequence[Covered]) -> QuoteBars:
    """Return the bars of a source that no other has brought; perhaps none.

    Parameters
    ----------
    source : BarSource
    bars : QuoteBars
        Its, at least one.
    known : QuoteBars or None
        All bars that are there already.
    covered : sequence of Covered
        Their spans, in order of time.

    Raises
    ------
    DataError
        In a span that both have, they differ; with the first difference. Or a bar lies between two others.
    """
    wanted = np.ones(len(bars), dtype=np.bool_)
    if known is None:
        return bars
    for span in covered:
        first = max(span.first_ms, int(bars.open_time_ms[0]))
        last = min(span.last_ms, int(bars.open_time_ms[-1]))
        if first <= last:
            _compare(source, within(bars, first, last + 1), span, within(known, first, last + 1))
            wanted &= (bars.open_time_ms < first) | (bars.open_time_ms > last)
    return part_of(bars, wanted)


def _compare(source: BarSource, mine: QuoteBars, span: Covered, theirs: QuoteBars) -> None:
    digits = max(mine.digits, theirs.digits)
    left, right = _rows(mine, digits), _rows(theirs, digits)
    shared = min(len(left), len(right))
    different = np.flatnonzero((left[:shared] != right[:shared]).any(axis=1))
    if not len(different) and len(left) == len(right):
        return
    position = int(different[0]) if len(different) else shared
    count = len(different) + abs(len(left) - len(right))
    name = mine.pair.name
    timeframe = format_timeframe(mine.timeframe_ms)
    time_ms = min(int(side.open_time_ms[position]) for side in (mine, theirs) if position < len(side))
    raise DataError(
        f"{name}: {source.name} and {'what is stored of ' if span.is_stored else ''}{span.name} differ in "
        f"{count:,} of the bars that both cover, first at {format_moment(time_ms)}: {_shown(mine, position)} in "
        f"{source.name}, {_shown(theirs, position)} in {span.name}; keep one of them"
        + (
            f", or `necrozma data remove {name} --timeframe {timeframe}` with --from and --to first"
            if span.is_stored
            else ""
        )
    )


def _rows(bars: QuoteBars, digits: int) -> Int64Array:
    finer = np.int64(10 ** (digits - bars.digits))
    columns = [bars.open_time_ms, *(bars.bid * finer).T, *(bars.ask * finer).T, bars.tick_count]
    return np.stack([column.astype(np.int64) for column in columns], axis=1)


def _shown(bars: QuoteBars, position: int) -> str:
    return format_bar(bars, position) if position < len(bars) else "no more bars"


def format_bar(bars: QuoteBars, position: int) -> str:
    """Write a bar for people: ``2024-01-15 10:00 bid 1.1 1.3 1.0 1.2 ask 1.2 1.4 1.1 1.3``."""
    sides = [
        f"{name} " + " ".join(f"{int(points) / bars.scale:.{bars.digits}f}" for points in side[position])
        for name, side in (("bid", bars.bid), ("ask", bars.ask))
    ]
    return f"{format_moment(int(bars.open_time_ms[position]))} {' '.join(sides)}"


def format_moment(time_ms: int) -> str:
    """Write a UTC time for people, without seconds where there are none: ``2024-01-15 10:00``."""
    text = str(np.datetime64(time_ms, "ms")).replace("T", " ")
    return text.removesuffix(".000").removesuffix(":00") if text.endswith(":00.000") else text
