"""The whole job as a user runs it: the command, its server, its workers, from tick files to a ranking on disk."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.market import TEN_PAIRS, YEAR_TICKS, prepare_ticks
from benchmarks.measure import Timing, markdown_table

_COMMAND = str(Path(sys.executable).with_name("necrozma"))


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of the command: seconds from start to exit, and its manifest."""

    seconds: float
    manifest: dict[str, object]

    @property
    def pairs_seconds(self) -> float:
        """Seconds from the first pair's admission to the last pair's end: the job without start-up and closing."""
        return float(self.manifest["seconds"]["pairs"])  # type: ignore[index]


def run_job(data: Path, scratch: Path, flags: Sequence[str], home: Path) -> JobRun:
    """Run ``necrozma backtest`` into a new results folder.

    Raises
    ------
    SystemExit
        If it fails, with what it printed.
    """
    results = Path(tempfile.mkdtemp(dir=scratch))
    command = [_COMMAND, "backtest", "--data", str(data), "--results", str(results), "--cooldown", "0", *flags]
    environment = {**os.environ, "NECROZMA_PREFECT_HOME": str(home), "NECROZMA_CPU_LIMIT": "100"}
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    (manifest,) = results.glob("runs/*/manifest.json")
    return JobRun(seconds, json.loads(manifest.read_text()))


def measure_job(ticks: int = YEAR_TICKS, timeframe: str = "1min", runs: int = 3) -> str:
    """Return the table of the whole job: ten pairs, fifty strategies, one worker and two."""
    data = prepare_ticks(TEN_PAIRS, ticks)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        first = run_job(data, scratch, ["--timeframe", timeframe, "--workers", "2"], scratch / "first")
        rows.append(("2 workers, the first time ever", f"{first.seconds:.1f} s", f"{first.pairs_seconds:.2f} s"))
        for workers in (1, 2):
            flags = ["--timeframe", timeframe, "--workers", str(workers)]
            taken = [run_job(data, scratch, flags, scratch / "first") for _ in range(runs)]
            whole = Timing(tuple(run.seconds for run in taken))
            pairs = Timing(tuple(run.pairs_seconds for run in taken))
            rows.append((f"{workers} worker{'s' * (workers > 1)}, no server running", whole, pairs))
    head = f"{len(TEN_PAIRS)} pairs of {ticks:,} ticks, 50 strategies, {timeframe}; median (least to most) of {runs}."
    return f"{head}\n\n{markdown_table(('job', 'start to exit', 'pairs alone'), rows)}"


def measure_parallel(ticks: int = 1_000_000, runs: int = 3) -> str:
    """Return how much faster two workers are than one on four CPU-bound pairs, start-up excluded."""
    pairs = TEN_PAIRS[:4]
    data = prepare_ticks(pairs, ticks)
    grid = "family=sma_cross fast=5:50:5 slow=60:200:20 stop_loss_pips=10:40:10 take_profit_pips=20:80:20"
    flags = ["--pairs", ",".join(pairs), "--timeframe", "1min", "--grid", grid, "--keep-trades", "1"]
    taken: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for _ in range(runs):
            # In turn, so that a machine that slows down slows both.
            for workers, seconds in taken.items():
                run = run_job(data, scratch, [*flags, "--workers", str(workers)], scratch / "home")
                seconds.append(run.pairs_seconds)
    one, two = (Timing(tuple(taken[workers])) for workers in (1, 2))
    rows = [("1 worker", one, "1.00"), ("2 workers", two, f"{two.median / one.median:.2f}")]
    head = f"{len(pairs)} pairs of {ticks:,} ticks, 1,280 settings each; median (least to most) of {runs}."
    return f"{head}\n\n{markdown_table(('workers', 'pairs alone', 'of one worker'), rows)}"
