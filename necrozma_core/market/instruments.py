"""The currency pairs and metals that can be backtested: pip, point, contract size, currencies."""

import difflib
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from necrozma_core.errors import UnknownPairError, UsageError, nearest, shown

_NAME = re.compile(r"[A-Z]{6}", re.ASCII)
_MOST_UNITS: Final = 10_000_000
MOST_LEVERAGE: Final = 10_000.0
_LEAST_LOTS: Final = 0.000_001
_MOST_LOTS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Terms:
    """What a broker's contract says of a pair, where that is not what the table says.

    Attributes
    ----------
    pip : float or None
        Price units.
    contract_size : int or None
        Units of the base in one lot.
    lot_step, min_lots, max_lots : float or None
        Sizes are multiples of the first, within the others.
    leverage : float or None
        Of this pair, where it is not the account's.
    """

    pip: float | None = None
    contract_size: int | None = None
    lot_step: float | None = None
    min_lots: float | None = None
    max_lots: float | None = None
    leverage: float | None = None

    @property
    def lot_rules(self) -> "LotRules":
        """What sizes there are; see `LotRules` for what cannot be."""
        given = {"lot_step": self.lot_step, "min_lots": self.min_lots, "max_lots": self.max_lots}
        return LotRules(**{name: value for name, value in given.items() if value is not None})

    def refuse_lots(self, lots: float) -> str | None:
        """Say why fixed lots cannot be traded under what is said here, or None."""
        if self.min_lots is not None and lots < self.min_lots:
            return f"expected no less than its min_lots, {self.min_lots:g}"
        if self.max_lots is not None and lots > self.max_lots:
            return f"expected no more than its max_lots, {self.max_lots:g}"
        if self.lot_step is not None and Decimal(repr(float(lots))) % Decimal(repr(float(self.lot_step))):
            return f"expected a multiple of its lot_step, {self.lot_step:g}"
        return None


@dataclass(frozen=True, slots=True)
class LotRules:
    """The sizes that a broker takes.

    Attributes
    ----------
    lot_step, min_lots, max_lots : float
        Lots; sizes are multiples of the first, within the others.

    Raises
    ------
    UsageError
        For a step that is not above zero, or a largest size below the smallest or below a step.
    """

    lot_step: float = 0.01
    min_lots: float = 0.01
    max_lots: float = 100.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not _LEAST_LOTS <= value <= _MOST_LOTS:
                expected = f"expected {_LEAST_LOTS} to {_MOST_LOTS:,.0f} lots"
                raise UsageError(f"a {name} of {shown(value)}: {expected}")
        if self.max_lots < max(self.min_lots, self.lot_step):
            raise UsageError(
                f"a max_lots of {shown(self.max_lots)}: expected no less than min_lots, {shown(self.min_lots)}, "
                f"and lot_step, {shown(self.lot_step)}"
            )

    @property
    def step(self) -> tuple[int, int]:
        """The step as a fraction of whole numbers: 1 and 100 for 0.01."""
        return Decimal(repr(float(self.lot_step))).as_integer_ratio()


@dataclass(frozen=True, slots=True)
class Pair:
    """One instrument, quoted as units of ``quote`` for one unit of ``base``.

    Attributes
    ----------
    name : str
        Six capital letters, ``EURUSD``.
    base, quote : str
        ISO 4217 codes (XAU and XAG for the metals).
    pip : Decimal
        Price units: 0.0001, or 0.01 where the quote is JPY; 0.1 for gold and 0.01 for silver.
    point : Decimal
        The smallest step that most brokers quote. A default for generated data only:
        a file's own decimals decide how its prices are stored.
    contract_size : int
        Units of ``base`` in one lot.
    """

    name: str
    base: str
    quote: str
    pip: Decimal
    point: Decimal
    contract_size: int

    def under(self, terms: Terms) -> "Pair":
        """Return the pair as a broker's contract has it.

        Raises
        ------
        UsageError
            For a pip that is no power of ten, or ten times away from the table's and more: such a pip is a mistake,
            with which every stop would be a hundred times too near or too far. For a lot of no unit or too many, for
            sizes that cannot be, and for a leverage below 1.
        """
        pair = self
        if terms.pip is not None:
            possible = (self.pip.scaleb(-1), self.pip, self.pip.scaleb(1))
            pip = next((each for each in possible if float(each) == terms.pip), None)
            if pip is None:
                expected = "{}, {} or {}".format(*possible)
                raise UsageError(f"{self.name}: a pip of {shown(terms.pip)}: expected {expected}")
            pair = replace(pair, pip=pip)
        if terms.contract_size is not None:
            if not _is_count(terms.contract_size) or not 1 <= terms.contract_size <= _MOST_UNITS:
                raise UsageError(
                    f"{self.name}: a contract_size of {shown(terms.contract_size)}: "
                    f"expected 1 to {_MOST_UNITS:,} whole units of {self.base} in a lot"
                )
            pair = replace(pair, contract_size=terms.contract_size)
        try:
            _ = terms.lot_rules
        except UsageError as error:
            raise UsageError(f"{self.name}: {error}") from None
        if terms.leverage is not None and not 1 <= terms.leverage <= MOST_LEVERAGE:
            expected = f"expected 1 to {MOST_LEVERAGE:,.0f}"
            raise UsageError(f"{self.name}: a leverage of {shown(terms.leverage)}: {expected}")
        return pair

    def points_per_pip(self, digits: int) -> Decimal:
        """Return how many points of ``10**-digits`` make one pip; exact, and below 1 for coarse files."""
        return self.pip.scaleb(digits)

    @property
    def is_metal(self) -> bool:
        """Whether it is gold or silver."""
        return self.base in {"XAU", "XAG"}

    @property
    def point_digits(self) -> int:
        """The decimals of ``point``."""
        return -int(self.point.as_tuple().exponent)


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _currency_pair(name: str) -> Pair:
    quote = name[3:]
    pip = Decimal("0.01") if quote == "JPY" else Decimal("0.0001")
    return Pair(name, name[:3], quote, pip, pip / 10, 100_000)


