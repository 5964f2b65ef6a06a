"""Converts money from a pair's quote currency into the account's, at the quotes of the pairs that convert.

Kernels are imported where they are called: values that only name a conversion must not load the compiler.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from necrozma_core.errors import ConversionError
from necrozma_core.market.arrays import FloatArray, Int32Array, Int64Array
from necrozma_core.market.calendars import DAY_MS
from necrozma_core.market.conversion_paths import Leg
from necrozma_core.market.date_range import format_moment
from necrozma_core.market.instruments import Pair
from necrozma_core.market.ticks import Ticks

STALE_MS: Final = 7 * DAY_MS
"""The age above which a quote no longer says what a currency is worth; holidays close the market for four days."""

_EVER_MS: Final = 2**62


class QuoteSide(Enum):
    """Which price of a quote."""

    MID = 0
    BID = 1
    ASK = 2


class Taken(Enum):
    """What is converted: something at the mid, a gain that is sold, or a loss that is bought."""

    MID = 0
    GAIN = 1
    LOSS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Mid prices by time, in six bytes a quote: a year of a busy pair takes 90 MB. Made by :meth:`gather`.

    Attributes
    ----------
    scale : int
        Points in one unit of price.
    origin_ms : int
        Time of the first quote, milliseconds since 1970 UTC.
    offset : uint16 array, twice_mid : int32 array, shape (n_quotes,)
    ends : int32 array, shape (n_intervals,)
        See :func:`~necrozma_core.kernels.lookup.note_quotes`.
    twice_ask : int32 array, shape (n_quotes,), or None
        Beside ``twice_mid`` where sides are told apart.
    """

    scale: int
    origin_ms: int
    offset: NDArray[np.uint16]
    twice_mid: Int32Array
    ends: Int32Array
    twice_ask: Int32Array | None = None

    @classmethod
    def gather(
        cls, pieces: Iterable[Ticks], count: int, digits: int, span_ms: tuple[int, int], sides: bool = False
    ) -> Self:
        """Build the index from ticks that come piece by piece.

        Parameters
        ----------
        pieces : iterable of Ticks
            Oldest first.
        count, digits : int
            Number of all ticks, and decimals of their prices.
        span_ms : tuple of int
            Times of the first and the last tick; ignored where there are none.
        sides : bool
            Keep asks, too: ten bytes a quote.
        """
        from necrozma_core.kernels.lookup import INTERVAL_BITS, note_quotes  # noqa: PLC0415 -- as said above

        origin_ms, last_ms = span_ms
        intervals = ((last_ms - origin_ms) >> INTERVAL_BITS) + 1 if count else 0
        offset, twice_mid = np.empty(count, np.uint16), np.empty(count, np.int32)
        ends = np.zeros(intervals, np.int32)
        twice_ask = np.empty(count, np.int32) if sides else None
        at = 0
        for piece in pieces:
            note_quotes(piece.time_ms, piece.bid, piece.ask, origin_ms, at, offset, twice_mid, ends)
            if twice_ask is not None:
                note_quotes(piece.time_ms, piece.ask, piece.ask, origin_ms, at, offset, twice_ask, ends)
            at += len(piece)
        return cls(10**digits, origin_ms, offset, twice_mid, np.maximum.accumulate(ends, out=ends), twice_ask)

    @property
    def first_ms(self) -> int | None:
        """Time of the first quote; None where there is none."""
        return self.origin_ms if len(self.offset) else None

    def bounds(self) -> Int32Array:
        """Return the lowest and the highest mid, twice each; 1 and 1 where there is none."""
        if not len(self.twice_mid):
            return np.ones(2, np.int32)
        return np.array([self.twice_mid.min(), self.twice_mid.max()])

    def find(
        self, time_ms: Int64Array, stale_ms: int = STALE_MS, side: QuoteSide = QuoteSide.MID
    ) -> tuple[Int32Array, Int64Array]:
        """Return twice the price of the last quote at or before each time, and when it was made; 0 where none counts.

        Raises
        ------
        ValueError
            A bid or an ask is asked for, and only mids were gathered.
        """
        twice_mid, quoted_ms = self._find(self.twice_mid, time_ms, stale_ms)
        if side is QuoteSide.MID:
            return twice_mid, quoted_ms
        if self.twice_ask is None:
            raise ValueError("these quotes were gathered without their sides")
        twice_ask, quoted_ms = self._find(self.twice_ask, time_ms, stale_ms)
        return twice_ask if side is QuoteSide.ASK else twice_mid - (twice_ask - twice_mid), quoted_ms

    def _find(self, twice: Int32Array, time_ms: Int64Array, stale_ms: int) -> tuple[Int32Array, Int64Array]:
        from necrozma_core.kernels.lookup import last_quotes  # noqa: PLC0415 -- as said above

        found, quoted_ms = last_quotes(
            self.offset, twice, self.ends, self.origin_ms, np.ascontiguousarray(time_ms), stale_ms
        )
        return found, quoted_ms


