"""Which format of bars a text has, told by its content; most texts are none."""

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Final

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.bars import dukascopy, fxcm, histdata, metatrader, named
from necrozma_core.feeds.formats.bars.layout import PARTS, BarLayout
from necrozma_core.feeds.formats.layout import Head
from necrozma_core.feeds.reading.times import TimeStyle

FORMATS: Final[Mapping[str, ModuleType]] = {
    "histdata": histdata,
    "dukascopy": dukascopy,
    "metatrader": metatrader,
    "fxcm": fxcm,
    "columns": named,
}
"""The layouts of text by what ``--format`` calls them; the general one is asked last."""


def maps_bars(columns: Mapping[str, str] | None) -> bool:
    """Tell whether a map of columns is one of bars."""
    return columns is not None and bool({*PARTS, *named.BOTH_SIDES} & set(columns))


def recognise_bars(
    head: Head, format_name: str, columns: Mapping[str, str] | None, style: TimeStyle | None
) -> BarLayout | None:
    """Tell the layout of a text of bars.

    Parameters
    ----------
    head : Head
    format_name : str
        ``auto`` or what ``--format`` was given.
    columns : mapping of str to str or None
        Which columns to take, from the user.
    style : TimeStyle or None
        How whole numbers are times, from the user.

    Returns
    -------
    BarLayout or None
        None where it is no bars, or none of that format.

    Raises
    ------
    DataError
        It is bars, and two formats could be it, or its columns are not clear.
    UsageError
        The columns that were given are not there.
    """
    if columns is not None:
        found = [named.mapped(head, columns)] if maps_bars(columns) else []
    else:
        asked = [module for name, module in FORMATS.items() if format_name in {"auto", name} and module is not named]
        found = [layout for module in asked if (layout := module.recognise(head)) is not None]
        if not found and format_name in {"auto", named.FORMAT}:
            found = [layout for layout in [named.recognise(head)] if layout is not None]
    if len(found) > 1:
        raise DataError(
            f"{head.source}: could be {' or '.join(layout.format for layout in found)}; say which with --format"
        )
    if not found:
        return None
    return replace(found[0], style=style, clock="") if style else found[0]
