"""Objects of Python's that a library's own thread holds, and the wait until it has given them back.

Arrow's CSV reader reads ahead in a thread, and that thread may be the last to let go of the reader: of the stream and
the function that were handed to it, too, for which it needs the interpreter. If the interpreter is ending by then, the
process aborts, after an error that was told well. So a reading ends only when nothing of it is held any more.
"""

import threading
import weakref
from typing import Final, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

# The thread needs microseconds once it is scheduled; after a read from a disk that hangs a refusal waits no longer.
_GIVEN_BACK_S: Final = 2.0


class Loans:
    """What was lent, each thing with the moment at which nobody holds it any more."""

    def __init__(self) -> None:
        self._given_back: list[threading.Event] = []

    def lend(self, thing: T) -> T:
        """Return a thing that is handed on at once, and of which nothing else is kept."""
        given_back = threading.Event()
        weakref.finalize(thing, given_back.set).atexit = False
        self._given_back.append(given_back)
        return thing

    def wait(self) -> None:
        """Wait until everything was given back, for a moment at most."""
        for given_back in self._given_back:
            given_back.wait(_GIVEN_BACK_S)


def without_frames(error: E) -> E:
    """Return an error whose tracebacks are gone: their frames hold what was lent, as long as the error lives."""
    seen: BaseException | None = error
    while seen is not None:
        seen.__traceback__ = None
        seen = seen.__cause__ or seen.__context__
    return error
