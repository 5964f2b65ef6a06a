"""The commands as a user types them, in processes of their own, through Prefect and worker processes."""

import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from necrozma_core.feeds.samples.quotes import write_samples

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
NECROZMA = str(Path(sys.executable).with_name("necrozma"))
PAIRS = ("EURUSD", "GBPUSD")

# Waits while a file is there, so that a test decides when the run may end.
STRATEGIES = """
import time
from pathlib import Path
import numpy as np

class Patient:
    name, params, stop_loss_pips, take_profit_pips = "patient", {{}}, 20.0, 40.0

    def signals(self, bars):
        while Path({flag!r}).exists():
            time.sleep(0.01)
        signals = np.zeros(len(bars), dtype=np.int8)
        signals[::50] = 1
        signals[25::50] = -1
        return signals

def strategies():
    return [Patient()]
"""


@dataclass(frozen=True)
class Place:
    """A folder with ticks, and an environment in which everything a run writes stays in it."""

    folder: Path
    environment: dict[str, str]

    def start(self, *words: str, **options: object) -> "subprocess.Popen[str]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(list(words), **{**pipes, "cwd": ROOT, "env": self.environment, **options})  # type: ignore[call-overload, no-any-return]

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*words)
        try:
            output, errors = process.communicate(timeout=240)
        finally:
            process.kill()
        return subprocess.CompletedProcess(list(words), process.returncode, output, errors)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    write_samples(folder / "ticks", PAIRS, 20_000, 1)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NECROZMA_", "PREFECT_"))}
    own = {"HOME": folder, "XDG_CACHE_HOME": folder / "cache", "XDG_DATA_HOME": folder / "share"}
    settings = {"NECROZMA_DATA": folder / "ticks", "NECROZMA_RESULTS": folder / "results"}
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    place = Place(folder, environment | quiet | {name: str(path) for name, path in (own | settings).items()})
    # One server for all runs: they join it, as they would join that of a user who looks at the history meanwhile.
    ui = place.start(NECROZMA, "ui")
    try:
        read_until(ui, lambda line: "Prefect UI" in line)
        yield place
    finally:
        ui.kill()
        ui.communicate()


def words_of(command: str) -> list[str]:
    words = shlex.split(command)
    return [{"python": sys.executable, "necrozma": NECROZMA}.get(words[0], words[0]), *words[1:]]


def test_recipes_of_the_guide_run_word_for_word(place: Place) -> None:
    first = place.run(*words_of("python run_sequential_backtest.py --workers 4 --cpu-limit 80 --cooldown 5 --nice"))
    assert (first.returncode, first.stderr) == (0, "")
    block, _, rest = first.stdout.partition("2 pairs, the default fifty strategies, bars of 5min\n")
    assert block.endswith(
        "⚡ Multi-Worker Mode:\n   Workers: 4\n   CPU Limit: 80%\n   Cooldown: 5s\n   Nice Priority: Yes\n\n"
        "💾 Storage format: PARQUET\n\n"
    )
    assert re.search(r"^\[1/2\] \w{6}: 50 strategies, [\d,]+ trades, 20,000 ticks in", rest, re.MULTILINE)
    assert re.search(r"^ *15 [A-Z]{6} ", rest, re.MULTILINE)
    ranking = Path(re.findall(r"^Results: (.*)$", rest, re.MULTILINE)[0])
    assert ranking.is_file()

    second = place.run(*words_of("python run_sequential_backtest.py --workers 8 --cpu-limit 95 --cooldown 0"))
    assert second.returncode == 0
    assert "everything was stored already: nothing computed" in second.stdout
    assert second.stdout.count("stored already\n") == 2

    third = place.run(*words_of("python run_sequential_backtest.py --workers 2 --cpu-limit 50 --cooldown 10 --nice -q"))
    assert (third.returncode, third.stderr) == (0, "")
    again = Path(third.stdout.strip())
    assert again.name == "ranking.parquet"
    assert len(list(again.parent.parent.iterdir())) == 3


@pytest.fixture
def patient(place: Place, tmp_path: Path) -> Iterator[tuple[list[str], Path]]:
    """A command whose workers wait, and the file that lets them go once it is gone."""
    flag = tmp_path / "wait"
    flag.touch()
    file = tmp_path / "patient.py"
    file.write_text(STRATEGIES.format(flag=str(flag)))
    yield [NECROZMA, "backtest", "--strategies", str(file), "-w", "2", "--results", str(tmp_path / "results")], flag
    flag.unlink(missing_ok=True)


def read_until(process: "subprocess.Popen[str]", is_it: Callable[[str], object]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if is_it(line):
            return line
    raise AssertionError(f"the command ended: {process.communicate()}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_run_names_the_command_that_completes_it(
    number: signal.Signals, code: int, place: Place, patient: tuple[list[str], Path]
) -> None:
    command, flag = patient
    process = place.start(*command)
    try:
        read_until(process, lambda line: line.startswith("2 pairs"))
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    (resume,) = re.findall(r"^error: stopped with 0 of 2 pairs stored; go on with: (.*)$", errors, re.MULTILINE)
    assert (
        place.run(*words_of("necrozma runs list --results"), command[-1]).stdout.splitlines()[1].split()[1]
        == "cancelled"
    )
    flag.unlink()
    # As it is pasted into a shell.
    completed = place.run("sh", "-c", resume)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "[2/2]" in completed.stdout


def test_second_interrupt_ends_at_once(place: Place, patient: tuple[list[str], Path]) -> None:
    process = place.start(*patient[0])
    try:
        read_until(process, lambda line: line.startswith("2 pairs"))
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("stopping; what is stored stays")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    finally:
        process.kill()
        process.communicate()


def test_second_run_into_one_folder_is_told_who_holds_it(place: Place, patient: tuple[list[str], Path]) -> None:
    command, flag = patient
    process = place.start(*command)
    try:
        read_until(process, lambda line: line.startswith("2 pairs"))
        refused = place.run(*command)
        assert refused.returncode == 11
        assert f"locked by process {process.pid}" in refused.stderr
        flag.unlink()
        process.communicate(timeout=240)
        assert process.returncode == 0
    finally:
        process.kill()


def test_retry_completes_a_run_from_anywhere(place: Place, patient: tuple[list[str], Path], tmp_path: Path) -> None:
    command, flag = patient
    process = place.start(*command)
    try:
        read_until(process, lambda line: line.startswith("2 pairs"))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
    flag.unlink()
    retried = place.start(NECROZMA, "retry", "latest", "--results", command[-1], cwd=tmp_path)
    output, errors = retried.communicate(timeout=240)
    assert (retried.returncode, errors) == (0, "")
    assert "[2/2]" in output


def test_ui_says_where_it_is_and_ends_with_ctrl_c(place: Place, tmp_path: Path) -> None:
    process = place.start(NECROZMA, "ui", "--prefect-home", str(tmp_path / "history"))
    try:
        line = read_until(process, lambda line: "Prefect UI" in line)
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+", line)
        with urllib.request.urlopen(f"{url}/api/health", timeout=30) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/api/health", timeout=5)
