"""A whole sweep without Prefect: real ticks, real worker processes, a real store."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from storage_samples import tree

from necrozma_core.errors import (
    AllStrategiesFailedError,
    ConversionError,
    DataError,
    ExitCode,
    LockedError,
    PairsFailedError,
    StorageError,
    UsageError,
)
from necrozma_core.feeds.kept_reports import report_stored
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.money.costs import Account
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.runs.manifest import PairState, RunStatus, read_manifest
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.source import StrategySource
from necrozma_core.sweep.request import SweepRequest
from necrozma_core.sweep.running import Silent, run_sweep
from necrozma_core.throttle.limits import Limits
from necrozma_core.workers.limits import WorkerLimits

PAIRS = ["EURUSD", "GBPUSD", "USDJPY"]
ODD = """
import os, signal, time
from pathlib import Path
import numpy as np

class Odd:
    name, params, stop_loss_pips, take_profit_pips = "odd", {{}}, 20.0, 40.0

    def signals(self, bars):
        if bars.mid_close[0] > 10:  # USDJPY
            tries = len(list(Path({folder!r}).iterdir()))
            Path({folder!r}, str(tries)).touch()
            {deed}
        signals = np.zeros(len(bars), dtype=np.int8)
        signals[::40], signals[20::40] = 1, -1
        return signals

def strategies():
    return [Odd()]
"""


SOME_FAIL = """
import numpy as np

class Some:
    params, stop_loss_pips, take_profit_pips = {{}}, 20.0, 40.0

    def __init__(self, number):
        self.number, self.name = number, f"number {{number}}"

    def signals(self, bars):
        if self.number < {failing}:
            raise ValueError("no such column")
        signals = np.zeros(len(bars), dtype=np.int8)
        signals[::40], signals[20::40] = 1, -1
        return signals

def strategies():
    return [Some(number) for number in range({all})]
"""


class Watcher(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.run: Any = None
        self.done: list[str] = []
        self.failed: list[str] = []
        self.said: list[str] = []

    def on_start(self, run: Any) -> None:
        self.run = run

    def on_message(self, text: str) -> None:
        self.said.append(text)

    def on_pair_done(self, receipt: Any) -> None:
        self.done.append(receipt.pair)

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        self.failed.append(pair)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ticks") / "data"
    write_samples(folder, PAIRS, 4_000, 1)
    return folder


@pytest.fixture
def sweep(data: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., SweepRequest]:
    """Make a request for a quick sweep; the machine's load must not hold it back."""
    cache = request.config.cache
    assert cache is not None

    def make(**others: Any) -> SweepRequest:
        quick = Limits(workers=2, adaptive=False, cooldown_s=0.0)
        common = {"data": data, "results": tmp_path / "results", "timeframe": "1h", "limits": quick}
        return SweepRequest(**{**common, "kernels": Path(cache.mkdir("necrozma")) / "necrozma", **others})

    return make


@pytest.fixture
def odd(tmp_path: Path) -> Callable[[str], tuple[StrategySource, Path]]:
    """A strategy that is itself except on USDJPY, where each try leaves a file and then does the deed."""

    def write(deed: str) -> tuple[StrategySource, Path]:
        folder, path = tmp_path / "tries", tmp_path / "odd.py"
        folder.mkdir()
        path.write_text(ODD.format(folder=str(folder), deed=deed))
        return StrategySource.from_file(path), folder

    return write


def test_sweep_computes_ranks_and_reports(sweep: Callable[..., SweepRequest]) -> None:
    watcher = Watcher()
    outcome = run_sweep(sweep(), watcher)

    assert (outcome.exit_code, outcome.failures, outcome.pending, outcome.retry) == (ExitCode.OK, (), (), "")
    assert sorted(watcher.done) == PAIRS
    assert all(receipt.computed for receipt in outcome.receipts)
    assert outcome.ranking_path is not None
    assert outcome.report_path is not None
    assert len(pq.read_table(outcome.ranking_path)) == 150
    assert "Backtest" in outcome.report_path.read_text()
    manifest = read_manifest(outcome.ranking_path.parent)
    assert manifest.status is RunStatus.COMPLETED
    assert (manifest.settings["timeframe"], manifest.settings["workers"]) == ("1h", 2)
    outcome.raise_failures()


