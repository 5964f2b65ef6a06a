"""How far a run is, in Prefect's UI."""

import threading
import time
from typing import Any, Final
from uuid import UUID

from prefect.artifacts import (
    create_progress_artifact,
    update_progress_artifact,
)

from tasks.best_effort import best_effort

_PROGRESS_EVERY_S: Final = 1.0


class Progress:
    """How far a run is, in Prefect's UI; made inside the flow, and called after every pair.

    Parameters
    ----------
    total : int
        Pairs of the run.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = 0
        self._shown_at = -_PROGRESS_EVERY_S
        self._lock = threading.Lock()
        self._artifact: UUID | None = None
        self._begin()

    @best_effort
    def _begin(self) -> None:
        description = f"pairs done, of {self._total}"
        made: Any = create_progress_artifact(0.0, key="progress", description=description)
        self._artifact = made

    @best_effort
    def show(self, finished: int) -> None:
        """Show how many pairs are stored or failed; not more often than each second, but the last one always."""
        # Called from many threads, so a smaller number may arrive after a larger one.
        with self._lock:
            now = time.monotonic()
            is_soon = finished < self._total and now - self._shown_at < _PROGRESS_EVERY_S
            if self._artifact is None or finished <= self._shown or is_soon:
                return
            self._shown, self._shown_at = finished, now
            update_progress_artifact(self._artifact, 100.0 * finished / self._total)
