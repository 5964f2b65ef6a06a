"""Why a strategy that has signals made no trade: what became of those that would have entered."""

from collections.abc import Callable, Iterator

import numpy as np

from necrozma_core.backtest.outcome import Market
from necrozma_core.engine.instructions import BUY, SELL, Sides, keep_sides
from necrozma_core.engine.orders import EntryKind
from necrozma_core.engine.trades import Trades
from necrozma_core.market.arrays import Int8Array
from necrozma_core.strategies.checking import UNEXPLAINED, entering_signals, explain_silence
from necrozma_core.strategies.protocol import Strategy


def explain_no_trade(
    market: Market, strategy: Strategy, trades: Trades, signals: Callable[[], Int8Array], said: str | None = None
) -> str:
    """Say in a line why a strategy made no trade.

    Parameters
    ----------
    market : Market
    strategy : Strategy
    trades : Trades
        None, with the number of entries that came too late.
    signals : callable
        Gives what the strategy gave for the market's bars.
    said : str, optional
        What `explain_silence` said where the strategy ran.

    Returns
    -------
    str
        Such as ``12 signals to enter: 9 against filter=ema(200)@1h, 3 with too old a quote``.
    """
    found = signals()
    reason = explain_silence(strategy, market.bars, found) if said is None else said
    if reason != UNEXPLAINED:
        return reason
    # The last bar's signal has no tick to act at, and what acts before the range enters nothing.
    acting = slice(max(market.first_bar - 1, 0), -1)
    asked = _count(found[acting])
    if not asked:
        return "its signals to enter all lie before the range"
    of_sides = _count(keep_sides(found, Sides(strategy.sides))[acting])
    kept = _count(entering_signals(strategy, found, market.bars)[acting])
    parts = [
        (asked - of_sides, f"against sides={strategy.sides}"),
        (of_sides - kept, f"against filter={strategy.filter}"),
        (trades.stale_entries, "with too old a quote"),
        (kept - trades.stale_entries, " or ".join(_not_filled(strategy))),
    ]
    told = ", ".join(f"{count} {what}" for count, what in parts if count > 0 and what)
    return f"{asked} signal{'s' if asked > 1 else ''} to enter: {told}" if told else UNEXPLAINED


def _not_filled(strategy: Strategy) -> Iterator[str]:
    """Say what may have kept an entry that nothing forbade from being filled."""
    orders = strategy.orders
    if orders.entry_window is not None:
        yield f"outside entry_window={orders.entry_window}"
    if orders.entry_order != EntryKind.MARKET:
        yield "whose order was never reached"


def _count(signals: Int8Array) -> int:
    return int(np.isin(signals, (BUY, SELL)).sum())