@dataclass(frozen=True, slots=True, eq=False)
class TickQuotes:
    """Mid prices by time from ticks in memory: nothing is copied, and the price at a tick needs no search.

    Attributes
    ----------
    ticks : Ticks
    """

    ticks: Ticks

    @property
    def scale(self) -> int:
        """Points in one unit of price."""
        return self.ticks.scale

    @property
    def first_ms(self) -> int | None:
        """Time of the first quote; None where there is none."""
        return int(self.ticks.time_ms[0]) if len(self.ticks) else None

    def bounds(self) -> Int32Array:
        """Return two numbers between which twice every mid is; 1 and 1 where there is none."""
        if not len(self.ticks):
            return np.ones(2, np.int32)
        return 2 * np.array([self.ticks.bid.min(), self.ticks.ask.max()])

    def find(
        self, time_ms: Int64Array, stale_ms: int = STALE_MS, side: QuoteSide = QuoteSide.MID
    ) -> tuple[Int32Array, Int64Array]:
        """Return the same as :meth:`Quotes.find`."""
        last = np.searchsorted(self.ticks.time_ms, time_ms, side="right") - 1
        if not len(self.ticks):
            return np.zeros(len(last), np.int32), np.zeros(len(last), np.int64)
        quoted_ms = self.ticks.time_ms[last]
        counts = (last >= 0) & (time_ms - quoted_ms <= stale_ms)
        lower, upper = self._prices(side)
        return np.where(counts, lower[last] + upper[last], np.int32(0)), np.where(counts, quoted_ms, 0)

    def of_ticks(self, ticks: Int64Array, side: QuoteSide = QuoteSide.MID) -> Int32Array:
        """Return twice the price of the last quote of each tick's millisecond."""
        from necrozma_core.kernels.lookup import quotes_of_ticks  # noqa: PLC0415 -- as said above

        twice: Int32Array = quotes_of_ticks(self.ticks.time_ms, *self._prices(side), np.ascontiguousarray(ticks))
        return twice

    def _prices(self, side: QuoteSide) -> tuple[Int32Array, Int32Array]:
        # Two columns whose sum is twice the price.
        bid, ask = self.ticks.bid, self.ticks.ask
        return {QuoteSide.MID: (bid, ask), QuoteSide.BID: (bid, bid), QuoteSide.ASK: (ask, ask)}[side]


