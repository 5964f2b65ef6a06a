"""How long each stage of a backtest takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageClock:
    """Seconds by stage, by the monotonic clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what the block takes, however it ends."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
