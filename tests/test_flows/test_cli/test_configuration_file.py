"""A mistake in ``config.py`` is its user's line, whatever is typed, and never called a bug."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SHIPPED = (ROOT / "config.py").read_text(encoding="utf-8")

MISTAKES = {
    "a missing comma": ('"default_workers": 1,', '"default_workers": 1', "forgot a comma"),
    "a word of another language": ('"nice_priority": False', '"nice_priority": false', "Python writes False"),
    "a name that is not there": ('"nice_priority": False', '"nice_priority": maybe', "name 'maybe' is not defined"),
    "a module that is not there": ("from pathlib", "import not_there\nfrom pathlib", "No module named 'not_there'"),
    "kinds that do not go together": (
        '"cpu_limit": 80,  #',
        '"cpu_limit": 80 - "x",  #',
        "TypeError: unsupported operand",
    ),
    "a value of a wrong kind": (
        '"cpu_limit": 80,  #',
        '"cpu_limit": [80],  #',
        'WORKER_CONFIG["cpu_limit"]: should be a valid',
    ),
    "a key that is not known": ('"cpu_limit": 80,  #', '"cpu_limt": 80,  #', "did you mean cpu_limit?"),
    "a key of ours": ('"cpu_limit": 80,  #', '"cooldown_explicit": 80,  #', "did you mean"),
    "a dictionary that is none": (
        "WORKER_CONFIG: dict[str, Any] = {",
        "WORKER_CONFIG = [5]\nOTHER = {",
        "a dictionary",
    ),
}


@pytest.fixture
def mistaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a configuration goes that stands before the checkout's on the path."""
    folder = tmp_path / "mistaken"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "config.py"


def write(path: Path, before: str, after: str) -> str:
    """Write the shipped configuration with a mistake, and return how a message names its line."""
    assert SHIPPED.count(before) == 1, before
    text = SHIPPED.replace(before, after)
    path.write_text(text, encoding="utf-8")
    line = next(number for number, line in enumerate(text.splitlines(), 1) if after.splitlines()[0] in line)
    return f"{path}, line {line}: "


@pytest.mark.parametrize(("before", "after", "part"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_in_the_configuration_is_told_with_file_and_line(
    before: str, after: str, part: str, mistaken: Path, executable: str
) -> None:
    place = write(mistaken, before, after)
    done = subprocess.run([executable, "runs", "list"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {place}"), done.stderr
    assert part in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["backtest"], ["data", "list"], ["doctor"], ["server", "status"], ["ui"]]
)
def test_no_command_calls_a_mistake_in_the_configuration_a_bug(
    words: list[str], mistaken: Path, executable: str
) -> None:
    place = write(mistaken, '"nice_priority": False', '"nice_priority": maybe')
    done = subprocess.run([executable, *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {place}name 'maybe' is not defined\n"


def test_first_name_of_the_backtest_command_tells_it_too(tmp_path: Path) -> None:
    for name in ("flows", "necrozma_core", "run_sequential_backtest.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    place = write(tmp_path / "config.py", '"nice_priority": False', '"nice_priority": maybe')
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import run_sequential_backtest as it; it.main_sequential()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, f"error: {place}name 'maybe' is not defined\n")


def test_name_that_somebody_took_out_of_the_configuration_is_missed_by_its_name(
    mistaken: Path, executable: str
) -> None:
    write(mistaken, "\nPROFILES: Final", "\nPROFILS: Final")
    done = subprocess.run([executable, "runs", "list"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {mistaken}: cannot import name 'PROFILES'")


def test_profile_with_a_mistake_is_told_as_the_profile(mistaken: Path, executable: str) -> None:
    write(mistaken, '"shared": {"workers": 2', '"shared": {"workers": "two"')
    done = subprocess.run([executable, "backtest", "--profile", "shared"], capture_output=True, text=True)
    assert done.returncode == 2
    assert 'PROFILES, "workers": should be a valid integer' in done.stderr


def test_debug_shows_where_in_the_configuration_it_failed(mistaken: Path, executable: str) -> None:
    write(mistaken, '"nice_priority": False', '"nice_priority": maybe')
    done = subprocess.run([executable, "runs", "list", "--debug"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "NameError" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")


def test_flow_that_prefect_loads_by_its_path_fails_with_the_line(mistaken: Path) -> None:
    place = write(mistaken, '"nice_priority": False', '"nice_priority": maybe')
    program = f"""
from prefect.flows import load_flow_from_entrypoint
from prefect.exceptions import ScriptError
try:
    load_flow_from_entrypoint({str(ROOT / "flows/backtest.py")!r} + ":backtest_pairs", use_placeholder_flow=False)
except ScriptError as error:
    print(type(error.user_exc).__name__, error.user_exc, sep="|")
# Prefect falls back on what it can read of the flow, which then comes here for its settings.
try:
    import flows.settings
except Exception as error:
    print(type(error).__name__, error, sep="|")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ.copy())
    assert done.stdout == f"UsageError|{place}name 'maybe' is not defined\n" * 2, done.stderr
