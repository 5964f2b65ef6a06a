"""Who may run when: a fractional allowance as windows of time that workers compute for themselves.

Time is cut into periods of a quarter of a second. With an allowance of A and m workers at work, each worker has a
window of A/m of every period. A window begins where the one before it ends, and wraps around the period's end
(McNaughton's wrap-around rule). So at every moment A workers run, rounded down or up, and all get the same share. No
message is needed: each worker computes its own window from the allowance, the clock that all processes share, and the
list of who is at work.
"""

from dataclasses import dataclass
from typing import Final

PERIOD_NS: Final = 250_000_000
"""A quarter of a second: half of the time between two looks of the governor, so that a look covers whole periods.
Longer makes fans follow the windows, shorter runs each worker with colder caches."""


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
        """Return when a worker may run that first has to wait for ``debt_ns`` of its window; ``now_ns`` if it may now.

        A piece of work cannot be cut short, so it may end after the window has closed. The worker pays the overrun as
        debt out of its next windows. So its share is right, however long its pieces of work are.
        """
        periods, into = divmod(self.open_until(now_ns) + debt_ns, self.open_ns)
        return max(now_ns, periods * PERIOD_NS + into + self.start_ns)


def find_window(allowance: float, workers: int, place: int) -> Window:
    """Return the window of one of ``workers`` workers at work.

    Parameters
    ----------
    allowance : float
        Above 0; shared by all alike.
    workers : int
        At least 1.
    place : int
        The worker's number among those at work, from 0.
    """
    open_ns = max(1, min(PERIOD_NS, int(PERIOD_NS * allowance / workers)))
    return Window(place * open_ns % PERIOD_NS, open_ns)
