"""Money of a pair's quote currency into the account's, at the quotes of the pair that converts."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from necrozma_core.calendars import DAY_MS
from necrozma_core.errors import ConversionError
from necrozma_core.instruments import Pair
from necrozma_core.kernels.lookup import index_times, last_at_or_before
from necrozma_core.ticks import FloatArray, Int32Array, Int64Array, Ticks

STALE_MS: Final = 7 * DAY_MS
"""The age above which a quote no longer says what a currency is worth; holidays close the market for four days."""

_INDEX_SHIFT: Final = 18
"""Quotes are indexed every 2**18 ms (four minutes), which takes half a megabyte a year."""


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """What one unit of a pair's quote currency was worth in the account's currency, at any time.

    Made by :meth:`identity` or :meth:`from_ticks`; which pair is needed says
    :func:`~necrozma_core.instruments.find_conversion`.

    Attributes
    ----------
    ticks : Ticks or None
        Quotes of the pair that converts; None where both currencies are the same.
    multiply : bool
        True where an amount is multiplied by the price, False where it is divided by it.
    """

    ticks: Ticks | None
    multiply: bool
    _first: Int32Array

    @classmethod
    def identity(cls) -> Self:
        """Return the conversion of a currency into itself."""
        return cls(None, multiply=True, _first=np.zeros(1, np.int32))

    @classmethod
    def from_ticks(cls, pair: Pair, ticks: Ticks, multiply: bool) -> Self:
        """Return the conversion at the prices of ``ticks``.

        Parameters
        ----------
        pair : Pair
            The pair that converts, named by every error.
        ticks : Ticks
            Its quotes; possibly the traded pair's own, possibly none.
        multiply : bool
            As :func:`~necrozma_core.instruments.find_conversion` gave it.

        Raises
        ------
        ValueError
            If the ticks are another pair's.
        """
        if ticks.pair != pair:
            raise ValueError(f"ticks of {ticks.pair.name} cannot convert by the price of {pair.name}")
        return cls(ticks, multiply, index_times(ticks.time_ms, _INDEX_SHIFT))

    def at(self, time_ms: Int64Array) -> FloatArray:
        """Return the rate at each time: from the mid of the last quote at or before it.

        Parameters
        ----------
        time_ms : int64 array, shape (n,)
            Milliseconds since 1970 UTC, in any order.

        Returns
        -------
        float64 array, shape (n,)
            Account currency for one unit of the quote currency.

        Raises
        ------
        ConversionError
            If a time has no quote at or before it, or the last one is more than seven days old; names the pair,
            the time and the command that imports what is missing.
        """
        rates = self.find(time_ms)
        missing = np.isnan(rates)
        if missing.any():
            raise ConversionError(self._explain_missing(int(time_ms[missing.argmax()])))
        return rates

    def find(self, time_ms: Int64Array) -> FloatArray:
        """Return the rate at each time as :meth:`at` does, but NaN where there is none."""
        if self.ticks is None:
            return np.ones(len(time_ms))
        if not len(self.ticks):
            return np.full(len(time_ms), np.nan)
        tick = last_at_or_before(self.ticks.time_ms, self._first, _INDEX_SHIFT, time_ms)
        twice_mid = self.ticks.bid[tick] + self.ticks.ask[tick]
        scale = 2 * self.ticks.scale
        rates: FloatArray = twice_mid / scale if self.multiply else scale / twice_mid
        rates[(tick < 0) | (time_ms - self.ticks.time_ms[tick] > STALE_MS)] = np.nan
        return rates

    def _explain_missing(self, time_ms: int) -> str:
        assert self.ticks is not None, "a currency is always worth itself"
        pair, times = self.ticks.pair, self.ticks.time_ms
        source, target = (pair.base, pair.quote) if self.multiply else (pair.quote, pair.base)
        last = int(np.searchsorted(times, time_ms, side="right")) - 1
        found = f"the last one is of {_format_time(int(times[last]))}" if last >= 0 else "there is none before it"
        return (
            f"{pair.name}: no quote in the 7 days up to {_format_time(time_ms)} to turn {source} into {target}, "
            f"{found}: import it with `necrozma data import FILES --pair {pair.name} --to DATA`"
        )


def _format_time(time_ms: int) -> str:
    return str(np.datetime64(time_ms, "ms")).replace("T", " ") + " UTC"
