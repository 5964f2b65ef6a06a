"""Several workers on one pair, where there are fewer pairs left than workers."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from necrozma_core.backtest.parts import split
from necrozma_core.workers.job import run_join, run_part
from necrozma_core.workers.slot import Slot

if TYPE_CHECKING:
    from necrozma_core.backtest.request import PairRequest, Receipt


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the pairs of a run may be shared.

    Attributes
    ----------
    pairs : int
        Number of pairs to be computed.
    strategies : int or None
        Number of strategies of each pair; None if only a worker can count them, and then no pair is shared.
    scratch : Path
        A folder of the run for intermediate results.
    enlist : callable
        Asks the throttle for one more worker, and tells whether that one may work.
    dismiss : callable
        Tells the throttle that this worker is done.
    """

    pairs: int
    strategies: int | None
    scratch: Path
    enlist: Callable[[], bool] = lambda: True
    dismiss: Callable[[], object] = lambda: None

    def helpers_for(self, workers: int, pairs_left: int) -> int:
        """Return how many workers may help the worker of a pair, while ``pairs_left`` pairs are not done."""
        fair = -(-workers // max(1, pairs_left))
        return max(1, len(split(self.strategies, fair, self.scratch))) - 1

    def backtest(self, slots: Sequence[Slot], timeout_s: float | None, request: "PairRequest") -> "Receipt":
        """Backtest a pair in several workers; raises the first error of theirs, once all have ended."""
        with TemporaryDirectory(dir=self.scratch) as folder, ThreadPoolExecutor(len(slots)) as threads:
            parts = split(self.strategies, len(slots), Path(folder))
            calls = [
                threads.submit(slot.call, run_part, timeout_s, request, part)
                for slot, part in zip(slots, parts, strict=True)
            ]
            found = [call.result() for call in calls]
            slowest = {stage: max(seconds[stage] for seconds in found) for stage in found[0]}
            return slots[0].call(run_join, timeout_s, request, parts, slowest)