def test_sweep_records_the_reports_of_its_data_and_tells_what_is_doubtful(
    sweep: Callable[..., SweepRequest], data: Path, tmp_path: Path
) -> None:
    ticks = TickStore(data).read("EURUSD")
    bid, ask = ticks.bid.copy(), ticks.ask.copy()
    bid[50], ask[50] = 10 * bid[50], 10 * ask[50]
    TickStore(tmp_path / "spiked").write(replace(ticks, bid=bid, ask=ask))
    told: list[str] = []
    watcher = Watcher()
    watcher.on_message = told.append  # type: ignore[method-assign]

    keys = []
    for _ in range(2):
        run_sweep(sweep(data=tmp_path / "spiked"), watcher)
        manifest = read_manifest(watcher.run.folder)
        keys.append(manifest.keys)

    assert manifest.inputs["EURUSD report"] == report_stored(TickStore(tmp_path / "spiked"), "EURUSD").digest()
    assert keys[0] == keys[1]
    assert [line.partition(": 1 tick jumps")[0] for line in told if "doubtful" in line] == [
        "EURUSD: the data is doubtful"
    ] * 2
    assert {"EURUSD report", "EURUSD", "engine"} <= manifest.inputs.keys()


def test_sweep_again_computes_nothing_and_starts_no_worker(sweep: Callable[..., SweepRequest]) -> None:
    run_sweep(sweep(pairs=("EURUSD", "GBPUSD")))
    before = tree(sweep().results / "store")
    watcher = Watcher()
    again = run_sweep(sweep(pairs=("EURUSD", "GBPUSD")), watcher)

    assert again.all_stored
    assert watcher.run.pool.pids == []
    assert tree(sweep().results / "store") == before
    assert {record.state for record in read_manifest(watcher.run.folder).pairs.values()} == {PairState.REUSED}


@pytest.mark.faults
def test_sweep_computes_anew_where_a_folder_took_the_place_of_a_commit_or_of_a_runs_manifest(
    sweep: Callable[..., SweepRequest],
) -> None:
    first = run_sweep(sweep(pairs=("EURUSD", "GBPUSD")))
    before = tree(sweep().results / "store")
    (commit,) = (sweep().results / "store" / "EURUSD").glob("*/commit.json")
    assert first.ranking_path is not None
    for path in (commit, first.ranking_path.with_name("manifest.json")):
        path.unlink()
        path.mkdir()
    again = run_sweep(sweep(pairs=("EURUSD", "GBPUSD")))

    assert again.exit_code is ExitCode.OK
    assert {receipt.pair: receipt.computed for receipt in again.receipts} == {"EURUSD": True, "GBPUSD": False}
    after = tree(sweep().results / "store")
    assert {path: content for path, content in after.items() if "set-aside" not in str(path)} == before


@pytest.mark.faults
def test_sweep_worker_killed_once_is_tried_again_and_the_others_are_untouched(
    sweep: Callable[..., SweepRequest], odd: Callable[[str], tuple[StrategySource, Path]]
) -> None:
    source, tries = odd("if tries == 0: os.kill(os.getpid(), signal.SIGKILL)")
    outcome = run_sweep(sweep(source=source))

    assert outcome.exit_code is ExitCode.OK
    assert len(list(tries.iterdir())) == 2
    assert all(receipt.computed for receipt in outcome.receipts)


def test_sweep_pair_that_fails_leaves_the_others_and_is_not_tried_again(
    sweep: Callable[..., SweepRequest], odd: Callable[[str], tuple[StrategySource, Path]]
) -> None:
    source, tries = odd("raise RuntimeError('no good')")
    watcher = Watcher()
    outcome = run_sweep(sweep(source=source), watcher)

    assert outcome.exit_code is ExitCode.PAIRS_FAILED
    [(pair, error)] = outcome.failures
    assert (pair, type(error), watcher.failed) == ("USDJPY", AllStrategiesFailedError, ["USDJPY"])
    assert (outcome.strategies, outcome.failed_strategies) == (3, 1)
    assert outcome.describe_strategies() == "1 of 3 strategies failed, counted on each pair"
    counts = read_manifest(watcher.run.folder).pairs["USDJPY"].counts
    assert counts == {"strategies": 1, "failed_strategies": 1}
    assert [receipt.pair for receipt in outcome.receipts] == ["EURUSD", "GBPUSD"]
    assert len(list(tries.iterdir())) == 1
    with pytest.raises(PairsFailedError, match=r"1 of 3 pairs failed \(USDJPY\); the same sweep, run again"):
        outcome.raise_failures()


