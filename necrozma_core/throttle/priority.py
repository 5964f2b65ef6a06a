"""How a worker lets all other programs go first. For workers alone: the parent must stay responsive."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from necrozma_core.system.chosen import SYSTEM

NICENESS: Final = 10
"""What the command ``nice`` adds where no number is given."""


class Priority(StrEnum):
    """How politely a process asks for the processor."""

    NORMAL = "normal"
    NICE = "nice"
    BACKGROUND = "background"


def lower_priority(priority: Priority) -> str | None:
    """Lower the priority of this process, which cannot be taken back.

    Parameters
    ----------
    priority : Priority
        ``NICE`` adds 10 to the niceness. ``BACKGROUND`` runs only when nothing else wants the processor; Linux then
        serves its disk requests last as well. Where the platform has no such class it means ``NICE``.

    Returns
    -------
    str or None
        A line for the user if the priority was not lowered, else None.
    """
    if priority is Priority.NORMAL:
        return None
    if ignored := why_ignored(priority):
        return ignored
    if priority is Priority.BACKGROUND:
        return _try(lambda: SYSTEM.be_idle(NICENESS), "background priority")
    return _try(lambda: SYSTEM.be_nice(NICENESS), "a lower priority")


def why_ignored(priority: Priority) -> str | None:
    """Return a line for the user if the platform ignores a priority, else None.

    The parent asks this once, before any worker starts.
    """
    if priority is Priority.NORMAL or SYSTEM.has_priorities:
        return None
    return f"the --{priority} flag requires Unix-like systems (Linux, macOS); on Windows, this flag is ignored"


def _try(change: Callable[[], object], wish: str) -> str | None:
    try:
        change()
    except OSError as error:
        return f"{wish} was refused ({error.strerror}): the workers run at normal priority"
    return None
