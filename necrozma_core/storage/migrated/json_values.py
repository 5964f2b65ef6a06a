"""JSON's values without loss: what a double or 64 bits do not hold keeps its digits, and no key is overwritten."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

_LONGEST_PLAIN_INTEGER: Final = 18
"""Characters of an integer that fits into 64 bits whatever its digits."""

_LONGEST_PLAIN_FRACTION: Final = 16
"""Characters of a number without an exponent that has fifteen digits at most, as its point takes one."""


class DuplicateKeyError(ValueError):
    """An object that names a key twice: one of the two values would be lost."""


@dataclass(frozen=True, slots=True)
class WideNumber:
    """A number that neither 64 bits nor a double hold, by its digits as they stood."""

    text: str


class _WideNumberFoundError(Exception):
    """The fast writer met a number that only `_write` can write."""


def exact_decoder() -> json.JSONDecoder:
    """Return a decoder that loses nothing, and takes the NaN and Infinity that Python writes.

    Its `raw_decode` raises DuplicateKeyError, json.JSONDecodeError, and RecursionError for a value too deep.
    """
    return json.JSONDecoder(object_pairs_hook=_object, parse_float=_fraction, parse_int=_integer)


def json_text(value: Any) -> str:
    """Write a value as compact JSON in ASCII, keys in their order, floats by the fewest digits that give them back.

    NaN and infinities stand as Python writes them. RecursionError for a value too deep.
    """
    try:
        return json.dumps(value, separators=(",", ":"), default=_refuse_wide)
    except _WideNumberFoundError:
        return _write(value)


def is_same(found: Any, wanted: Any) -> bool:
    """Tell whether two values are the same to the bit: minus zero is not zero, NaN is NaN, true is not 1.

    The order of an object's keys says nothing in JSON.
    """
    if type(found) is not type(wanted):
        return False
    if isinstance(found, float):
        return (found == wanted and math.copysign(1, found) == math.copysign(1, wanted)) or (
            math.isnan(found) and math.isnan(wanted)
        )
    if isinstance(found, dict):
        return found.keys() == wanted.keys() and all(is_same(value, wanted[key]) for key, value in found.items())
    if isinstance(found, list):
        # Texts are compared in compiled code. Equal ones say that the values are; others may differ in order of keys.
        if json_text(found) == json_text(wanted):
            return True
        return len(found) == len(wanted) and all(map(is_same, found, wanted))
    return bool(found == wanted)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DuplicateKeyError(f"the key {json.dumps(key)[:80]} stands twice in one object")
    return members


def _integer(text: str) -> int | float | WideNumber:
    if text == "-0":
        return -0.0
    if len(text) <= _LONGEST_PLAIN_INTEGER:
        return int(text)
    # Python refuses to convert thousands of digits, and would take quadratic time for less.
    if len(text) <= 20 and -(2**63) <= int(text) < 2**63:
        return int(text)
    return WideNumber(text)


def _fraction(text: str) -> float | WideNumber:
    value = float(text)
    # A double keeps fifteen digits, whichever they are, and most numbers have fewer.
    if (len(text) <= _LONGEST_PLAIN_FRACTION and "e" not in text and "E" not in text) or repr(value) == text:
        return value
    if not math.isfinite(value):
        return WideNumber(text)
    try:
        # A double is written by its fewest digits, as Python does, or by seventeen, as C does.
        written = (Decimal(repr(value)), Decimal(f"{value:.17g}"))
        return value if Decimal(text) in written else WideNumber(text)
    except ArithmeticError:
        return WideNumber(text)


def _refuse_wide(value: object) -> Any:
    raise _WideNumberFoundError


def _write(value: Any) -> str:
    if isinstance(value, WideNumber):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_write(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_each(value)) + "]"
    return json.dumps(value)


def _each(values: list[Any]) -> Iterable[str]:
    return map(_write, values)