@pytest.mark.parametrize(
    ("failing", "strict", "code", "status"),
    [
        (2, False, ExitCode.OK, RunStatus.COMPLETED),  # half of them are not more than half
        (3, False, ExitCode.PAIRS_FAILED, RunStatus.FAILED),
        (1, True, ExitCode.PAIRS_FAILED, RunStatus.FAILED),
        (0, True, ExitCode.OK, RunStatus.COMPLETED),
    ],
)
def test_sweep_whose_strategies_fail_says_how_many_and_fails_by_more_than_half_or_if_strict_by_any(
    sweep: Callable[..., SweepRequest], tmp_path: Path, failing: int, strict: bool, code: ExitCode, status: RunStatus
) -> None:
    path = tmp_path / "some.py"
    path.write_text(SOME_FAIL.format(failing=failing, all=4))
    asked = sweep(pairs=("EURUSD", "GBPUSD"), source=StrategySource.from_file(path), strict=strict)
    for outcome in (run_sweep(asked), run_sweep(asked)):  # computed, then found in the store
        assert (outcome.exit_code, outcome.failures, outcome.retry) == (code, (), "")
        assert (outcome.strategies, outcome.failed_strategies) == (8, 2 * failing)
        assert outcome.ranking_path is not None
        manifest = read_manifest(outcome.ranking_path.parent)
        assert manifest.status is status
        assert manifest.counts == {"strategies": 8, "failed_strategies": 2 * failing}
        assert [record.counts["failed_strategies"] for record in manifest.pairs.values()] == [failing] * 2
        assert [len(record.strategy_failures) for record in manifest.pairs.values()] == [failing] * 2
        if code is ExitCode.OK:
            outcome.raise_failures()
        else:
            with pytest.raises(PairsFailedError, match=f"{2 * failing} of 8 strategies failed, counted on each pair"):
                outcome.raise_failures()


def test_sweep_stopped_in_the_middle_goes_on_where_it_was(
    sweep: Callable[..., SweepRequest], odd: Callable[[str], tuple[StrategySource, Path]]
) -> None:
    source, tries = odd("time.sleep(3600 if tries == 0 else 0)")

    class Stopper(Watcher):
        def on_start(self, run: Any) -> None:
            super().on_start(run)
            threading.Thread(target=self._stop, daemon=True).start()

        def _stop(self) -> None:
            while len(self.done) < 2 or not list(tries.iterdir()):
                time.sleep(0.01)
            self.run.stop()

    outcome = run_sweep(sweep(source=source), Stopper())
    assert (outcome.exit_code, outcome.pending) == (ExitCode.INTERRUPTED, ("USDJPY",))
    assert [run.status for run in list_runs(sweep().results)] == [RunStatus.CANCELLED]

    again = run_sweep(sweep(source=source))
    assert {receipt.pair: receipt.computed for receipt in again.receipts} == {
        "EURUSD": False, "GBPUSD": False, "USDJPY": True,
    }  # fmt: skip


