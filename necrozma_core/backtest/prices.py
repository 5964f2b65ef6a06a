"""Which stored prices a pair is backtested on: its ticks, or the bars of a feed that has none."""

from enum import StrEnum
from pathlib import Path

from necrozma_core.errors import DataError
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.ticks.store import TickStore


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


def choose_bars(data_dir: Path, pair_name: str, timeframe_ms: int, prices: Prices) -> int | None:
    """Return the timeframe of the stored bars to use, the finest that fits; None for ticks, stored or not.

    Raises
    ------
    DataError
        There are bars, but the timeframe cannot be made of them; or bars were asked for and there are none.
    """
    if prices is Prices.TICKS or (prices is Prices.AUTO and pair_name in TickStore(data_dir).pairs()):
        return None
    stored = BarStore(data_dir).timeframes(pair_name)
    if fitting := [bars_ms for bars_ms in stored if timeframe_ms % bars_ms == 0]:
        return fitting[0]
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
    """Return the timeframe of the finest stored bars, to convert money by; None where there are ticks, or nothing."""
    if pair_name in TickStore(data_dir).pairs():
        return None
    return next(iter(BarStore(data_dir).timeframes(pair_name)), None)


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