@dataclass(frozen=True, slots=True, eq=False)
class PricedLeg:
    """A leg of a conversion, and the quotes of its pair.

    Attributes
    ----------
    leg : Leg
    quotes : Quotes or TickQuotes
    """

    leg: Leg
    quotes: Quotes | TickQuotes

    def find(self, time_ms: Int64Array, taken: Taken = Taken.MID) -> FloatArray:
        """Return the rate at each time, NaN where there is none."""
        twice, _ = self.quotes.find(time_ms, side=self._side(taken))
        return self._rates(twice)

    def at_ticks(self, traded: Ticks, ticks: Int64Array, taken: Taken = Taken.MID) -> FloatArray:
        """Return the rate at the time of each tick, NaN where there is none; no search in the traded pair's own."""
        if isinstance(self.quotes, TickQuotes) and self.quotes.ticks is traded:
            return self._rates(self.quotes.of_ticks(ticks, self._side(taken)))
        return self.find(traded.time_ms[ticks], taken)

    def _side(self, taken: Taken) -> QuoteSide:
        if taken is Taken.MID:
            return QuoteSide.MID
        # What was gained is sold: the pair's base at the bid; or, where it is the pair's quote currency, by buying the
        # base at the ask. What was lost is bought, the other way round.
        return QuoteSide.BID if (taken is Taken.GAIN) == self.leg.multiply else QuoteSide.ASK

    def bounds(self) -> tuple[float, float]:
        """Return two rates between which every rate is."""
        low, high = sorted(self._rates(self.quotes.bounds()).tolist())
        return low, high

    def explain_missing(self, time_ms: int) -> str:
        """Say which quote is missing at a time, and the command that brings it."""
        name = self.leg.pair.name
        mid, quoted_ms = self.quotes.find(np.array([time_ms]), _EVER_MS)
        found = f"the last one is of {_format_time(int(quoted_ms[0]))}" if mid[0] else "there is none before it"
        first_ms = self.quotes.first_ms
        # The first day that has quotes from its midnight on.
        later = "" if mid[0] or first_ms is None else f", or begin with --from {_next_day(first_ms)}"
        return (
            f"{name}: no quote in the 7 days up to {_format_time(time_ms)} to turn {self.leg.source} into "
            f"{self.leg.target}, {found}: import it with `necrozma data import FILES --pair {name} --to DATA`{later}"
        )

    def _rates(self, twice_mid: Int32Array) -> FloatArray:
        scale = 2 * self.quotes.scale
        with np.errstate(divide="ignore"):
            rates: FloatArray = twice_mid / scale if self.leg.multiply else scale / twice_mid
        rates[twice_mid == 0] = np.nan
        return rates


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """What one unit of a pair's quote currency was worth in the account's currency, at any time.

    The rate over two legs is the product of theirs, each from its own last quote. Without legs it is 1.

    Attributes
    ----------
    legs : tuple of PricedLeg
        From the quote currency to the account's; none where both are the same.
    sides : bool
        Results are converted at the side that a broker takes: what was gained is sold, what was lost is bought.
        Everything else is at the mid.
    """

    legs: tuple[PricedLeg, ...] = ()
    sides: bool = False

    @classmethod
    def identity(cls) -> Self:
        """Return the conversion of a currency into itself."""
        return cls()

    @classmethod
    def from_ticks(cls, pair: Pair, ticks: Ticks, multiply: bool, sides: bool = False) -> Self:
        """Return the conversion by one pair at the prices of ``ticks``.

        Parameters
        ----------
        pair : Pair
        ticks : Ticks
            Its quotes; possibly the traded pair's own, possibly none.
        multiply : bool
            As a `Leg` of that pair has it.
        sides : bool
            See `Conversion`.

        Raises
        ------
        ValueError
            If the ticks are another pair's.
        """
        if ticks.pair != pair:
            raise ValueError(f"ticks of {ticks.pair.name} cannot convert by the price of {pair.name}")
        return cls((PricedLeg(Leg(pair, multiply), TickQuotes(ticks)),), sides)

    def at(self, time_ms: Int64Array) -> FloatArray:
        """Return the rate at each time: from the mid of each leg's last quote at or before it.

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
            If a time has no quote of a leg at or before it, or the last one is more than seven days old; names the
            leg's pair, the time and the command that imports what is missing.
        """
        return self._checked(self.find(time_ms), time_ms)

    def at_ticks(self, traded: Ticks, ticks: Int64Array) -> FloatArray:
        """Return the rate at the time of each tick as :meth:`at` does; no search where the traded pair is a leg.

        Parameters
        ----------
        traded : Ticks
        ticks : int64 array, shape (n,)
            Indices into them.

        Returns
        -------
        float64 array, shape (n,)
            Account currency for one unit of the quote currency.

        Raises
        ------
        ConversionError
            As :meth:`at` does; never where the traded pair alone converts itself.
        """
        return self._at_ticks(traded, ticks, Taken.MID)

    def of_results(self, traded: Ticks, ticks: Int64Array, results: FloatArray) -> FloatArray:
        """Return the rates at which results are converted: at the mid, or at the side that a broker takes.

        Parameters
        ----------
        traded, ticks
            As :meth:`at_ticks` takes them.
        results : float64 array, shape (n,)
            Quote currency; only their signs count.

        Raises
        ------
        ConversionError
            As :meth:`at_ticks` does.
        """
        if not (self.sides and self.legs):
            return self.at_ticks(traded, ticks)
        gained, lost = (self._at_ticks(traded, ticks, taken) for taken in (Taken.GAIN, Taken.LOSS))
        return np.where(results < 0, lost, gained)

    def _at_ticks(self, traded: Ticks, ticks: Int64Array, taken: Taken) -> FloatArray:
        rates = _product([leg.at_ticks(traded, ticks, taken) for leg in self.legs], len(ticks))
        return self._checked(rates, traded.time_ms, ticks)

    def bounds(self) -> tuple[float, float]:
        """Return two rates between which every rate is; they need not occur."""
        low = high = 1.0
        for leg in self.legs:
            least, most = leg.bounds()
            low, high = low * least, high * most
        return low, high

    def find(self, time_ms: Int64Array) -> FloatArray:
        """Return the rate at each time as :meth:`at` does, but NaN where there is none."""
        return _product([leg.find(time_ms) for leg in self.legs], len(time_ms))

    def _checked(self, rates: FloatArray, time_ms: Int64Array, at: Int64Array | None = None) -> FloatArray:
        missing = np.isnan(rates)
        if missing.any():
            first = missing.argmax()
            when = int(time_ms[first if at is None else at[first]])
            lacking = next(leg for leg in self.legs if np.isnan(leg.find(np.array([when])))[0])
            raise ConversionError(lacking.explain_missing(when))
        return rates


def _product(rates: list[FloatArray], count: int) -> FloatArray:
    if not rates:
        return np.ones(count)
    first, *others = rates
    for other in others:
        first *= other
    return first


def _format_time(time_ms: int) -> str:
    return str(np.datetime64(time_ms, "ms")).replace("T", " ") + " UTC"


def _next_day(time_ms: int) -> str:
    return format_moment(-(-time_ms // DAY_MS) * DAY_MS)
