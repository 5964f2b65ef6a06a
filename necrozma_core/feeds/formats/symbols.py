"""What feeds call a pair: ``EURUSD_Zero_Spread``, ``EUR/USD``, ``eurusdm``; and which pair a path speaks of."""

import re
from pathlib import Path
from typing import Final

from necrozma_core.market.instruments import PAIRS

_SYMBOL: Final = re.compile(r"([A-Za-z]{3})[/_.-]?([A-Za-z]{3})(?:[a-z]{1,4}|[._#-][A-Za-z0-9._-]{0,24})?", re.ASCII)
_IN_NAME: Final = re.compile(r"(?<![A-Za-z])([A-Za-z]{3})[_-]?([A-Za-z]{3})(?![A-Z])", re.ASCII)


def strip_symbol(symbol: str) -> str | None:
    """Return the pair's six letters of a symbol; None where it has another shape."""
    match = _SYMBOL.fullmatch(symbol.strip())
    return (match[1] + match[2]).upper() if match else None


def pair_of_path(path: Path) -> str | None:
    """Return the one known pair that a file's name speaks of, or else the nearest folder's; None where none does.

    Two pairs in one name tell nothing.
    """
    for name in (path.name, *(folder.name for folder in path.absolute().parents)):
        found = {(match[1] + match[2]).upper() for match in _IN_NAME.finditer(name)} & set(PAIRS)
        if found:
            return found.pop() if len(found) == 1 else None
    return None