def test_sweep_without_ticks_and_with_unknown_names_is_refused(
    sweep: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no ticks there"):
        run_sweep(sweep(data=tmp_path / "nothing"))
    with pytest.raises(DataError, match="no ticks of AUDUSD"):
        run_sweep(sweep(pairs=("AUDUSD",)))
    with pytest.raises(UsageError, match="EURUSX"):
        sweep(pairs=("EURUSX",))
    with pytest.raises(UsageError, match="several names"):
        sweep(pairs="EURUSD")
    with pytest.raises(UsageError, match="timeframe"):
        sweep(timeframe="7min")


def test_sweep_pair_that_cannot_be_converted_fails_alone_and_where_none_can_be_nothing_begins(
    sweep: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    write_samples(data, ["EURUSD", "USDCAD", "AUDNZD"], 4_000, 1)
    watcher = Watcher()
    outcome = run_sweep(sweep(data=data, account=Account(currency="EUR")), watcher)

    assert outcome.exit_code is ExitCode.PAIRS_FAILED
    assert sorted(watcher.done) == ["EURUSD", "USDCAD"]
    [(pair, error)] = outcome.failures
    assert (pair, type(error)) == ("AUDNZD", ConversionError)
    assert str(error).startswith("AUDNZD: no stored ticks convert its profits from NZD into EUR; import ")
    assert "profits of USDCAD are converted from CAD to USD by USDCAD, then from USD to EUR by EURUSD" in watcher.said
    assert outcome.ranking_path is not None
    manifest = read_manifest(outcome.ranking_path.parent)
    assert (manifest.pairs["AUDNZD"].state, manifest.pairs["AUDNZD"].failure) == (PairState.FAILED, str(error))
    assert manifest.inputs["conversion"] == {
        "EURUSD": ["USD to EUR by EURUSD"],
        "USDCAD": ["CAD to USD by USDCAD", "USD to EUR by EURUSD"],
    }
    results = tmp_path / "none"
    with pytest.raises(ConversionError, match=r"^AUDNZD: "):
        run_sweep(sweep(data=data, results=results, pairs=("AUDNZD",)))
    assert not results.exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def strategies(:", "SyntaxError"),
        ("x = 1", "defines no function strategies"),
        ("def strategies(): return []", "returned an empty list"),
        ("import not_installed_at_all", "No module named 'not_installed_at_all'"),
        ("raise KeyboardInterrupt", "running it raised KeyboardInterrupt"),
        (ODD.format(folder="", deed="").replace("20.0", "-3"), "stop_loss_pips"),
    ],
)
def test_sweep_with_a_file_that_cannot_be_used_is_refused_before_anything_starts(
    sweep: Callable[..., SweepRequest], tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    watcher = Watcher()
    with pytest.raises(UsageError, match=problem):
        run_sweep(sweep(source=StrategySource.from_file(path)), watcher)
    assert watcher.run is None
    assert not sweep().results.exists()


@pytest.mark.parametrize("error", ["BaseException('no')", "KeyboardInterrupt", "GeneratorExit", "SystemExit(3)"])
def test_sweep_strategy_that_raises_what_ends_programs_fails_alone_by_name(
    sweep: Callable[..., SweepRequest], odd: Callable[[str], tuple[StrategySource, Path]], error: str
) -> None:
    source, tries = odd(f"raise {error}")
    outcome = run_sweep(sweep(source=source))

    [(pair, failure)] = outcome.failures
    assert (outcome.exit_code, pair, type(failure)) == (ExitCode.PAIRS_FAILED, "USDJPY", AllStrategiesFailedError)
    assert f"strategy 'odd' raised {error.partition('(')[0]}" in str(failure)
    assert len(list(tries.iterdir())) == 1
    assert outcome.pending == ()


def test_sweep_in_a_folder_that_another_holds_is_refused(sweep: Callable[..., SweepRequest]) -> None:
    with lock_results(sweep().results), pytest.raises(LockedError):
        run_sweep(sweep())


def test_sweep_worker_without_memory_fails_by_name(sweep: Callable[..., SweepRequest]) -> None:
    outcome = run_sweep(sweep(pairs=("EURUSD",), workers=WorkerLimits(memory_mb=64)))
    assert outcome.exit_code is ExitCode.PAIRS_FAILED
    assert "memory" in str(outcome.failures[0][1])


SCRIPT = """
import sys
from pathlib import Path
from necrozma_core import Limits, SweepRequest, run_sweep

if __name__ == "__main__":
    data, results, kernels = map(Path, sys.argv[1:])
    outcome = run_sweep(SweepRequest(data=data, results=results, kernels=kernels, timeframe="1min",
                                     limits=Limits(workers=2, adaptive=False, cooldown_s=0.0)))
    print(outcome.ranking_path, [receipt.computed for receipt in outcome.receipts])
    sys.exit(outcome.exit_code)
"""


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_sweep_of_a_script_killed_in_the_middle_is_resumed_to_the_same_bytes(
    sweep: Callable[..., SweepRequest], data: Path, tmp_path: Path, number: signal.Signals
) -> None:
    script = tmp_path / "sweep.py"
    script.write_text(SCRIPT)
    (tmp_path / "undisturbed").mkdir()

    def words(results: Path) -> list[str]:
        return [sys.executable, str(script), str(data), str(results), str(sweep().kernels)]

    undisturbed, results = tmp_path / "undisturbed" / "results", tmp_path / "killed" / "results"
    subprocess.run(words(undisturbed), check=True, capture_output=True, cwd=tmp_path)
    process = subprocess.Popen(words(results), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list(results.glob("store/*/*/commit.json")):
        assert time.monotonic() < deadline, "waited in vain for the first pair"
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode == (130 if number is signal.SIGINT else -9) or len(
        list(results.glob("store/*/*/commit.json"))
    ) == len(PAIRS)

    again = subprocess.run(words(results), check=True, capture_output=True, text=True, cwd=tmp_path)
    assert "False" in again.stdout  # what was stored was not computed again
    assert tree(results / "store") == tree(undisturbed / "store")
    rankings = [pq.read_table(next(folder.glob("runs/*/ranking.parquet"))) for folder in (undisturbed, results)]
    assert rankings[0].equals(rankings[1])


def test_sweep_can_run_in_a_thread_of_a_notebook(sweep: Callable[..., SweepRequest]) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(run_sweep(sweep(pairs=("EURUSD",)))))
    thread.start()
    thread.join(120)
    assert found[0].exit_code is ExitCode.OK


def test_sweep_observer_that_raises_costs_no_result(
    sweep: Callable[..., SweepRequest], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Silent):
        def on_pair_done(self, receipt: Any) -> None:
            raise ZeroDivisionError("my own code")

        def on_finish(self, outcome: Any) -> None:
            raise ZeroDivisionError("my own code")

    outcome = run_sweep(sweep(), Broken())
    assert outcome.exit_code is ExitCode.OK
    assert [receipt.pair for receipt in outcome.receipts] == PAIRS
    assert "the observer failed in on_pair_done" in caplog.text


def test_sweep_description_is_json() -> None:
    described = SweepRequest(data=Path("data"), results=Path("results"), pairs=("EURUSD",)).described()
    assert json.loads(json.dumps(described))["pairs"] == ["EURUSD"]


class Listener(Silent):
    """Remembers the lines it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_message(self, text: str) -> None:
        self.lines.append(text)


def test_sweep_whose_json_cannot_be_written_is_whole_and_says_so(
    sweep: Callable[..., SweepRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object) -> Path:
        raise StorageError("the disk is full")

    wanted, listener = sweep(pairs=("EURUSD",), json_copies=True), Listener()
    monkeypatch.setattr("necrozma_core.sweep.session.publish_json", refuse)
    outcome = run_sweep(wanted, listener)
    assert outcome.exit_code is ExitCode.OK
    assert outcome.report_path is not None
    assert "EURUSD: its results are stored, but not as JSON: the disk is full" in listener.lines

    monkeypatch.undo()
    again = run_sweep(wanted, listener)
    assert again.all_stored
    assert again.ranking_path is not None
    copy = again.ranking_path.with_name("EURUSD_backtest.json")
    assert len(json.loads(copy.read_text())["results"]) == 50
    assert listener.lines.count(f"JSON: {copy}") == 1
    assert copy.name in read_manifest(copy.parent).files


CLOSES = """
import numpy as np
from necrozma_core import BUY, CLOSE, SELL

class Closes:
    params, stop_loss_pips, take_profit_pips = {}, None, None

    def __init__(self, sides, on_opposite):
        self.name, self.sides, self.on_opposite = f"{sides} {on_opposite}", sides, on_opposite

    def signals(self, bars):
        return np.resize(np.array([BUY, 0, CLOSE, 0, SELL, 0, BUY, 0, CLOSE], np.int8), len(bars))

def strategies():
    return [Closes("both", "reverse"), Closes("long", "close"), Closes("both", "ignore")]
"""


def test_sweep_of_a_users_file_that_closes_and_takes_one_side(
    tmp_path: Path, sweep: Callable[..., SweepRequest]
) -> None:
    (tmp_path / "closes.py").write_text(CLOSES)
    source = StrategySource.from_file(tmp_path / "closes.py")
    asked = sweep(pairs=("EURUSD",), source=source, keep_trades=None)
    outcome = run_sweep(asked)
    assert (outcome.exit_code, outcome.receipts[0].failures) == (ExitCode.OK, ())
    store = ResultsFolder(asked.results).store
    trades = store.read_trades("EURUSD", outcome.receipts[0].key).to_pylist()
    sides = {
        name: {row["side"] for row in trades if row["strategy"] == name} for name in ("both reverse", "long close")
    }
    assert sides == {"both reverse": {"long", "short"}, "long close": {"long"}}
    assert {row["exit_reason"] for row in trades if row["strategy"] == "long close"} <= {"signal", "end_of_data"}
