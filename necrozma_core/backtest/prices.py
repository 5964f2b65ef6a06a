"""Which stored prices a pair is backtested on: its ticks, or the bars of a feed that has none."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from necrozma_core.errors import DataError
from necrozma_core.market.date_range import DateRange
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.ticks.store import TickStore

_EVER: Final = DateRange()
_WEEK_MS: Final = 7 * 86_400_000


class Prices(StrEnum):
    """What a user may ask for."""

    AUTO = "auto"
    TICKS = "ticks"
    BARS = "bars"


def pairs_with_prices(data_dir: Path, prices: Prices) -> list[str]:
    """Return the names of the pairs that have the prices asked for, sorted."""
    ticks = [] if prices is Prices.BARS else TickStore(data_dir).pairs()
    bars = [] if prices is Prices.TICKS else BarStore(data_dir).pairs()
    return sorted({*ticks, *bars})


def choose_bars(
    data_dir: Path, pair_name: str, timeframe_ms: int, prices: Prices, dates: DateRange = _EVER
) -> int | None:
    """Return the timeframe of the stored bars to use; None for ticks, stored or not.

    Of those that the timeframe can be made of it is the finest that covers the dates as far as any does, within a week:
    a month of minutes does not take the place of ten years of hours.

    Raises
    ------
    DataError
        There are bars, but the timeframe cannot be made of them; or bars were asked for and there are none.
    """
    if prices is Prices.TICKS or (prices is Prices.AUTO and pair_name in TickStore(data_dir).pairs()):
        return None
    store = BarStore(data_dir)
    stored = store.timeframes(pair_name)
    if fitting := [bars_ms for bars_ms in stored if timeframe_ms % bars_ms == 0]:
        return _widest(store, pair_name, fitting, dates)
    if stored:
        names = ", ".join(map(format_timeframe, stored))
        raise DataError(
            f"{pair_name}: no bars of {format_timeframe(timeframe_ms)} can be made of those stored ({names}); "
            f"choose a --timeframe that {'they fill' if len(stored) > 1 else names + ' fills'}"
        )
    if prices is Prices.BARS:
        raise DataError(f"{data_dir.absolute()}: no bars of {pair_name} there; import some with `necrozma data import`")
    return None


def converting_bars(data_dir: Path, pair_name: str) -> int | None:
    """Return the timeframe of the stored bars to convert money by, chosen as `choose_bars` does; None for ticks."""
    if pair_name in TickStore(data_dir).pairs():
        return None
    store = BarStore(data_dir)
    stored = store.timeframes(pair_name)
    return _widest(store, pair_name, stored, _EVER) if stored else None


def _widest(store: BarStore, pair_name: str, timeframes: list[int], dates: DateRange) -> int:
    """Return the finest timeframe that covers as much of the dates as any does, within a week; finest first."""
    if len(timeframes) == 1:
        return timeframes[0]
    covered: dict[int, int] = {}
    for timeframe_ms in timeframes:
        bars = store.summary(pair_name, timeframe_ms)
        first = bars.first_ms if dates.from_ms is None else max(bars.first_ms, dates.from_ms)
        last = bars.last_ms if dates.to_ms is None else min(bars.last_ms, dates.to_ms)
        covered[timeframe_ms] = max(last - first, 0)
    enough = max(covered.values()) - _WEEK_MS
    return next(timeframe_ms for timeframe_ms in timeframes if covered[timeframe_ms] >= enough)


def prices_fingerprint(data_dir: Path, pair_name: str, bars_ms: int | None, until_ms: int | None) -> str:
    """Name a pair's ticks or bars by their content, without reading them.

    Parameters
    ----------
    data_dir : Path
    pair_name : str
    bars_ms : int or None
        The timeframe of the bars; None for ticks.
    until_ms : int or None
        The time, milliseconds since 1970 UTC, from which on nothing counts.

    Raises
    ------
    DataError
        There are none.
    DamagedError
        A file is gone or is not what was stored.
    """
    if bars_ms is None:
        return TickStore(data_dir).fingerprint(pair_name, until_ms)
    return BarStore(data_dir).fingerprint(pair_name, bars_ms)