_MAJORS = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "USDCAD", "NZDUSD")
_CROSSES = (
    "EURGBP", "EURJPY", "EURCHF", "EURAUD", "EURCAD", "EURNZD",
    "GBPJPY", "GBPCHF", "GBPAUD", "GBPCAD", "GBPNZD",
    "AUDJPY", "AUDCHF", "AUDCAD", "AUDNZD",
    "NZDJPY", "NZDCHF", "NZDCAD", "CADJPY", "CADCHF", "CHFJPY",
)  # fmt: skip
_EXOTICS = (
    "USDSEK", "USDNOK", "USDDKK", "USDPLN", "USDMXN", "USDZAR", "USDTRY", "USDSGD", "USDHKD", "USDCNH",
    "EURSEK", "EURNOK", "EURDKK", "EURPLN", "EURTRY", "SGDJPY",
)  # fmt: skip
_METALS = (
    Pair("XAUUSD", "XAU", "USD", Decimal("0.1"), Decimal("0.01"), 100),
    Pair("XAGUSD", "XAG", "USD", Decimal("0.01"), Decimal("0.001"), 5_000),
)

PAIRS: Final = MappingProxyType(
    {name: _currency_pair(name) for name in (*_MAJORS, *_CROSSES, *_EXOTICS)} | {metal.name: metal for metal in _METALS}
)
"""Every known instrument by its name."""

CURRENCIES: Final = frozenset(pair.quote for pair in PAIRS.values()) | {"EUR", "GBP", "AUD", "NZD"}
"""What an account may be held in."""

# Two letters exchanged are alike by 0.83, another currency against the dollar by 0.67.
_MISTYPED: Final = 0.8
_CODES: Final = frozenset(code for pair in PAIRS.values() for code in (pair.base, pair.quote))

ONLY_PAIRS: Final = (
    f"only currency pairs ({', '.join(_MAJORS)} and others), gold (XAUUSD) and silver (XAGUSD) are known"
)
"""What is said of an instrument that is something else, such as an index or a coin."""


def get_pair(name: str) -> Pair:
    """Return the instrument called ``name``.

    Names are matched to the letter, so that nothing but six capitals ever becomes part of a path.

    Raises
    ------
    UnknownPairError
        For any other name, with the nearest known ones.
    """
    if _NAME.fullmatch(name) and name in PAIRS:
        return PAIRS[name]
    letters = re.sub(r"[^A-Z]", "", name.upper())
    if name.strip() and not _is_nearly_a_pair(letters):
        raise UnknownPairError(f"unknown pair {shown(name, 40)}: {ONLY_PAIRS}")
    hint = nearest(letters, PAIRS, f"{', '.join(_MAJORS)} and others")
    raise UnknownPairError(f"unknown pair {shown(name, 40)}: {hint}")


def _is_nearly_a_pair(letters: str) -> bool:
    """Tell a pair that is not known, or mistyped, from an index or a coin, for which no pair is a suggestion."""
    if letters[:3] in _CODES or letters[3:6] in _CODES - {"USD"}:
        return True
    return bool(difflib.get_close_matches(letters, PAIRS, 1, _MISTYPED))
