"""Ctrl-C and SIGTERM while a run goes on: the first ends it in order, the second at once."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Final

from necrozma_core.errors import ExitCode
from necrozma_core.system.chosen import SYSTEM

_SHOW_CURSOR: Final = b"\x1b[?25h"


class Interrupts:
    """Handles both signals inside its ``with`` block; only in the main thread.

    Parameters
    ----------
    stop : callable
        Takes the exit code and returns at once. Returns False if there is nothing to stop yet; the process then exits.
    """

    def __init__(self, stop: Callable[[ExitCode], bool]) -> None:
        self._stop = stop
        self._stopping = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        for number in SYSTEM.ending_signals:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        code = ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED
        if self._stopping:
            # Workers and server die with this process; what is committed stays whole.
            with suppress(OSError):
                if sys.stdout.isatty():
                    os.write(sys.stdout.fileno(), _SHOW_CURSOR)
            os._exit(code)
        self._stopping = True
        if not self._stop(code):
            raise SystemExit(int(code))
