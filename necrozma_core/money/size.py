"""What the size of positions follows from, as a value that is read from one text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from necrozma_core.errors import UsageError, shown


class SizeKind(StrEnum):
    """What decides on the size of a position."""

    LOTS = "lots"
    RISK = "risk"
    EQUITY = "equity"
    VOLATILITY = "volatility"


@dataclass(frozen=True, slots=True)
class Size:
    """The size of positions as a run asks for it; made by :meth:`parse`.

    Attributes
    ----------
    kind : SizeKind
        Fixed lots; what the stop puts at risk; notional; or what one average range moves the account by.
    share : float
        Of the balance at the entry; 0 for fixed lots and for a risk in money.
    amount : float
        Lots, or money at risk in the account's currency.
    """

    kind: SizeKind = SizeKind.LOTS
    share: float = 0.0
    amount: float = 0.1

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Read ``lots:0.1``, ``risk:1%``, ``risk:50``, ``equity:200%`` or ``volatility:1%``.

        Raises
        ------
        UsageError
            For anything else, and for a number out of its bounds.
        """
        found = _TEXT.fullmatch(text.strip())
        kind = found["kind"] if found else ""
        form = (kind, bool(found and found["percent"]))
        if found is None or form not in _MOST:
            raise UsageError(
                f"--size {shown(text, 40)}: expected lots:0.1, risk:1%, risk:50, equity:200% or volatility:1%"
            )
        number, most = float(found["number"]), _MOST[form]
        if not 0 < number <= most:
            unit = " %" if form[1] else ""
            raise UsageError(f"--size {shown(text, 40)}: expected a number above zero, up to {most:,.0f}{unit}")
        # Through decimals: 7 % is 0.07, while 7 / 100 need not be the number nearest to it.
        share = float(Decimal(found["number"]) / 100)
        return cls(SizeKind(kind), share, 0.0) if form[1] else cls(SizeKind(kind), 0.0, number)

    @classmethod
    def fixed(cls, lots: float) -> "Size":
        """Return the size of always so many lots."""
        return cls(SizeKind.LOTS, 0.0, lots)

    @property
    def is_fixed(self) -> bool:
        """Whether the lots are said."""
        return self.kind is SizeKind.LOTS

    @property
    def needs_stop(self) -> bool:
        """Whether it cannot be told without a stop."""
        return self.kind is SizeKind.RISK

    def __str__(self) -> str:
        if self.share:
            return f"{self.kind}:{_plain(Decimal(repr(self.share)) * 100)}%"
        return f"{self.kind}:{_plain(Decimal(repr(self.amount)))}"


_TEXT: Final = re.compile(r"(?P<kind>[a-z]+):(?P<number>[0-9]{1,12}(\.[0-9]{1,12})?)(?P<percent>%?)", re.ASCII)

_MOST: Final[Mapping[tuple[str, bool], float]] = {
    ("lots", False): 1e6,
    ("risk", True): 100,
    ("risk", False): 1e12,
    ("equity", True): 100_000,
    ("volatility", True): 100,
}
"""The largest number of each form, and whether it is in per cent."""


def _plain(number: Decimal) -> str:
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
