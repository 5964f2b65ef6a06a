"""The original's universes, whose ``results`` are objects in objects: a record a level and direction."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from necrozma_core.storage.migrated.json_stream import Part

_MEMBER: Final = "results"
_LEVEL: Final = "level"
_DIRECTION: Final = "direction"


def spread_levels(parts: Iterable[Part]) -> Iterator[Part]:
    """Give the parts of a document, with such an object as a list of records, each with its level and direction.

    Nothing is lost by it: the two are the keys of the objects around the record, in the document's order, and an object
    that says more than that, or less, stays one value.
    """
    for part in parts:
        if part.element or part.begins_list or part.member != _MEMBER or not _has_levels(part.value):
            yield part
            continue
        yield Part(_MEMBER, begins_list=True, is_spread=True)
        for level, directions in part.value.items():
            for direction, record in directions.items():
                yield Part(_MEMBER, {_LEVEL: level, _DIRECTION: direction, **record}, element=True)


def _has_levels(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_has_directions, value.values()))


def _has_directions(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_record, value.values()))


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and not {_LEVEL, _DIRECTION} & value.keys()
