"""Quotes around cells, checked before the library sees them: it joins what stands behind a closing quote to the cell.

Of ``"4"5`` the library makes 45, and of a quote that the end of the file leaves open a whole cell. Neither says what
was meant. A quote is in order beside the end of its cell, or beside another one; so it is enough to count.
"""

import re
from typing import Final

from necrozma_core.errors import DataError

_QUOTE: Final = b'"'
_LINE_ENDS: Final = (b"\n", b"\r")


class QuoteCheck:
    """Watches a text as it streams, by whole lines.

    Parameters
    ----------
    source : str
        For messages.
    delimiter : str
        Between cells.
    """

    def __init__(self, source: str, delimiter: str) -> None:
        self._source = source
        self._outer = [side for end in (delimiter.encode(), *_LINE_ENDS) for side in (end + _QUOTE, _QUOTE + end)]
        ordinary = rb"[^\r\n\"" + re.escape(delimiter.encode()) + rb"]"
        self._inside = re.compile(ordinary + _QUOTE + ordinary)
        self._lines = 0
        self._rest = b""

    def take(self, content: bytes) -> None:
        """Look at the next bytes; none at the end.

        Raises
        ------
        DataError
            A quote stands in the middle of a cell, or is never closed; with the row.
        """
        text = self._rest + content
        end = len(text) if not content else 1 + max(map(text.rfind, _LINE_ENDS))
        whole, self._rest = text[:end], text[end:]
        if _QUOTE in whole:
            self._check(whole)
        if not content and whole.count(_QUOTE) % 2:
            raise self._error(whole, whole.rfind(_QUOTE), "a quote that is never closed")
        self._lines += _count_lines(whole)

    def _check(self, whole: bytes) -> None:
        # The first cell's quote has no end of a line before it, nor has that of the last one behind it.
        at_ends = whole.startswith((_QUOTE, b"\xef\xbb\xbf" + _QUOTE)) + whole.endswith(_QUOTE)
        if whole.count(_QUOTE) <= sum(map(whole.count, self._outer)) + at_ends:
            return
        if inside := self._inside.search(whole):
            raise self._error(whole, inside.start() + 1, "a quote in the middle of one")

    def _error(self, whole: bytes, at: int, found: str) -> DataError:
        row = self._lines + _count_lines(whole[:at]) + 1
        return DataError(f"{self._source}: row {row}: expected quotes around whole cells, found {found}; mend it")


def _count_lines(text: bytes) -> int:
    return max(text.count(b"\n"), text.count(b"\r"))
