"""What the gate costs a worker, and how soon it takes effect: ``python -m benchmarks.governor.gate [--write]``.

A pair is backtested in this process as a worker does it, and its passes of the gate are counted. The cost of a pass is
measured separately, a million at a time, because the difference between two runs of a pair is mostly noise.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.measuring.market import prepare_ticks
from benchmarks.measuring.measure import Timing, describe_machine, markdown_table, time_runs
from benchmarks.measuring.pages import DOCS, put_between_marks
from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.market_loading import load_market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate, evaluate_pair
from necrozma_core.strategies.source import StrategySource
from necrozma_core.throttle.gate import Gate
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.worker_gate import WorkerGate
from necrozma_core.workers.job import WorkerSetup, WorkerSlot
from necrozma_core.workers.progress import ProgressBoard, SlotState

_PAGE: Final = DOCS / "throttling.md"
_PAIR: Final = "EURUSD"
_TICKS: Final = 1_000_000
_MINUTE_MS: Final = 60_000
_PASSES: Final = 1_000_000
_TURNS: Final = 50
_LOOK_S: Final = 0.0005


def measure_gate() -> str:
    """Return the table: passes a pair, their cost, their share of the pair's time, and delays."""
    data = prepare_ticks([_PAIR], _TICKS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gate = Gate(folder / "gate", Limits(workers=2, cooldown_s=0))
        board = ProgressBoard.create(folder / "progress", 2)
        slot = WorkerSlot(WorkerSetup(0, board.path, gate.path))
        passes, pair = _count_passes(data, folder), time_runs(lambda: _backtest(data, folder, slot), 5)
        worker = WorkerGate.attach(gate.path, 1)
        open_s = _seconds_a_pass(worker.wait)
        with_row_s = _seconds_a_pass(lambda: slot("strategies", 7, 50, "sma_cross(10,30) sl20 tp40", _TICKS), 10)
        held, goes_on = _delays(data, gate, board)
    rows = [
        (f"the pair: {_TICKS:,} ticks, 50 strategies", pair, ""),
        ("passes of the gate in it", f"{passes}", ""),
        ("a pass of the open gate", f"{1e6 * open_s:.2f} µs", _share(passes * open_s, pair)),
        ("a pass that also shows how far the pair is", f"{1e6 * with_row_s:.1f} µs", _share(passes * with_row_s, pair)),
        ("from the word to a worker that is held", held, ""),
        ("from the word to a worker that goes on", goes_on, ""),
    ]
    head = f"Times are medians (least to most), of 5 runs and of {_TURNS} turns of a worker in the middle of the pair."
    return f"{head}\n\n{markdown_table(('what', 'measured', 'of the time of the pair'), rows)}"


def _share(seconds: float, pair: Timing) -> str:
    return f"{100 * seconds / pair.median:.4f} %"


def _request(data: Path, folder: Path) -> PairRequest:
    results = Path(tempfile.mkdtemp(dir=folder))
    return with_key(PairRequest(_PAIR, _MINUTE_MS, StrategySource(), data, results))


def _backtest(data: Path, folder: Path, slot: WorkerSlot) -> None:
    with slot.at_work(_PAIR):
        evaluate_pair(_request(data, folder), slot)


def _count_passes(data: Path, folder: Path) -> int:
    passes = 0

    def count(*_: object, **__: object) -> None:
        nonlocal passes
        passes += 1

    evaluate_pair(_request(data, folder), count)
    return passes


def _seconds_a_pass(do: Callable[[], object], fewer: int = 1) -> float:
    passes = range(_PASSES // fewer)

    def all_of_them() -> None:
        for _ in passes:
            do()

    return time_runs(all_of_them).median / len(passes)


def _delays(data: Path, gate: Gate, board: ProgressBoard) -> tuple[Timing, Timing]:
    """Hold a worker and let it go on, in turns; return the seconds until it does either."""
    held, goes_on = [], []
    with _worker(data, gate, board) as state:
        for turn in range(_TURNS):
            # Each turn a little later, so that it meets another piece of work.
            time.sleep(0.05 + turn * 0.003)
            held.append(_seconds_until(lambda: state() is SlotState.HELD, lambda: gate.set_allowance(0.0)))
            time.sleep(0.05)
            goes_on.append(_seconds_until(lambda: state() is SlotState.RUNNING, lambda: gate.set_allowance(2.0)))
    return Timing(tuple(held)), Timing(tuple(goes_on))


def _seconds_until(condition: Callable[[], bool], begin: Callable[[], object]) -> float:
    begun = time.perf_counter()
    begin()
    while not condition():
        time.sleep(_LOOK_S)
    return time.perf_counter() - begun


@contextmanager
def _worker(data: Path, gate: Gate, board: ProgressBoard) -> Iterator[Callable[[], SlotState]]:
    """Have a process evaluate the pair again and again; yields a look at its state."""
    setup = WorkerSetup(0, board.path, gate.path)
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(data, setup), daemon=True)
    process.start()
    try:
        while board.read(0).pid != process.pid or board.read(0).done < 1:
            time.sleep(_LOOK_S)
        yield lambda: board.read(0).state
    finally:
        process.kill()
        process.join()


def _work(data: Path, setup: WorkerSetup) -> None:
    request = PairRequest(_PAIR, _MINUTE_MS, StrategySource(), data, data)
    slot = WorkerSlot(setup)
    strategies = request.source.load()
    with slot.at_work(_PAIR):
        while True:
            for _ in evaluate(load_market(request, slot), strategies, request, slot):
                pass


def main() -> None:
    """Print the table, and put it into docs/throttling.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"also put the table into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    table = measure_gate()
    print(table)
    if arguments.write:
        note = f"On {describe_machine()}: `python -m benchmarks.governor.gate --write`"
        put_between_marks(_PAGE, "governor-gate", f"{table}\n\n{note}")


if __name__ == "__main__":
    main()
