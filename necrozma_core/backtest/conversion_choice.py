"""Which pairs convert a pair's profits into the account's currency: a choice that the stored ticks alone decide."""

import shlex
from math import inf
from typing import Final, NamedTuple

from necrozma_core.backtest.prices import Prices, converting_bars, pairs_with_prices
from necrozma_core.backtest.request import PairRequest
from necrozma_core.errors import ConversionError
from necrozma_core.market.conversion_paths import Leg, conversion_paths
from necrozma_core.market.instruments import get_pair
from necrozma_core.money.conversion import STALE_MS
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.ticks.store import TickStore

_WAYS_NAMED: Final = 3


def choose_path(store: TickStore, pair_name: str, account_currency: str) -> tuple[Leg, ...]:
    """Choose the pairs whose prices convert the profits of a pair.

    One pair goes before two. Of two ways by two pairs, one that has quotes as long as the traded pair has goes first,
    then the cheaper one, then the one that comes first by the names of its pairs. What a way costs is the sum of its
    pairs' median spreads, each as a fraction of the pair's highest stored price.

    Parameters
    ----------
    store : TickStore
        Only pairs that have ticks there are used.
    pair_name : str
        The traded pair, which may itself be one of those that convert.
    account_currency : str

    Returns
    -------
    tuple of Leg
        Up to two; empty where the pair is quoted in the account's currency.

    Raises
    ------
    ConversionError
        The stored pairs do not suffice; names those that would.
    DamagedError
        The record of a pair that would do is not what was published.
    """
    currency = get_pair(pair_name).quote
    stored = () if currency == account_currency else frozenset(pairs_with_prices(store.data_dir, Prices.AUTO))
    paths = conversion_paths(currency, account_currency, stored)
    if not paths:
        raise _no_path_error(store, pair_name, account_currency)
    if len(paths[0]) < 2 or len(paths) == 1:
        return paths[0]
    names = {leg.pair.name for path in paths for leg in path}
    records = {name: _recorded(store, name) for name in names}
    traded = _recorded(store, pair_name)

    def order(path: tuple[Leg, ...]) -> tuple[bool, float, list[str]]:
        legs = [records[leg.pair.name] for leg in path]
        is_short = not all(_lasts_as_long(leg, traded) for leg in legs)
        return is_short, sum(leg.relative_spread for leg in legs), [leg.pair.name for leg in path]

    return min(paths, key=order)


def legs_of(request: PairRequest) -> tuple[Leg, ...]:
    """Return what converts a request's profits: what it says itself, else what the stored ticks say now."""
    if request.legs is not None:
        return request.legs
    return choose_path(TickStore(request.data_dir), request.pair, request.account.currency)


class _Recorded(NamedTuple):
    """What is known of stored prices without reading them."""

    first_ms: int
    last_ms: int
    relative_spread: float


def _lasts_as_long(leg: _Recorded, traded: _Recorded) -> bool:
    return leg.first_ms <= traded.first_ms + STALE_MS and leg.last_ms >= traded.last_ms - STALE_MS


def _recorded(store: TickStore, name: str) -> _Recorded:
    bars_ms = converting_bars(store.data_dir, name)
    if bars_ms is not None:
        # What bars cost is not recorded: pairs with ticks go before them.
        bars = BarStore(store.data_dir).summary(name, bars_ms)
        return _Recorded(bars.first_ms, bars.last_ms, inf)
    manifest = store.manifest(name)
    highest = max(year.highest / int(10**year.digits) for year in manifest.years)
    spread = manifest.summary().median_spread_pips * float(get_pair(name).pip) / highest
    return _Recorded(manifest.years[0].first_ms, manifest.years[-1].last_ms, spread)


def _no_path_error(store: TickStore, pair_name: str, account_currency: str) -> ConversionError:
    currency, stored = get_pair(pair_name).quote, set(pairs_with_prices(store.data_dir, Prices.AUTO))
    ways = [
        [leg.pair.name for leg in path if leg.pair.name not in stored]
        for path in conversion_paths(currency, account_currency)
    ]
    # The fewest to import first, and of those the pairs with the dollar, which most feeds have.
    ways.sort(key=lambda way: (len(way), not any("USD" in name for name in way)))
    named = [" and ".join(way) for way in ways if len(way) == len(ways[0])][:_WAYS_NAMED]
    to = shlex.quote(str(store.data_dir.absolute()))
    return ConversionError(
        f"{pair_name}: no stored ticks convert its profits from {currency} into {account_currency}; "
        f"import {' or '.join(named)} with `necrozma data import FILES --pair {ways[0][0]} --to {to}`"
    )
