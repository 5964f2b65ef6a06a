"""Margin: what a position ties up under leverage, and where a broker closes what the account no longer carries."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from necrozma_core.engine.trades import Trades
from necrozma_core.errors import UsageError, shown
from necrozma_core.market.arrays import FloatArray, Int64Array
from necrozma_core.market.instruments import MOST_LEVERAGE
from necrozma_core.market.ticks import Ticks
from necrozma_core.money.conversion import Conversion

STOP_OUT_PERCENT: Final = 50.0

_ROUNDING: Final = 1e-6

NEVER: Final = 2**40
"""Points that no price moves by: the distance of a stop-out that there is not."""


@dataclass(frozen=True, slots=True)
class Margin:
    """What the broker asks of the account while a position is open.

    Attributes
    ----------
    leverage : float or None
        Notional for each unit of margin; None asks for none, and then there is no stop-out.
    stop_out_percent : float
        Of margin: where the equity is no more, the position is closed.

    Raises
    ------
    UsageError
        A number is out of its bounds.
    """

    leverage: float | None = None
    stop_out_percent: float = STOP_OUT_PERCENT

    def __post_init__(self) -> None:
        if self.leverage is not None and not 1 <= self.leverage <= MOST_LEVERAGE:
            raise UsageError(
                f"--leverage: expected a number from 1 to {MOST_LEVERAGE:,.0f}; found {shown(self.leverage)}"
            )
        if not 0 < self.stop_out_percent <= 100:
            raise UsageError(
                f"--stop-out: expected per cent above zero, up to 100; found {shown(self.stop_out_percent)}"
            )

    def of_lots(self, trades: Trades, ticks: Ticks, conversion: Conversion) -> FloatArray:
        """Return the margin of one lot of each trade: its notional at the entry, at the mid, by the leverage.

        Returns
        -------
        float64 array, shape (n_trades,)
            Account currency; 0 without leverage.

        Raises
        ------
        ConversionError
            There is no price for an entry's time.
        """
        if self.leverage is None:
            return np.zeros(len(trades))
        rates = conversion.at_ticks(ticks, trades.entry_tick)
        return trades.entry_price * ticks.pair.contract_size * rates / self.leverage

    def stop_out_points(
        self, trades: Trades, ticks: Ticks, lots: FloatArray, balance: FloatArray, conversion: Conversion
    ) -> Int64Array:
        """Return how far each trade's position may go against the account before it is closed.

        It is closed where ``balance - loss <= stop_out_percent / 100 * margin``. What a point is worth is converted at
        the entry, as a loss would be; commission and swap are not in it.

        Parameters
        ----------
        trades : Trades
        ticks : Ticks
        lots, balance : float64 array, shape (n_trades,)
            Of the whole position, and what the account had at its entry.
        conversion : Conversion

        Returns
        -------
        int64 array, shape (n_trades,)
            Whole points from the entry price, rounded up, at least 1; `NEVER` without leverage.

        Raises
        ------
        ConversionError
            There is no price for an entry's time.
        """
        if self.leverage is None:
            return np.full(len(trades), NEVER)
        kept = self.stop_out_percent / 100 * lots * self.of_lots(trades, ticks, conversion)
        rates = conversion.of_results(ticks, trades.entry_tick, -np.ones(len(trades)))
        point = lots * ticks.pair.contract_size * rates / ticks.scale
        # What is a millionth of a point too much is rounding.
        return np.clip(np.ceil((balance - kept) / point - _ROUNDING), 1, NEVER).astype(np.int64)
