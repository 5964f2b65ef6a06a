"""The whole command under kills and signals: Prefect, its server and the engine included."""

import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storage_samples import CHILD, CHILD_ENVIRONMENT, KEEP_BYTECODE, tree

from flows.server.embedded import start_embedded
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RANKING_FILE
from necrozma_core.storage.runs.listing import list_runs, run_folders
from necrozma_core.storage.runs.manifest import PairState, RunStatus
from necrozma_core.storage.runs.verify import verify_results

from .moments import Program, Running, Undisturbed, holds

PAIRS = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF")
_ROOT = CHILD.parents[2]
_WAIT_S = 120.0

# Waits while a file is there, so that whoever interrupts it decides how long it takes.
_PATIENT = """
import time
from pathlib import Path
import numpy as np

class Patient:
    name, params, stop_loss_pips, take_profit_pips = "patient", {{}}, 20.0, 40.0

    def signals(self, bars):
        while Path({flag!r}).exists():
            Path({flag!r}).with_name("begun").touch()
            time.sleep(0.01)
        signals = np.zeros(len(bars), dtype=np.int8)
        signals[::50], signals[25::50] = 1, -1
        return signals

def strategies():
    return [Patient()]
"""


def command_program(folder: Path, *flags: str) -> Program:
    """`necrozma backtest` of a few small pairs with a server of its own; all that it writes stays in a folder."""
    write_samples(folder / "ticks", PAIRS, 4_000, 1)
    home = folder / "history"
    if not home.exists():
        # A new history costs every first run some seconds.
        server = start_embedded(home)
        server.wait_ready()
        server.stop()
    bare = {name: value for name, value in CHILD_ENVIRONMENT.items() if not name.startswith(("PREFECT_", "NECROZMA_"))}
    environment = bare | KEEP_BYTECODE | {
        # Kept between tests: kernels are named by their content, and take half a minute to compile.
        "XDG_CACHE_HOME": str(_ROOT / ".pytest_cache" / "faults"),
        "NECROZMA_ADAPTIVE_THROTTLING": "false",
        "NECROZMA_PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(folder / "no-profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }  # fmt: skip
    words = (
        sys.executable, str(_ROOT / "run_sequential_backtest.py"), "--data", str(folder / "ticks"), "--timeframe", "1h",
        "--workers", "2", "--cooldown", "0", "--cpu-limit", "100", "--plain", *flags, "--results",
    )  # fmt: skip
    return Program(words, environment)


def patient_program(folder: Path, *flags: str) -> Program:
    """The same with one strategy that waits while there is a file ``wait`` in the folder."""
    file = folder / "patient.py"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(_PATIENT.format(flag=str(folder / "wait")))
    return command_program(folder, "--strategies", str(file), *flags)


@dataclass(frozen=True)
class Point:
    """A point of a run at which somebody presses Ctrl-C.

    Attributes
    ----------
    name : str
    has_come : callable
        Tells of a running program, its results and its own folder whether it is there.
    flags : tuple of str
    waits : bool
        The strategy does.
    leaves : set of RunStatus
        How the run may be left by one Ctrl-C; empty where there may be no run.
    goes_on : bool
        The command says how.
    """

    name: str
    has_come: Callable[[Running, Path, Path], bool]
    leaves: frozenset[RunStatus]
    goes_on: bool = False
    flags: tuple[str, ...] = ()
    waits: bool = False


_CANCELLED = frozenset({RunStatus.CANCELLED})

POINTS = (
    Point("the server starts", lambda running, results, folder: len(running.family()) > 1, frozenset()),
    Point("the run is made", lambda running, results, folder: bool(run_folders(results)), _CANCELLED),
    Point(
        "a strategy works",
        lambda running, results, folder: (folder / "begun").exists(),
        _CANCELLED,
        goes_on=True,
        waits=True,
    ),
    Point(
        "it rests between pairs",
        lambda running, results, folder: any(run.pairs_in(PairState.COMPUTED) for run in list_runs(results)),
        _CANCELLED,
        goes_on=True,
        flags=("--workers", "1", "--cooldown", "600"),
    ),
    Point(
        "it closes",
        lambda running, results, folder: bool(list(results.glob(f"runs/*/{RANKING_FILE}"))),
        _CANCELLED | {RunStatus.COMPLETED},
    ),
)


def interrupt(
    folder: Path, point: Point, times: int, results: Path, undisturbed: Undisturbed | None = None
) -> list[str]:
    """Press Ctrl-C at a point, once or twice, then run to the end if it is known what that must lead to.

    Returns a line on everything that must not be.
    """
    (folder / "begun").unlink(missing_ok=True)
    if point.waits:
        (folder / "wait").touch()
    try:
        with patient_program(folder, *point.flags).running(results) as running:
            flaws = _press(running, point, times, folder, results)
    finally:
        (folder / "wait").unlink(missing_ok=True)
    flaws += [damage.reason for damage in verify_results(results)] if results.exists() else []
    if undisturbed is not None:
        flaws += _complete(folder, results, undisturbed)
    words = (results.parent / "output").read_text(errors="replace")[-2_000:]
    return [f"{point.name}, {times}: {flaw}\n{words}" for flaw in flaws]


def _complete(folder: Path, results: Path, undisturbed: Undisturbed) -> list[str]:
    with patient_program(folder).running(results) as again:
        if code := again.process.wait(_WAIT_S):
            return [f"the next run ended with {code}"]
    differs = tree(ResultsFolder(results).store.root) != undisturbed.store
    return ["the store differs from that of an undisturbed run"] if differs else []


def _press(running: Running, point: Point, times: int, folder: Path, results: Path) -> list[str]:
    process, output = running.process, results.parent / "output"
    if not holds(lambda: point.has_come(running, results, folder), _WAIT_S):
        return ["the point was never reached"]
    process.send_signal(signal.SIGINT)
    if times == 2:
        holds(lambda: "stopping;" in output.read_text() or process.poll() is not None, _WAIT_S)
        process.send_signal(signal.SIGINT)
    code, flaws = process.wait(_WAIT_S), []
    # A run that is over before it hears of the signal ends as it would have.
    if code != 130 and not (code == 0 and RunStatus.COMPLETED in point.leaves):
        flaws.append(f"it ended with {code}")
    flaws += [f"{orphan} outlived its parent" for orphan in running.orphans()]
    states = {run.status for run in list_runs(results)}
    if times == 1 and point.leaves and not states <= point.leaves:
        flaws.append(f"its run was left as {states}")
    if times == 1 and point.goes_on and not re.search(r"go on with: .*necrozma backtest", output.read_text()):
        flaws.append("it did not say how to go on")
    return flaws
