"""Quotes around cells, checked before the library sees them: it joins what stands behind a closing quote to the cell.

Of ``"4"5`` the library makes 45, and of a quote that the end of the file leaves open a whole cell. Neither says what
was meant. A quote is in order beside the end of its cell, or beside another one.
"""

import codecs
from typing import Final

import numpy as np

from necrozma_core.errors import DataError

_QUOTE: Final = b'"'
# What fits into the nearest cache: a megabyte at once takes five times as long.
_PIECE_BYTES: Final = 32_768
_LINE_ENDS: Final = (b"\n", b"\r")


class QuoteCheck:
    """Watches a text as it streams, by whole lines.

    Parameters
    ----------
    source : str
        For messages.
    delimiter : str
        Between cells.
    lines_before : int
        Of the text, read before by other means.
    """

    def __init__(self, source: str, delimiter: str, lines_before: int = 0) -> None:
        self._source = source
        self._ends = delimiter.encode() + b"\r\n"
        self._lines = lines_before
        self._rest = b""
        self._has_begun = False

    def take(self, content: bytes) -> None:
        """Look at the next bytes; none at the end.

        Raises
        ------
        DataError
            A quote stands in the middle of a cell, or is never closed; with the row.
        """
        text = self._rest + (content if self._has_begun else content.removeprefix(codecs.BOM_UTF8))
        self._has_begun = True
        end = len(text) if not content else 1 + max(map(text.rfind, _LINE_ENDS))
        whole, self._rest = text[:end], text[end:]
        if _QUOTE in whole:
            self._check(whole)
        self._lines += _count_lines(whole)

    def _check(self, whole: bytes) -> None:
        text = np.frombuffer(whole, dtype=np.uint8)
        for start in range(0, len(text), _PIECE_BYTES):
            # With the byte before and the one behind. The first and the last of whole lines stand at an end.
            first = max(start - 1, 0)
            piece = text[first : start + _PIECE_BYTES + 1]
            is_quote = piece == ord(_QUOTE)
            is_end = is_quote.copy()
            for end in self._ends:
                is_end |= piece == end
            is_inside = is_quote[1:-1] > (is_end[:-2] | is_end[2:])
            if is_inside.any():
                raise self._error(whole, first + 1 + int(is_inside.argmax()), "a quote in the middle of one")
        # Cells have no line breaks, so that the quotes of each line come in pairs.
        quotes = np.flatnonzero(text == ord(_QUOTE))
        ends = np.flatnonzero(text == (ord(b"\n") if b"\n" in whole else ord(b"\r")))
        counts = np.diff(np.searchsorted(quotes, np.append(ends, len(text))), prepend=0)
        if (counts % 2).any():
            last = int(quotes[counts[: int((counts % 2).argmax()) + 1].sum() - 1])
            if b"\n" in whole[last:] or b"\r" in whole[last:]:
                raise self._error(whole, last, "a quote not closed on it", "a row on one line")
            raise self._error(whole, last, "a quote that is never closed")

    def _error(self, whole: bytes, at: int, found: str, expected: str = "quotes around whole cells") -> DataError:
        row = self._lines + _count_lines(whole[:at]) + 1
        return DataError(f"{self._source}: row {row}: expected {expected}, found {found}; mend it")


def _count_lines(text: bytes) -> int:
    return text.count(b"\n") or text.count(b"\r")
