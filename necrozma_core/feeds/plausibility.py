"""Whether ticks can be of the pair that they are said to be of: what cannot be is refused before anything is kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from necrozma_core.errors import DataError
from necrozma_core.feeds.days import DayReport
from necrozma_core.market.arrays import Int32Array
from necrozma_core.market.instruments import PAIRS, Pair, get_pair
from necrozma_core.market.levels import LEVELS, level_of
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.spans import by_year

_NARROWEST_PIPS: Final = 0.04
"""The finest that a feed quotes is a hundredth of a pip, and a tenth is usual; a median of less is of another pip."""

_WIDEST_SHARE: Final = 0.05
"""A spread of a twentieth of the price, as the usual one, is no quote: bid and ask are two other things."""

LEAST_TICKS: Final = 100
"""Of fewer ticks the usual spread and the decimals say little."""

_ENOUGH: Final = 20_000

_CROSS_SHARE: Final = 0.01
_CROSS_SHARE_OF_FEW: Final = 0.04
_FEW_DAYS: Final = 3
"""Of a day or two, whose medians may be of other hours, more than a percent is needed."""

_SAME_SHARE: Final = 0.0003
"""Two brokers' daily medians of one pair differ by a tenth of this; two pairs' come so close for a day, no longer."""


def check_ticks_of_pair(ticks: Ticks, source: str) -> None:
    """Refuse ticks whose prices, spread or decimals the pair has never had.

    Parameters
    ----------
    ticks : Ticks
        At least one.
    source : str
        The file, for the message.

    Raises
    ------
    DataError
    """
    check_level(ticks, source)
    _check_spread(ticks, source)
    _check_digits(ticks, source)


def check_level(ticks: Ticks, source: str) -> None:
    """Refuse ticks whose prices this pair has never had.

    Raises
    ------
    DataError
        The middle one of the bids or asks of all, or of a year, lies outside `LEVELS` or `level_of` that year.
    """
    name, (low, high) = ticks.pair.name, LEVELS[ticks.pair.name]
    price = _middle_price(ticks, low, high)
    if not low <= price <= high:
        raise DataError(
            f"{source}: prices around {_price(price)} are not {name}'s, which has been between {_price(low)} and "
            f"{_price(high)} since 1990: check the pair and the scale of the prices"
        )
    for year, part in by_year(ticks):
        low, high = level_of(name, year)
        price = _middle_price(part, low, high)
        if not low <= price <= high:
            raise DataError(
                f"{source}: prices around {_price(price)} are not {name}'s of {year}, which was between {_price(low)} "
                f"and {_price(high)}: check the pair, the years and the scale of the prices"
            )


def _middle_price(ticks: Ticks, low: float, high: float) -> float:
    """Return the middle one of the bids, or that of the asks where the bids' lies between the bounds."""
    bid, ask = (_middle(side) / ticks.scale for side in (ticks.bid, ticks.ask))
    return ask if low <= bid <= high else bid


