"""The prices of bars by name, whatever they are made of."""

from abc import ABC, abstractmethod

from necrozma_core.market.arrays import FloatArray


class BarPrices(ABC):
    """Open, high, low and close of bid, ask and mid: float64 prices, shape (n_bars,)."""

    __slots__ = ()

    @abstractmethod
    def _price(self, side: str, column: int) -> FloatArray:
        """Return the prices of ``bid``, ``ask`` or ``mid``; columns are open, high, low, close."""

    @property
    def bid_open(self) -> FloatArray:
        """First bid of each bar, price, shape (n_bars,)."""
        return self._price("bid", 0)

    @property
    def bid_high(self) -> FloatArray:
        """Highest bid."""
        return self._price("bid", 1)

    @property
    def bid_low(self) -> FloatArray:
        """Lowest bid."""
        return self._price("bid", 2)

    @property
    def bid_close(self) -> FloatArray:
        """Last bid."""
        return self._price("bid", 3)

    @property
    def ask_open(self) -> FloatArray:
        """First ask."""
        return self._price("ask", 0)

    @property
    def ask_high(self) -> FloatArray:
        """Highest ask."""
        return self._price("ask", 1)

    @property
    def ask_low(self) -> FloatArray:
        """Lowest ask."""
        return self._price("ask", 2)

    @property
    def ask_close(self) -> FloatArray:
        """Last ask."""
        return self._price("ask", 3)

    @property
    def mid_open(self) -> FloatArray:
        """First mid, the mean of bid and ask at one tick."""
        return self._price("mid", 0)

    @property
    def mid_high(self) -> FloatArray:
        """Highest mid of any tick (not the mean of the highest bid and the highest ask)."""
        return self._price("mid", 1)

    @property
    def mid_low(self) -> FloatArray:
        """Lowest mid."""
        return self._price("mid", 2)

    @property
    def mid_close(self) -> FloatArray:
        """Last mid."""
        return self._price("mid", 3)
