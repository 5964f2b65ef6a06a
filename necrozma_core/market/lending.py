"""Bars for code that is not ours: whatever it does to them, nobody else computes with it.

numpy lets anyone who holds a read-only array make it writable again, if the memory below is. So a user's strategies
get bars of their own, in memory that Python itself counts as immutable, and what they remember stays among them. What
goes around numpy (ctypes, or an interface of one's own making) is found by comparing afterwards.
"""

import zlib
from collections.abc import Callable, Hashable
from dataclasses import fields, replace
from typing import Any, Literal

import numpy as np

from necrozma_core.market.bars import Bars, Memo


def sealed(array: np.ndarray) -> np.ndarray:
    """Return an array's values in memory that no flag makes writable: a copy, whose base is ``bytes``.

    Parameters
    ----------
    array : array of any shape and dtype
        Objects, and arrays of a subclass, cannot be laid out as bytes; they are returned as they are.
    """
    if not _is_plain(array):
        return array
    order: Literal["F", "C"] = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    return np.ndarray(array.shape, array.dtype, array.tobytes(order), order=order)


class LentBars:
    """Bars lent to a user's strategies, and whether they came back as they were.

    Parameters
    ----------
    bars : Bars
        The pair's own, which the user's code never sees.
    """

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._lent: Bars | None = None
        self._memo = _SealedMemo()

    @property
    def bars(self) -> Bars:
        """What to lend; copied when it is asked for first, because most runs have no strategies of a user's."""
        if self._lent is None:
            self._memo = _SealedMemo()
            values = ((name, getattr(self._bars, name)) for name in _VALUES)
            copies: dict[str, Any] = {
                name: sealed(value) if isinstance(value, np.ndarray) else value for name, value in values
            }
            self._lent = replace(self._bars, _memo=self._memo, **copies)
        return self._lent

    def take_back(self) -> bool:
        """Tell whether everything that was lent is as it was; what is not is never lent again.

        Of the remembered arrays it looks at those that were asked for since it was called last.
        """
        lent = self._lent
        if lent is None or (
            all(np.array_equal(getattr(lent, name), getattr(self._bars, name)) for name in _VALUES)
            and lent._memo is self._memo
            and self._memo.is_intact()
        ):
            return True
        self._lent = None
        return False


class _SealedMemo(Memo):
    """Remembers copies in immutable memory, each with a checksum of what it was."""

    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[Hashable, int] = {}
        self._asked: dict[Hashable, np.ndarray] = {}

    def get(self, key: Hashable, compute: Callable[[], np.ndarray]) -> np.ndarray:
        def compute_sealed() -> np.ndarray:
            array = sealed(compute())
            self._sums[key] = _checksum(array)
            return array

        found = self._asked[key] = super().get(key, compute_sealed)
        # A view: shape and dtype of an array can be assigned to, and would be changed for all who hold it.
        return found.view()

    def is_intact(self) -> bool:
        asked, self._asked = self._asked, {}
        return all(_checksum(array) == self._sums[key] for key, array in asked.items())


_VALUES = tuple(entry.name for entry in fields(Bars) if entry.name != "_memo")


def _is_plain(array: object) -> bool:
    return type(array) is np.ndarray and not array.dtype.hasobject


def _checksum(array: np.ndarray) -> int:
    # Seven gigabytes a second; a strategy of 100,000 bars that reads ten indicators waits a millisecond for it.
    base: Any = array.base
    return zlib.crc32(base) if isinstance(base, bytes) else 0