def _some(values: Int32Array) -> Int32Array:
    """Return values at equal distances: enough to tell what is usual, and a thousandth of the work."""
    return values[:: max(1, len(values) // _ENOUGH)]


def _middle(values: Int32Array) -> float:
    return float(np.median(_some(values)))


def _price(price: float) -> str:
    return f"{price:,.0f}" if price >= 1_000 else f"{price:.4g}"


def _check_spread(ticks: Ticks, source: str) -> None:
    spread = _some(ticks.ask) - _some(ticks.bid)
    wide = spread[spread > 0]
    if len(wide) < LEAST_TICKS:
        return
    usual = _middle(wide)
    pips, share = usual / ticks.points_per_pip, usual / _middle(ticks.bid)
    if pips < _NARROWEST_PIPS or share > _WIDEST_SHARE:
        raise DataError(
            f"{source}: a usual spread of {_price(pips)} pips, {100 * share:.2g} % of the price, is not "
            f"{ticks.pair.name}'s: check the pair, and which columns are bid and ask"
        )


def _check_digits(ticks: Ticks, source: str) -> None:
    """Refuse prices in steps of ten pips and more: the decimals of another pair, or cut off."""
    if len(ticks) >= LEAST_TICKS and ticks.points_per_pip < 0.1:
        pips = 1 / ticks.points_per_pip
        raise DataError(
            f"{source}: prices of {ticks.digits} decimals, steps of {pips:g} pips, are not {ticks.pair.name}'s, which "
            f"is quoted with {ticks.pair.point_digits}: check the pair, and whether decimals were cut off"
        )


def check_doubles(
    pair: Pair, days: Sequence[DayReport], stored: Callable[[str], Sequence[DayReport]], source: str
) -> None:
    """Refuse prices that are those of another stored pair, day for day.

    Parameters are those of `check_crosses`.

    Raises
    ------
    DataError
        On every day that both have, three at least, the medians are the same within three hundredths of a percent.
    """
    mine = {day.day: day.mid for day in days if not day.is_weekend}
    is_enough = len(mine) >= _FEW_DAYS and sum(day.ticks for day in days) >= _FEW_DAYS * LEAST_TICKS
    price = float(np.median(list(mine.values()))) if is_enough else 0.0
    for other, (low, high) in LEVELS.items():
        if other == pair.name or not low <= price <= high:
            continue
        ratios = [mine[day.day] / day.mid for day in stored(other) if day.day in mine]
        if len(ratios) >= _FEW_DAYS and all(abs(ratio - 1) < _SAME_SHARE for ratio in ratios):
            raise DataError(
                f"{source}: prices around {_price(price)} are those of the stored {other} on all {len(ratios):,} days "
                f"that both have, so one of the two is named wrongly: import it as {other}, or remove the stored one "
                f"first with `necrozma data remove {other}`"
            )


@dataclass(frozen=True, slots=True)
class Cross:
    """How a pair's prices follow from two others.

    Attributes
    ----------
    first, second : Pair
    is_product : bool
        Whether the prices are multiplied; else the first is divided by the second.
    is_inverse : bool
        Whether the pair is one divided by that.
    """

    first: Pair
    second: Pair
    is_product: bool
    is_inverse: bool = False

    def price(self, first: float, second: float) -> float:
        """Return what the pair costs by two prices."""
        price = first * second if self.is_product else first / second
        return 1 / price if self.is_inverse else price


def crosses_of(pair: Pair) -> Iterator[Cross]:
    """Go through the pairs of pairs that a pair's prices follow from, such as EURUSD and GBPUSD for EURGBP."""
    others = {currency for known in PAIRS.values() for currency in (known.base, known.quote)} - {pair.base, pair.quote}
    for other in sorted(others):
        base, is_base_over = _between(pair.base, other)
        quote, is_quote_over = _between(pair.quote, other)
        if base is None or quote is None:
            continue
        match is_base_over, is_quote_over:
            case True, True:
                yield Cross(base, quote, is_product=False)
            case True, False:
                yield Cross(base, quote, is_product=True)
            case False, True:
                yield Cross(base, quote, is_product=True, is_inverse=True)
            case _:
                yield Cross(quote, base, is_product=False)


def _between(currency: str, other: str) -> tuple[Pair | None, bool]:
    """Return the pair of two currencies, and whether it says what the first costs in the second."""
    if currency + other in PAIRS:
        return get_pair(currency + other), True
    return (get_pair(other + currency) if other + currency in PAIRS else None), False


def check_crosses(
    pair: Pair,
    days: Sequence[DayReport],
    stored: Callable[[str], Sequence[DayReport]],
    source: str,
) -> None:
    """Refuse prices that do not fit what is stored of two pairs that they follow from.

    Parameters
    ----------
    pair : Pair
    days : sequence of DayReport
        Of the ticks to be judged.
    stored : callable
        Returns the stored days of a pair by its name; none where there are none.
    source : str
        The files, for the message.

    Raises
    ------
    DataError
        The median of what the days that all three have differ by is more than a percent.
    """
    mine = {day.day: day.mid for day in days if not day.is_weekend}
    for cross in crosses_of(pair):
        first, second = ({day.day: day.mid for day in stored(leg.name)} for leg in (cross.first, cross.second))
        ratios = [
            mid / cross.price(first[day], second[day]) for day, mid in mine.items() if day in first and day in second
        ]
        if not ratios:
            continue
        off = float(np.median(ratios)) - 1
        if abs(off) > (_CROSS_SHARE_OF_FEW if len(ratios) < _FEW_DAYS else _CROSS_SHARE):
            usual = float(np.median(list(mine.values())))
            on = "1 day" if len(ratios) == 1 else f"{len(ratios):,} days"
            raise DataError(
                f"{source}: prices around {_price(usual)} are not {pair.name}'s: they are {100 * abs(off):.3g} % "
                f"{'above' if off > 0 else 'below'} what the stored {cross.first.name} and {cross.second.name} make it "
                f"on {on} that all three have; check the pair, or `necrozma data check {cross.first.name} "
                f"{cross.second.name}` and remove the wrong one with `necrozma data remove`"
            )
