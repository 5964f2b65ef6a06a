"""What a parameter may be: its type, its range, and how it is written in a text."""

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final, Protocol

from necrozma_core.engine.instructions import OnOpposite, Sides
from necrozma_core.errors import UsageError, nearest, shown

MAX_PERIOD: Final = 10_000
"""The longest period, in bars; the bounds of the whole-number kernels rest on it."""
MAX_PIPS: Final = 1_000_000
NONE: Final = "none"
"""How a text says that there is no such thing."""


class Bounds(Protocol):
    """What one setting accepts."""

    def check(self, where: str, value: object) -> Any:
        """Return the value in its own type, or raise :class:`UsageError` naming ``where``."""
        ...

    def read(self, where: str, text: str) -> Any:
        """Return the value that a text stands for, or raise :class:`UsageError` naming ``where``."""
        ...


def write_value(value: object) -> str:
    """Write a value as names and messages show it: whole floats without ``.0``, None as ``none``."""
    if value is None:
        return NONE
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``low`` to ``high``; with ``or_none`` None as well, written ``none``."""

    low: int
    high: int
    or_none: bool = False

    def check(self, where: str, value: object) -> int | None:
        """Return ``value``, which must be an int in range (a bool is none)."""
        if type(value) is int and self.low <= value <= self.high:
            return value
        if value is None and self.or_none:
            return None
        expected = f"a whole number from {self.low} to {self.high}{', or none' * self.or_none}"
        raise UsageError(f"{where}: expected {expected}, found {shown(value, 40)}")

    def read(self, where: str, text: str) -> int | None:
        """Read a whole number."""
        if self.or_none and text.lower() == NONE:
            return None
        try:
            return self.check(where, int(text))
        except ValueError:
            return self.check(where, text)


@dataclass(frozen=True, slots=True)
class Real:
    """A finite number from ``low`` to ``high``; above ``low`` where ``low`` itself is excluded.

    With ``or_none`` None as well, written ``none``.
    """

    low: float
    high: float
    above: bool = False
    or_none: bool = False

    def check(self, where: str, value: object) -> float | None:
        """Return ``value`` as a float; NaN and infinity are out of range."""
        if value is None and self.or_none:
            return None
        if type(value) in (int, float):
            number = float(value)  # type: ignore[arg-type]
            if self.low <= number <= self.high and not (self.above and number == self.low):
                return number + 0.0  # -0.0 and 0.0 are one setting
        expected = f"a number {'above' if self.above else 'from'} {self.low:g} {'up ' * self.above}to {self.high:g}"
        raise UsageError(f"{where}: expected {expected}{', or none' * self.or_none}, found {shown(value, 40)}")

    def read(self, where: str, text: str) -> float | None:
        """Read a number."""
        if self.or_none and text.lower() == NONE:
            return None
        try:
            return self.check(where, float(text))
        except ValueError:
            return self.check(where, text)


@dataclass(frozen=True, slots=True)
class Pips:
    """A distance in pips, or None for no such level, written ``none``."""

    def check(self, where: str, value: object) -> float | None:
        """Return ``value`` as a float, or None."""
        if value is None:
            return None
        if type(value) in (int, float):
            number = float(value)  # type: ignore[arg-type]
            if 0.0 < number <= MAX_PIPS and math.isfinite(number):
                return number
        raise UsageError(f"{where}: expected a number of pips above zero, or none, found {shown(value, 40)}")

    def read(self, where: str, text: str) -> float | None:
        """Read a number of pips, or ``none``."""
        if text.lower() == NONE:
            return None
        try:
            return self.check(where, float(text))
        except ValueError:
            return self.check(where, text)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some names; with ``or_none`` None as well, written ``none``."""

    names: tuple[str, ...]
    or_none: bool = False

    def check(self, where: str, value: object) -> str | None:
        """Return ``value``, which must be one of the names."""
        if isinstance(value, str) and value in self.names:
            return str(value)
        if value is None and self.or_none:
            return None
        known = (*self.names, *[NONE] * self.or_none)
        raise UsageError(f"{where}: unknown value {shown(value, 40)}: {nearest(str(value), known)}")

    def read(self, where: str, text: str) -> str | None:
        """Read a name."""
        return None if self.or_none and text.lower() == NONE else self.check(where, text)


def within(bounds: Bounds) -> MappingProxyType[str, Bounds]:
    """Return the ``metadata`` that gives a dataclass field its bounds."""
    return MappingProxyType({"bounds": bounds})


PERIOD: Final = within(Whole(2, MAX_PERIOD))
SHORT_PERIOD: Final = within(Whole(1, MAX_PERIOD))
PIPS: Final = within(Pips())
SIDES: Final = within(OneOf(tuple(Sides)))
ON_OPPOSITE: Final = within(OneOf(tuple(OnOpposite)))


def read_values(where: str, bounds: Bounds, raw: object, most: int) -> tuple[Any, ...]:
    """Read one setting that may have many values.

    Parameters
    ----------
    where : str
        What a message names.
    bounds : Bounds
    raw : object
        A value; a text of values and ranges, ``5,10,20:100:20`` (both ends included, step 1 where none is
        given); or a list of these.
    most : int
        How many values are too many.

    Returns
    -------
    tuple
        In the order written.

    Raises
    ------
    UsageError
        If a value is out of range, a range is empty or its steps miss its end, or there is no value at all.
    """
    values: list[Any] = []
    for part in raw if isinstance(raw, list) else [raw]:
        if isinstance(part, dict | list):
            kind = "a table" if isinstance(part, dict) else "a list in a list"
            raise UsageError(f"{where}: expected values, or texts such as '5:50:5', found {kind}")
        if not isinstance(part, str):
            values.append(bounds.check(where, part))
            continue
        for text in map(str.strip, part.split(",")):
            if ":" in text and isinstance(bounds, Whole | Real | Pips):
                values.extend(bounds.read(where, number) for number in _numbers(where, text, most))
            else:
                values.append(bounds.read(where, text))
    if not values:
        raise UsageError(f"{where}: expected at least one value, found an empty list")
    return tuple(values)


def _numbers(where: str, text: str, most: int) -> list[str]:
    # Decimal, so that 0.1:0.5:0.1 ends with 0.5 and holds 0.3, not 0.30000000000000004.
    wrong = UsageError(
        f"{where}: expected a range such as 5:50:5, from the first to the last number, found {shown(text, 40)}"
    )
    try:
        first, last, *rest = (Decimal(part) for part in text.split(":"))
    except (InvalidOperation, ValueError):
        raise wrong from None
    step = rest[0] if rest else Decimal(1)
    if len(rest) > 1 or not all(number.is_finite() for number in (first, last, step)) or step <= 0 or last < first:
        raise wrong
    if last - first >= step * most:
        raise UsageError(f"{where}: the range {text} holds more than {most:,} values")
    numbers = [f"{(first + step * i).normalize():f}" for i in range(int((last - first) / step) + 1)]
    if (last - first) % step:
        # Both ends are said to be included: neither is left out, or another put in its place, without a word.
        end, beyond = numbers[-1], f"{(first + step * len(numbers)).normalize():f}"
        instead = f"{first}:{end}:{step}" if len(numbers) > 1 else end
        raise UsageError(
            f"{where}: the range {text} misses its end: after {end} comes {beyond}; write {instead}, or another step"
        )
    return numbers
