"""Tells a person's Ctrl-C from an interrupt that a user's file raises by itself."""

import signal
import threading
from types import FrameType
from typing import Any

from necrozma_core.system.chosen import SYSTEM


class SignalListener:
    """Notes, inside its ``with`` block, whether one of the signals came that end a run; their handlers run as before.

    Attributes
    ----------
    heard : bool
        Never true outside the main thread, where Python runs no handlers.
    """

    def __init__(self) -> None:
        self.heard = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "SignalListener":
        if threading.current_thread() is threading.main_thread():
            for number in SYSTEM.ending_signals:
                # Only a handler in Python raises anything.
                if callable(signal.getsignal(number)):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.heard = True
        self._before[number](number, frame)
