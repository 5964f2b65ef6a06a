"""What a strategy did to the account, from its stored trades: for a run's report and for Prefect's UI."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.calendars import trading_day
from necrozma_core.money.equity import Equity
from necrozma_core.reporting.charts import equity_svg
from necrozma_core.storage.disk.columns import array_of
from necrozma_core.storage.results.store import TRADES_FILE, ResultStore

MOST_TRADES: Final = 500_000
"""Stored trades of a pair beyond which nothing is drawn: the pair's file is read whole, to compare its hash first. This
many took 0.04 s and 28 MB of memory, two million took 0.14 s and 113 MB."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The account under one strategy, or why it is not drawn.

    Attributes
    ----------
    pair, strategy : str
    balance : Equity or None
        Of the trading days on which a trade was closed.
    note : str
        Why there is no balance; empty where there is one.
    """

    pair: str
    strategy: str
    balance: Equity | None
    note: str = ""

    @property
    def title(self) -> str:
        """What is drawn, in words; not escaped."""
        return f"{self.pair} {self.strategy}: balance after its closed trades"

    def svg(self) -> str:
        """Draw the balance as one ``<svg>`` element with its title; empty where there is none."""
        return "" if self.balance is None else equity_svg(self.balance, self.title)


def read_curve(store: ResultStore, pair: str, key: str, strategy: str, initial_balance: float) -> Curve | None:
    """Read one strategy's stored trades and follow the account by them.

    Parameters
    ----------
    store : ResultStore
    pair, key : str
        The entry.
    strategy : str
    initial_balance : float
        Account currency.

    Returns
    -------
    Curve or None
        Without a balance where the pair has more than `MOST_TRADES` trades; None where the strategy's trades are not
        stored, or it made none.

    Raises
    ------
    DamagedError
        The entry is not there as it was committed.
    StorageError
        It cannot be read.
    """
    stored = store.commit_of(pair, key)["files"][TRADES_FILE]["rows"]
    if stored > MOST_TRADES:
        note = f"not drawn: {stored:,} trades of this pair are stored, too many to read for a picture"
        return Curve(pair, strategy, None, note)
    trades = store.read_closed(pair, key, strategy).combine_chunks()
    if not len(trades):
        return None
    columns = {name: trades[name].combine_chunks() for name in trades.schema.names}
    profit, commission, swap = (array_of(columns[name], np.float64) for name in ("profit", "commission", "swap"))
    exit_time_ms = array_of(columns["exit_time"], np.int64)
    return Curve(pair, strategy, balance_curve(exit_time_ms, profit - commission + swap, initial_balance))


def balance_curve(exit_time_ms: Int64Array, net: FloatArray, initial_balance: float) -> Equity:
    """Follow an account by its closed trades alone, as they are stored.

    Parameters
    ----------
    exit_time_ms : int64 array, shape (n_trades,)
        Rising, milliseconds since 1970 UTC; possibly none.
    net : float64 array, shape (n_trades,)
        What each trade brought, account currency.
    initial_balance : float

    Returns
    -------
    Equity
        Of the trading days on which a trade was closed; open positions are not counted.
    """
    balance = initial_balance + np.cumsum(net)
    last_of_day = np.flatnonzero(np.diff(trading_day(exit_time_ms), append=np.iinfo(np.int64).max))
    return Equity(initial_balance, exit_time_ms[last_of_day], balance[last_of_day], balance)
