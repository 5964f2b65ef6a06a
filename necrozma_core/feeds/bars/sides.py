"""Which side of the quote a file of bars has, and where the other one comes from."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Final

from necrozma_core.errors import DataError, UsageError

_MOST_PIPS: Final = 1000
_IN_NAME: Final = re.compile(r"(?<![A-Za-z])(bid|ask)(?![A-Za-z])", re.ASCII | re.IGNORECASE)
BOTH: Final = "bid and ask"
FILE: Final = "file"


class Side(StrEnum):
    """What the prices of a file with one side are."""

    BID = "bid"
    ASK = "ask"
    MID = "mid"

    @classmethod
    def parse(cls, text: str) -> "Side":
        """Read what was given for ``--side``.

        Raises
        ------
        UsageError
        """
        if text not in set(cls):
            raise UsageError(f"--side {text[:40]}: expected one of {', '.join(cls)}")
        return cls(text)


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the other side of one-sided bars comes from.

    Attributes
    ----------
    pips : Decimal or None
        The fixed spread; None where the file's own column says it.
    """

    pips: Decimal | None = None

    @classmethod
    def parse(cls, text: str) -> "Spread":
        """Read ``1.2`` (pips) or ``file``.

        Raises
        ------
        UsageError
        """
        if text == FILE:
            return cls()
        try:
            pips = Decimal(text)
        except InvalidOperation:
            pips = Decimal(-1)
        if not pips.is_finite() or not 0 <= pips <= _MOST_PIPS:
            raise UsageError(f"--spread {text[:40]}: expected pips, such as 1.2, or {FILE} for the file's own column")
        return cls(pips)

    def __str__(self) -> str:
        """Say it for people."""
        if self.pips is None:
            return "the file's own"
        return f"fixed {self.pips.normalize():f} pip{'' if self.pips == 1 else 's'}"


def side_in_name(path: Path) -> Side | None:
    """Tell the side that a file's name speaks of, or else its folder's; None where none or both do."""
    for name in (path.name, path.absolute().parent.name):
        found = {match[1].lower() for match in _IN_NAME.finditer(name)}
        if found:
            return Side(found.pop()) if len(found) == 1 else None
    return None


def name_without_side(path: Path) -> str:
    """Return what the files of a bid and its ask are both called: the path without the word."""
    path = path.absolute()
    if _IN_NAME.search(path.name):
        return str(path.with_name(_IN_NAME.sub("*", path.name).lower()))
    return str(path.parent.with_name(_IN_NAME.sub("*", path.parent.name).lower()) / path.name.lower())


def no_spread_error(source: str, side: Side, has_column: bool) -> DataError:
    """Return the error that says that a file has one side, and what can be done."""
    column = "--spread file for its own column, " if has_column else ""
    return DataError(
        f"{source}: bars of one side, read as the {side}; say the spread with --spread 1.2 (pips), {column}or import "
        f"the file of the {'bid' if side is Side.ASK else 'ask'} with it"
    )
