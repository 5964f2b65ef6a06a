"""Whole runs: real ticks, real workers, a real Prefect server that all tests of all processes share."""

import os
import sys
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from flows.settings import load_settings
from necrozma_core.feeds.samples.quotes import write_samples

ROOT = Path(__file__).parents[3]
PAIRS = ("EURUSD", "GBPUSD", "USDJPY")

_STRATEGIES = """
import os, signal, time
from pathlib import Path
import numpy as np

class Odd:
    params, stop_loss_pips, take_profit_pips = {{}}, 20.0, 40.0

    def __init__(self, name):
        self.name = name

    def signals(self, bars):
        if bars.mid_close[0] > 10:  # USDJPY
            folder = Path({folder!r})
            tries = len(list(folder.iterdir()))
            (folder / str(tries)).touch()
{deed}
        signals = np.zeros(len(bars), dtype=np.int8)
        signals[::40], signals[20::40] = 1, -1
        return signals

def strategies():
    return [Odd("odd")]
"""


def wait_until(condition, timeout_s=120.0):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def bare_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "NECROZMA_"))}


class Watcher:
    """An observer that remembers."""

    def __init__(self):
        self.session = None
        self.messages, self.phases, self.done, self.failed, self.outcomes = [], [], [], [], []
        self.started = threading.Event()

    def on_start(self, session):
        self.session = session
        self.started.set()

    def on_message(self, text):
        self.messages.append(text)

    def on_phase(self, text):
        self.phases.append(text)

    def on_pair_done(self, receipt):
        self.done.append(receipt.pair)

    def on_pair_failed(self, pair, error):
        self.failed.append((pair, error))

    def on_finish(self, outcome):
        self.outcomes.append(outcome)


@pytest.fixture(scope="session")
def caches(request):
    """Compiled kernels, kept between test sessions: they are named by their content."""
    return Path(request.config.cache.mkdir("necrozma"))


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    """The shared server's folder; whoever comes first starts the server, whoever leaves last ends it."""
    from flows.server.embedded import start_embedded

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    handle = start_embedded(shared / "history")
    handle.wait_ready()
    yield handle
    handle.stop()


@pytest.fixture(scope="session")
def ticks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ticks") / "data"
    write_samples(folder, PAIRS, 4_000, 1)
    return folder


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch, caches, tmp_path):
    for name in [name for name in os.environ if name.upper().startswith(("NECROZMA_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "no-profiles.toml"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(caches))


@pytest.fixture
def settings(tmp_path, ticks, history):
    """Settings of a quick run; the machine's load must not hold it back."""

    def make(**others):
        common = {
            "data": ticks,
            "results": tmp_path / "results",
            "prefect_home": history.home,
            "timeframe": "1h",
            "workers": 2,
            "adaptive_throttling": False,
            "cooldown_seconds": 0,
        }
        return load_settings({**common, **others})

    return make


@pytest.fixture
def run(settings):
    """Run a backtest in this process."""

    def go(watcher=None, **others):
        from flows.launch import run_backtest

        watcher = watcher or Watcher()
        outcome = run_backtest(settings(**others), watcher)
        return SimpleNamespace(outcome=outcome, watcher=watcher, session=watcher.session)

    return go


@pytest.fixture
def odd(tmp_path):
    """A strategy that is itself except on USDJPY, where each try leaves a file and then does the deed."""

    def write(deed):
        folder = tmp_path / "tries"
        folder.mkdir()
        path = tmp_path / "odd.py"
        path.write_text(_STRATEGIES.format(folder=str(folder), deed=textwrap.indent(textwrap.dedent(deed), " " * 12)))
        return path, folder

    return write


@pytest.fixture
def api(history):
    """A client of the shared server."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: history.api_url}), get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def task_states(api):
    """Return the states of a flow run's tasks by name, as the server has them."""

    def read(flow_run_id):
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
        return {task_run.name: task_run.state.name for task_run in api.read_task_runs(flow_run_filter=chosen)}

    return read


@pytest.fixture
def own_history(tmp_path, history):
    """A server folder of the test's own; it holds what the shared one does, since a new history costs seconds."""
    import sqlite3
    from contextlib import closing

    home = tmp_path / "home"
    home.mkdir()
    with (
        closing(sqlite3.connect(history.home / "prefect.db")) as shared,
        closing(sqlite3.connect(home / "prefect.db")) as own,
    ):
        shared.backup(own)
    return home


@pytest.fixture
def spawn(tmp_path, ticks, history):
    """Start the command in a process of its own, in its own session, so that signals go where a test sends them."""
    import subprocess

    started = []

    def start(*flags, home=history.home):
        words = [
            "backtest", "--data", ticks, "--results", tmp_path / "results", "--timeframe", "1h", "--workers", "2",
            "--cooldown", "0", "--cpu-limit", "100", "--plain", *flags,
        ]  # fmt: skip
        environment = bare_environment() | {
            "NECROZMA_ADAPTIVE_THROTTLING": "false",
            "NECROZMA_PREFECT_HOME": str(home),
            "PREFECT_PROFILES_PATH": str(tmp_path / "no-profiles.toml"),
        }
        code = "import sys; from flows.cli.app import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
