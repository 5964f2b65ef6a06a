"""What feeds call a pair: ``EURUSD_Zero_Spread``, ``EUR/USD``, ``eurusdm``; and which pair a path speaks of."""

import re
from pathlib import Path
from typing import Final

from necrozma_core.market.instruments import PAIRS

_SYMBOL: Final = re.compile(r"([A-Za-z]{3})[/_.-]?([A-Za-z]{3})(?:[a-z]{1,4}|[._#-][A-Za-z0-9._-]{0,24})?", re.ASCII)
_IN_NAME: Final = re.compile(r"(?<![A-Za-z])([A-Za-z]{3})[_-]?([A-Za-z]{3})(?![A-Z])", re.ASCII)
_FOLDERS: Final = 4
"""As deep as an hour of Dukascopy's lies in its pair's folder."""


def strip_symbol(symbol: str) -> str | None:
    """Return the pair's six letters of a symbol; None where it has another shape."""
    match = _SYMBOL.fullmatch(symbol.strip())
    return (match[1] + match[2]).upper() if match else None


def pair_of_path(path: Path) -> str | None:
    """Return the one known pair that a file's name speaks of, or else the nearest folder's; None where none does.

    Two pairs in one name tell nothing.
    """
    for name in (path.name, *(folder.name for folder in path.absolute().parents)):
        if found := _pairs_in(name):
            return found.pop() if len(found) == 1 else None
    return None


def pair_named(path: Path) -> str | None:
    """Return the one known pair that a file is named after; None where it is named after none.

    Its own name may speak of the pair in whatever words; of the folders next to it only one that is called like a pair,
    and like nothing else, names what lies in it.
    """
    if found := _pairs_in(path.name):
        return found.pop() if len(found) == 1 else None
    for folder in path.absolute().parents[:_FOLDERS]:
        if _IN_NAME.fullmatch(folder.name) and (found := _pairs_in(folder.name)):
            return found.pop()
    return None


def _pairs_in(name: str) -> set[str]:
    return {(match[1] + match[2]).upper() for match in _IN_NAME.finditer(name)} & set(PAIRS)
