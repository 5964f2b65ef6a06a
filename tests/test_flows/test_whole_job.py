"""The whole job through real processes: the command, its own server, worker processes, kills."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.storage.runs.verify import verify_results
from necrozma_core.workers.progress import ProgressBoard

NECROZMA = str(Path(sys.executable).with_name("necrozma"))
PAIRS = ("EURUSD", "GBPUSD", "USDJPY", "EURGBP")

# One pair's worker dies by its own hand as long as a file says so; the other pairs trade.
DEADLY = """
import os, signal
from pathlib import Path
import numpy as np

class Deadly:
    name, params, stop_loss_pips, take_profit_pips = "deadly", {{}}, 20.0, 40.0

    def signals(self, bars):
        lives = Path({lives!r})
        # Yen are quoted above ten: this is the pair that kills its worker.
        if bars.mid_close[0] > 10 and int(lives.read_text()) > 0:
            lives.write_text(str(int(lives.read_text()) - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        signals = np.zeros(len(bars), dtype=np.int8)
        signals[::40] = 1
        signals[20::40] = -1
        return signals

def strategies():
    return [Deadly()]
"""

SLOW = """
import time
import numpy as np

class Slow:
    params, stop_loss_pips, take_profit_pips = {}, 20.0, 40.0
    def __init__(self, number):
        self.name = f"slow {number}"
    def signals(self, bars):
        time.sleep(0.05)
        return np.zeros(len(bars), dtype=np.int8)

def strategies():
    return [Slow(number) for number in range(400)]
"""


@dataclass(frozen=True)
class Place:
    """A folder with ticks, and an environment in which everything a run writes stays in it."""

    folder: Path
    environment: dict[str, str]

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [NECROZMA, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*words)
        try:
            output, errors = process.communicate(timeout=240)
        finally:
            process.kill()
        return subprocess.CompletedProcess(list(words), process.returncode, output, errors)

    def backtest(self, results: str, *flags: str) -> "subprocess.CompletedProcess[str]":
        return self.run("backtest", "--results", results, "--cooldown", "0", *flags)

    def stored(self, results: str) -> dict[str, bytes]:
        store = self.folder / results / "store"
        # A killed writer's temporary begins with a dot and waits for the next run to remove it.
        files = [path for path in sorted(store.rglob("[!.]*")) if path.is_file()]
        return {str(path.relative_to(store)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("job")
    write_samples(folder / "data", PAIRS, 20_000, 3)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NECROZMA_", "PREFECT_"))}
    own = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "share"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    return Place(folder, kept | own | {"XDG_CACHE_HOME": str(tmp_path_factory.getbasetemp() / "cache")})


@pytest.fixture(scope="module")
def undisturbed(place: Place) -> "subprocess.CompletedProcess[str]":
    return place.backtest("one", "--workers", "1")


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def read_manifest(place: Place, results: str) -> dict[str, object]:
    newest = max((place.folder / results / "runs").iterdir())
    return json.loads((newest / "manifest.json").read_text())


def test_job_ranks_every_strategy_on_every_pair(place: Place, undisturbed: object) -> None:
    (ranking,) = (place.folder / "one" / "runs").glob("*/ranking.parquet")
    rows = pq.read_table(ranking).to_pylist()
    assert len(rows) == 50 * len(PAIRS)
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["pair"] for row in rows} == set(PAIRS)
    assert len({(row["pair"], row["strategy"]) for row in rows}) == len(rows)
    assert undisturbed.returncode == 0
    assert verify_results(place.folder / "one") == []


def test_job_keeps_what_its_governor_saw_and_decided_and_draws_it(place: Place, undisturbed: object) -> None:
    (record,) = (place.folder / "one" / "runs").glob("*/governor.parquet")
    looks = pq.read_table(record).to_pylist()
    assert all(0 < look["allowance"] <= 1 for look in looks)
    seen = [look for look in looks if look["total"] is not None]
    assert seen
    assert all(look["reason"] and look["capacity"] > 0 and look["memory_workers_mb"] is not None for look in seen)
    drawn = place.run("runs", "show", "latest", "--results", "one", "--governor")
    assert drawn.returncode == 0
    assert "CPU, percent of the capacity; the limit was 80" in drawn.stdout
    assert "allowance, of 1 workers" in drawn.stdout


@pytest.mark.parametrize(
    "flags",
    [
        ("--workers", "2"),
        pytest.param(("--workers", "3", "--cpu-limit", "60", "--nice"), marks=pytest.mark.slow),
    ],
)
def test_job_with_other_workers_or_limits_stores_the_same_bytes(
    place: Place, undisturbed: object, flags: tuple[str, ...]
) -> None:
    results = "same-" + "".join(re.findall(r"\d", " ".join(flags)))
    assert place.backtest(results, *flags).returncode == 0
    assert place.stored(results) == place.stored("one")


def test_job_again_computes_nothing_and_says_so(place: Place, undisturbed: object) -> None:
    before = place.stored("one")
    again = place.backtest("one", "--workers", "2")
    assert again.returncode == 0
    assert "nothing computed" in again.stdout
    assert place.stored("one") == before


@pytest.mark.slow
def test_job_with_one_pair_failing_completes_the_others_and_is_completed_later(
    place: Place, undisturbed: object, tmp_path: Path
) -> None:
    ticks = next((place.folder / "data" / "USDJPY").glob("*.parquet"))
    whole = ticks.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    ticks.write_bytes(damaged)
    folders = {"NECROZMA_DATA": "data", "NECROZMA_RESULTS": "repaired"}
    asking = replace(place, environment=place.environment | folders | {"PATH": "/usr/bin:/bin"})
    try:
        failed = asking.run("backtest", "--cooldown", "0", "--workers", "2")
    finally:
        ticks.write_bytes(whole)
    assert failed.returncode == 3
    assert "USDJPY" in failed.stdout + failed.stderr
    assert {name.split("/")[0] for name in place.stored("repaired")} == set(PAIRS) - {"USDJPY"}
    command = re.search(r"retry them with: (.*)", failed.stdout + failed.stderr)
    assert command is not None
    others = {name: data for name, data in place.stored("repaired").items() if "USDJPY" not in name}
    # As it is pasted: in another folder, without the variables and the path of the first shell.
    pasted = {**place.environment, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", command[1]], cwd="/", env=pasted, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    states = {pair: record["state"] for pair, record in read_manifest(place, "repaired")["pairs"].items()}
    assert states == {pair: "computed" if pair == "USDJPY" else "reused" for pair in PAIRS}
    stored = place.stored("repaired")
    assert {name: stored[name] for name in others} == others
    assert stored == place.stored("one")


@pytest.mark.slow
def test_history_after_the_server_was_stopped_holds_every_final_state(place: Place, undisturbed: object) -> None:
    """A second server on the same folder is asked, because states were once lost between the two."""
    script = """
import json, os, sys, urllib.request
from pathlib import Path
from flows.folders import history_folder
from flows.server.embedded import start_embedded
server = start_embedded(history_folder())
server.wait_ready()
def call(path, body=None, headers={}):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.api_url + path, data, {"Content-Type": "application/json", **headers})
    return json.loads(urllib.request.urlopen(request).read())
token = call("/csrf-token?client=test")["token"]
own = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"}
runs = call("/flow_runs/filter", {}, own)
found = {}
for run in runs:
    tasks = call("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}}, own)
    found[run["name"]] = [run["state_type"], sorted([task["name"].split("-")[0], task["state_type"]] for task in tasks)]
server.stop()
print(json.dumps(found))
"""
    asked = subprocess.run(
        [sys.executable, "-c", script],
        env={**place.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = json.loads(asked.stdout.splitlines()[-1])
    for manifest in (place.folder / "one" / "runs").glob("*/manifest.json"):
        if manifest.with_name("untold.json").exists():
            # It computed nothing, so it started no server, and no later run of this folder did.
            assert manifest.parent.name not in found
            continue
        state, tasks = found[manifest.parent.name]
        assert state == "COMPLETED"
        names = [name for name, _ in tasks]
        assert sorted(names) == sorted([*PAIRS, "publish", "rank"])
        assert {task_state for _, task_state in tasks} == {"COMPLETED"}


@pytest.mark.faults
@pytest.mark.parametrize(("deaths", "code"), [(1, 0), (99, 3)])
def test_worker_killed_fails_only_its_pair_and_only_for_good_when_always(
    place: Place, tmp_path: Path, deaths: int, code: int
) -> None:
    lives, strategies = tmp_path / "lives", tmp_path / "deadly.py"
    lives.write_text(str(deaths))
    strategies.write_text(DEADLY.format(lives=str(lives)))
    done = place.backtest(f"deaths-{deaths}", "--workers", "2", "--strategies", str(strategies))
    assert done.returncode == code, done.stdout + done.stderr
    pairs = {name.split("/")[0] for name in place.stored(f"deaths-{deaths}")}
    assert pairs == (set(PAIRS) if code == 0 else set(PAIRS) - {"USDJPY"})
    assert int(lives.read_text()) == max(deaths - 3, 0)


@pytest.fixture
def slow_run(place: Place, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    strategies = tmp_path / "slow.py"
    strategies.write_text(SLOW)
    results = str(tmp_path / "results")
    process = place.start("backtest", "--results", results, "--workers", "2", "--strategies", str(strategies))
    # Both workers are at it: the server and two workers, at least, are its children.
    wait_for(lambda: process.poll() is not None or len(descendants(process.pid)) >= 3)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.faults
def test_parent_killed_leaves_no_process_behind(slow_run: "subprocess.Popen[str]") -> None:
    children = descendants(slow_run.pid)
    slow_run.kill()
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    assert len(gone) == len(children)


@pytest.mark.faults
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_the_run_with_its_code_and_the_command_that_resumes(
    slow_run: "subprocess.Popen[str]", number: signal.Signals, code: int
) -> None:
    children = descendants(slow_run.pid)
    slow_run.send_signal(number)
    output, errors = slow_run.communicate(timeout=30)
    assert slow_run.returncode == code
    assert "necrozma backtest" in output + errors
    assert "Traceback" not in output + errors
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def read_until(process: "subprocess.Popen[str]", beginning: str) -> None:
    assert process.stdout is not None
    assert any(line.startswith(beginning) for line in process.stdout), "the command ended"


def is_held(temporary: Path) -> bool:
    """Tell whether the gate of the only run that keeps its temporary files there has held a worker."""
    for path in temporary.glob("necrozma-*/progress"):
        return any(row.held_until(time.monotonic()) for row in ProgressBoard(path).read_all())
    return False


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("wait", ["held", "cooling"])
def test_ctrl_c_while_all_are_held_or_cool_down_ends_the_run_in_seconds(
    place: Place, undisturbed: object, tmp_path: Path, wait: str
) -> None:
    """Two seconds on a free machine; left alone, both runs would take many minutes."""
    aside = replace(place, environment=place.environment | {"TMPDIR": str(tmp_path)})
    results = str(tmp_path / "results")
    if wait == "held":
        process = aside.start("backtest", "--results", results, "--workers", "2", "--cpu-limit", "1")
    else:
        process = aside.start("backtest", "--results", results, "--workers", "1", "--cooldown", "600")
    try:
        if wait == "held":
            wait_for(lambda: process.poll() is not None or is_held(tmp_path))
        else:
            read_until(process, "[1/4]")
        children = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 130, output + errors
    assert f"stopped with {0 if wait == 'held' else 1} of 4 pairs stored" in errors
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
