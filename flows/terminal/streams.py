"""What a command prints, on its way out: printable, and without any power over the work that is being done.

A reader that went away, a full disk and a closed descriptor are remembered and end nothing: a backtest of hours is
worth more than what it says meanwhile. The command looks at its end, and says in its exit code what was lost.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOBase
from typing import Any, Final, TextIO

from necrozma_core.printing import printable

_STANDARD: Final = (0, 1, 2)


class _Exit:
    """Where a standard stream leads, and why nothing more goes there once that failed."""

    def __init__(self, behind: TextIO | None) -> None:
        self.behind = behind
        self.failure: OSError | None = None

    def call(self, method: str, *values: Any) -> None:
        """Call a method of the stream; what the system refuses is remembered, and nothing is tried again."""
        if self.failure is not None:
            return
        if self.behind is None:
            # Nothing is lost before something was said.
            self.failure = OSError(errno.EBADF, os.strerror(errno.EBADF)) if values else None
            return
        try:
            getattr(self.behind, method)(*values)
        except (OSError, ValueError) as error:  # a closed stream raises a ValueError
            self.failure = error if isinstance(error, OSError) else OSError(errno.EBADF, str(error))
            self._discard()

    def _discard(self) -> None:
        """Have what is still buffered go nowhere: Python writes it when it ends, and would fail once more."""
        with suppress(OSError, ValueError):
            number = self.behind.fileno() if self.behind is not None else -1
            if number in _STANDARD:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, number)
                os.close(null)


class StandardStream(TextIOBase):
    """Stands for stdout or stderr: writes what is printable, and raises nothing that the system answers.

    Parameters
    ----------
    behind : TextIO or None
        The stream it stands for; None where the command was started with that descriptor closed.
    """

    def __init__(self, behind: TextIO | None) -> None:
        self._exit = _Exit(behind)
        self._clean: Callable[[object], str] = printable

    @property
    def as_is(self) -> "StandardStream":
        """The same stream for texts that were made printable already and carry a terminal's codes, as rich's do."""
        other = type(self)(None)
        other._exit = self._exit
        other._clean = str
        return other

    @property
    def failure(self) -> OSError | None:
        """Why nothing more is written; None while all is well."""
        return self._exit.failure

    @property
    def has_lost_reader(self) -> bool:
        """Whether this led to another program, which ended or read no further."""
        return self.failure is not None and self.failure.errno == errno.EPIPE

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream behind."""
        return getattr(self._exit.behind, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What becomes of characters that the encoding lacks."""
        return getattr(self._exit.behind, "errors", None) or "replace"

    def writable(self) -> bool:
        """Tell that it is for writing."""
        return True

    def write(self, text: str) -> int:
        """Write a text."""
        if not isinstance(text, str):
            raise TypeError(f"expected a text, found {type(text).__name__}")
        self._exit.call("write", self._clean(text))
        return len(text)

    def flush(self) -> None:
        """Bring to the system what is buffered."""
        self._exit.call("flush")

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        behind = self._exit.behind
        return behind is not None and self.failure is None and behind.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream behind."""
        if self._exit.behind is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._exit.behind.fileno()


@contextmanager
def standard_streams() -> Iterator[tuple[StandardStream, StandardStream]]:
    """Put such streams in the place of stdout and stderr while the block lasts."""
    before = sys.stdout, sys.stderr
    stdout, stderr = StandardStream(before[0]), StandardStream(before[1])
    sys.stdout, sys.stderr = stdout, stderr
    try:
        yield stdout, stderr
    finally:
        stdout.flush()
        stderr.flush()
        sys.stdout, sys.stderr = before


def survive_any_start() -> None:
    """Make do with the descriptors that this process was given.

    A missing one is replaced by a descriptor that leads nowhere: else the next file that is opened would get its
    number, and whatever is printed would be written into it. The streams take any character, where their encoding is
    Latin-1 or of another time.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number, which is this one. Children need it too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def unfiltered(stream: Any) -> Any:
    """Return where rich may write its codes, of what stands for stdout or stderr."""
    return stream.as_is if isinstance(stream, StandardStream) else stream
