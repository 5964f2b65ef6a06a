"""Attributes of a user's strategy whose names are a slip of the keyboard away from one that the engine reads.

Such an attribute would be ignored without a word, and the strategy be backtested without the stop that it means.
"""

import inspect
from typing import Final

from necrozma_core.errors import UsageError, shown
from necrozma_core.strategies.order_settings import ORDER_SETTINGS
from necrozma_core.strategies.rule import LEVELS, ORDERS

_KNOWN: Final = (*LEVELS, *ORDERS, *ORDER_SETTINGS)
_SHORTEST: Final = 8
"""Shorter names are too near to names of other things: ``side``, ``target``."""


def refuse_misspelt(candidate: object, where: str) -> None:
    """Refuse an object with an attribute, not a method, whose name is one slip from a known one.

    Raises
    ------
    UsageError
        With the name that was meant.
    """
    try:
        names = [name for name, _ in inspect.getmembers_static(candidate, lambda value: not callable(value))]
    except BaseException:  # noqa: BLE001 -- a user's object may have a __dir__ that raises
        return
    for name in names:
        if meant := _meant(name):
            raise UsageError(f"{where}: {shown(name)} is no attribute that is read: did you mean {meant}?")


def _meant(name: str) -> str | None:
    if name.startswith("_") or name in _KNOWN:
        return None
    return next((known for known in _KNOWN if len(known) >= _SHORTEST and _is_one_slip(name, known)), None)


def _is_one_slip(name: str, known: str) -> bool:
    """Tell whether one letter was left out, added or replaced, or two neighbours were exchanged."""
    start = 0
    while start < min(len(name), len(known)) and name[start] == known[start]:
        start += 1
    a, b = name[start:], known[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and len(b) > 1 and a[2:] == b[2:])
