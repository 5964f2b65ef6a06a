"""Text as rich prints it here: nothing in it means anything to rich or to the terminal."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.text import Text

from flows.terminal.streams import unfiltered
from necrozma_core.printing import printable

MIN_NAME: Final = 8
"""Columns that a name has in any table."""

_CUT: Final = "…"


class PlainTextConsole(Console):
    """A console that takes every text for what it is: no markup, no names of emojis, no control characters.

    Parameters
    ----------
    width : int or None
        Columns; None for those of the terminal.
    """

    def __init__(self, width: int | None = None) -> None:
        file = unfiltered(sys.stdout)
        super().__init__(file=file, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, *positional: Any, **named: Any) -> Text:
        """Make a text of what is printable in it."""
        return super().render_str(printable(text), *positional, **named)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render, with what came through by another way made printable too."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


class Name:
    """A name in a cell, cut in the middle where its column is narrower: its end tells it from its neighbours."""

    def __init__(self, name: str) -> None:
        self.name = printable(name)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Draw it in the width there is."""
        yield Text(cut_middle(self.name, options.max_width), no_wrap=True, overflow="crop")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Ask for the whole name's width, and do with a few columns."""
        width = cell_len(self.name)
        return Measurement(min(width, MIN_NAME), width)


def cut_middle(text: str, width: int) -> str:
    """Return a text in at most so many columns, with a sign where its middle was cut out.

    Signs of two columns, as Chinese has, are never halved.
    """
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return _CUT[:width]
    head = set_cell_size(text, width // 2).rstrip()
    tail = set_cell_size(text[::-1], width - 1 - cell_len(head)).rstrip()[::-1]
    return f"{head}{_CUT}{tail}"
