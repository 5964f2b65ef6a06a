"""Who may run when: a fractional allowance as windows of time that workers compute for themselves.

Time is cut into periods of a quarter of a second. With an allowance of A and m workers at it, each gets a window of A/m
of every period, one beginning where the one before it ends and going round the period's end (McNaughton's wrap-around
rule). So at every moment the whole number below A or above A is running, all get the same, and nobody is told anything:
each worker finds its own window from the allowance, the clock that all processes share, and who else is at it.
"""

from dataclasses import dataclass
from typing import Final

PERIOD_NS: Final = 250_000_000
"""Short enough for fans and for the governor's looks, which take in whole periods; long enough for warm caches."""


@dataclass(frozen=True, slots=True)
class Window:
    """A worker's part of every period, in nanoseconds.

    Attributes
    ----------
    start_ns : int
        Where it begins, 0 to a period; it may go round the end.
    open_ns : int
        How long it is, 1 to a period.
    """

    start_ns: int
    open_ns: int

    def open_until(self, now_ns: int) -> int:
        """Return for how long the window has been open since the clock's zero."""
        periods, into = divmod(now_ns - self.start_ns, PERIOD_NS)
        return periods * self.open_ns + min(into, self.open_ns)

    def resume_at(self, now_ns: int, debt_ns: int = 0) -> int:
        """Return when a worker may run that has to sit out ``debt_ns`` of its window first; ``now_ns`` if it may now.

        Work between two looks at the gate cannot be cut short, so it runs beyond the window. What it ran too long is
        sat out, and so its share is right however long its pieces of work are.
        """
        periods, into = divmod(self.open_until(now_ns) + debt_ns, self.open_ns)
        return max(now_ns, periods * PERIOD_NS + into + self.start_ns)


def find_window(allowance: float, workers: int, position: int) -> Window:
    """Return the window of one of ``workers`` workers at work.

    Parameters
    ----------
    allowance : float
        Above 0; shared by all alike.
    workers : int
        At least 1.
    position : int
        The worker's position among them, from 0.
    """
    open_ns = max(1, min(PERIOD_NS, int(PERIOD_NS * allowance / workers)))
    return Window(position * open_ns % PERIOD_NS, open_ns)
