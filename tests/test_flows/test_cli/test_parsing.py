"""What is typed: the commands of the original guide, every flag, and what is refused."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command
from typer.testing import CliRunner, Result

from flows.cli.app import app, sequential
from flows.cli.starting import worker_remarks
from flows.resuming import as_flags
from flows.settings import Settings, load_settings
from necrozma_core import __version__
from necrozma_core.errors import PairsFailedError
from necrozma_core.storage.ticks.store import no_ticks_error

GUIDE = {
    "python run_sequential_backtest.py": (1, 80, 5, False, False),
    "python run_sequential_backtest.py --workers 4": (4, 80, 5, False, False),
    "python run_sequential_backtest.py -w 4": (4, 80, 5, False, False),
    "python run_sequential_backtest.py --workers 4 --cpu-limit 80": (4, 80, 5, False, False),
    "python run_sequential_backtest.py --workers 4 --cooldown 5": (4, 80, 5, True, False),
    "python run_sequential_backtest.py --workers 4 --nice": (4, 80, 5, False, True),
    "python run_sequential_backtest.py --workers 4 --cpu-limit 80 --cooldown 5 --nice": (4, 80, 5, True, True),
    "python run_sequential_backtest.py --workers 8 --cpu-limit 95 --cooldown 0": (8, 95, 0, True, False),
    "python run_sequential_backtest.py --workers 2 --cpu-limit 50 --cooldown 10 --nice": (2, 50, 10, True, True),
}
PROMISED = {
    "--workers", "-w", "--cpu-limit", "--cooldown", "--nice", "--pairs", "--data", "--results", "--timeframe",
    "--strategies", "--lots", "--commission", "--account-currency", "--settings", "--grid", "--slippage",
    "--keep-trades", "--profile", "--background", "--pair-timeout", "--worker-memory", "--quiet", "--plain", "--debug",
}  # fmt: skip
# typer itself takes pydantic to convert the values of a command's flags.
HEAVY = {"numba", "pandas", "pyarrow", "prefect", "pydantic_settings", "numpy", "rich", "psutil"}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, dict[str, Any]]]:
    """Commands that would have run a backtest, as their settings."""
    calls: list[tuple[Settings, dict[str, Any]]] = []

    def record(settings: Settings, remarks: list[str], **look: bool) -> int:
        calls.append((settings, {**look, "remarks": remarks}))
        return 0

    monkeypatch.setattr("flows.cli.starting.start", record)
    return calls


@pytest.mark.parametrize("command", GUIDE)
def test_command_of_the_guide_means_what_the_guide_says(command: str, started: list[Any]) -> None:
    result = CliRunner().invoke(sequential, shlex.split(command)[2:])
    assert (result.exit_code, result.output) == (0, "")
    settings = started[0][0]
    found = settings.workers, settings.cpu_limit, settings.cooldown_seconds, settings.cooldown_explicit, settings.nice
    assert found == GUIDE[command]


def options_of(words: str) -> Iterator[tuple[str, Any]]:
    command = get_command(app)
    for word in words.split():
        command = command.commands[word]  # type: ignore[attr-defined]
    for parameter in command.params:
        for spelling in [*parameter.opts, *parameter.secondary_opts]:
            yield spelling, parameter


def test_flags_of_both_commands_are_the_promised_ones() -> None:
    assert {spelling for spelling, _ in options_of("backtest")} >= PROMISED
    sequential_options = {spelling for parameter in get_command(sequential).params for spelling in parameter.opts}
    assert sequential_options == {spelling for _, parameter in options_of("backtest") for spelling in parameter.opts}


def all_commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from all_commands(child, (*words, name))


@pytest.mark.parametrize("words", [words for words, _ in all_commands(get_command(app))])
def test_help_of_every_command_explains_every_flag(words: tuple[str, ...], necrozma: Callable[..., Result]) -> None:
    command = dict(all_commands(get_command(app)))[words]
    assert command.help
    for parameter in command.params:
        assert parameter.help, f"{words}: {parameter.name} is not explained"
    result = necrozma(*words, "--help")
    assert result.exit_code == 0
    for parameter in command.params:
        assert all(spelling in result.stdout for spelling in parameter.opts if spelling.startswith("--"))


@pytest.mark.parametrize(
    "words",
    [
        ["--pairs", "EURUSD,GBPUSD"],
        ["--pairs", "EURUSD", "GBPUSD"],
        ["--pairs", "EURUSD", "GBPUSD", "--workers", "2"],
        ["--pairs=EURUSD", "GBPUSD"],
        ["--pairs", "EURUSD", "--pairs", "GBPUSD"],
        ["--pairs", "EURUSD,", "GBPUSD"],
    ],
)
def test_pairs_however_separated_are_all_taken(words: list[str], started: list[Any], necrozma: Any) -> None:
    assert necrozma("backtest", *words).exit_code == 0
    assert started[0][0].pairs == ("EURUSD", "GBPUSD")


def test_pairs_without_a_name_are_refused(necrozma: Any) -> None:
    result = necrozma("backtest", "--pairs", "--workers", "2")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")


flags_given = st.fixed_dictionaries(
    {},
    optional={
        "workers": st.integers(1, 16),
        "cpu_limit": st.floats(1, 100),
        "cooldown_seconds": st.one_of(st.just(5.0), st.floats(0, 86_400)),
        "nice": st.booleans(),
        "background": st.booleans(),
        "strict": st.booleans(),
        "pairs": st.lists(st.sampled_from(["EURUSD", "GBPUSD", "XAUUSD"]), min_size=1, unique=True),
        "results": st.sampled_from([Path("a b"), Path("/srv/results")]),
        "timeframe": st.sampled_from(["30s", "1h"]),
        "settings_file": st.just(Path("sweep.toml")),
        "lots": st.floats(0.001, 1e6),
        "commission": st.floats(0, 1e3),
        "slippage_pips": st.floats(0, 1e3),
        "latency_ms": st.integers(0, 600_000),
        "max_quote_age_s": st.floats(0.001, 604_800),
        "account_currency": st.sampled_from(["EUR", "JPY"]),
        "keep_trades": st.one_of(st.just("all"), st.integers(0, 1_000)),
        "pair_timeout_s": st.floats(0.1, 1e6),
        "worker_memory_mb": st.integers(64, 10**6),
    },
)


@given(flags_given)
def test_flags_offered_by_a_message_ask_for_the_same_settings(flags: dict[str, Any]) -> None:
    asked = load_settings(flags)
    calls: list[Settings] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.cli.starting.start", lambda settings, remarks, **look: calls.append(settings) or 0)
        command = shlex.join(["necrozma", "backtest", *as_flags(asked)])
        result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert result.output == ""
    absolute = {name: value.absolute() for name, value in asked if isinstance(value, Path)}
    assert calls == [asked.model_copy(update=absolute)]


FREE_TEXT = {"--data", "--results", "--strategies", "--settings", "--grid"}
VALUED = sorted(
    {spelling for spelling, option in options_of("backtest") if not option.is_flag and spelling.startswith("--")}
    - FREE_TEXT
)


@given(st.sampled_from(VALUED), st.text() | st.floats().map(str) | st.integers().map(str))
def test_value_of_any_text_is_taken_or_refused_in_one_line(flag: str, value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.cli.starting.start", lambda settings, remarks, **look: 0)
        result = CliRunner().invoke(app, ["backtest", f"{flag}={value}"])
    if result.exit_code == 0:
        return
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--workers", "0"], "--workers: should be greater than or equal to 1; found 0"),
        (["--cpu-limit", "150"], "--cpu-limit: should be less than or equal to 100"),
        (["--cpu-limit", "nan"], "--cpu-limit: should be a finite number"),
        (["--pairs", "EURUSX"], "did you mean EURUSD"),
        (["--timeframe", "7min"], "does not divide a day"),
        (["--wrokers", "3"], "--workers"),
        (["--profile", "mainframe"], "--profile"),
        (["EURUSD"], "EURUSD"),
        (["--strategies", "a.py", "--grid", "family=rsi"], "exclude each other"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words: list[str], part: str, necrozma: Any, started: list[Any]) -> None:
    result = necrozma("backtest", *words)
    assert (result.exit_code, result.stdout, started) == (2, "", [])
    assert part in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_profile_beyond_the_machine_is_capped_with_a_line(
    monkeypatch: pytest.MonkeyPatch, necrozma: Any, started: list[Any]
) -> None:
    monkeypatch.setattr("flows.cli.starting.measure_capacity", lambda: type("Capacity", (), {"cores": 2.5}))
    necrozma("backtest", "--profile", "local")
    settings, look = started[0]
    assert (settings.workers, settings.cpu_limit, settings.cooldown_seconds) == (3, 95, 0)
    assert look["remarks"] == ["Profile local: 3 workers instead of 8, one for each core of this machine"]


def test_profile_yields_to_flags(monkeypatch: pytest.MonkeyPatch, necrozma: Any, started: list[Any]) -> None:
    monkeypatch.setattr("flows.cli.starting.measure_capacity", lambda: type("Capacity", (), {"cores": 1}))
    necrozma("backtest", "--profile", "vm", "--workers", "6", "--no-nice")
    settings, look = started[0]
    assert (settings.workers, settings.cpu_limit, settings.nice, look["remarks"]) == (6, 80, False, [])


@pytest.mark.parametrize(
    ("cores", "workers", "lines"),
    [
        (2.0, 8, ["8 workers on 2 cores: more workers than cores take memory and gain no time"]),
        (1.0, 2, ["2 workers on 1 core: more workers than cores take memory and gain no time"]),
        (1.5, 2, []),
        (8.0, 8, []),
    ],
)
def test_more_workers_than_cores_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, cores: float, workers: int, lines: list[str]
) -> None:
    monkeypatch.setattr("flows.cli.starting.measure_capacity", lambda: type("Capacity", (), {"cores": cores}))
    assert worker_remarks(load_settings({"workers": workers})) == lines


def test_look_is_passed_on(necrozma: Any, started: list[Any]) -> None:
    necrozma("backtest", "--quiet", "--plain")
    assert started[0][1] == {"quiet": True, "plain": True, "remarks": []}


def test_no_ticks_ends_with_a_line_that_says_how_to_get_some(necrozma: Any) -> None:
    result = necrozma("backtest", "--data", "nowhere")
    assert (result.exit_code, result.stdout) == (2, "looking up what is stored in results\n")
    assert result.stderr == f"error: {no_ticks_error(Path('nowhere'))}\n"
    assert not Path("results").exists()


def test_version_is_said(necrozma: Any) -> None:
    assert necrozma("--version").stdout == f"necrozma {__version__}\n"


def test_group_without_a_command_shows_its_help(necrozma: Any) -> None:
    result = necrozma("runs")
    assert result.exit_code == 2
    assert "Commands:" in result.output


def raising(error: Exception) -> Callable[..., int]:
    def start(*_: Any, **__: Any) -> int:
        raise error

    return start


def test_error_of_the_tree_is_one_line_and_its_exit_code(monkeypatch: pytest.MonkeyPatch, necrozma: Any) -> None:
    monkeypatch.setattr("flows.cli.starting.start", raising(PairsFailedError("two\nlines")))
    result = necrozma("backtest")
    assert (result.exit_code, result.stderr) == (3, "error: two lines\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(24, "Too many open files", "data"), 74, "ulimit -n"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), 74, "TMPDIR"),
        (RuntimeError("can't start new thread"), 2, "ulimit -u"),
        (MemoryError(), 2, "ulimit -v"),
    ],
)
def test_what_the_system_refuses_is_named_and_no_bug(
    monkeypatch: pytest.MonkeyPatch, necrozma: Any, error: Exception, code: int, said: str
) -> None:
    monkeypatch.setattr("flows.cli.starting.start", raising(error))
    result = necrozma("backtest")
    assert result.exit_code == code
    assert said in result.stderr
    assert "bug" not in result.stderr


def test_unexpected_error_is_called_a_bug(monkeypatch: pytest.MonkeyPatch, necrozma: Any) -> None:
    monkeypatch.setattr("flows.cli.starting.start", raising(ZeroDivisionError("oh")))
    result = necrozma("backtest")
    assert result.exit_code == 1
    assert result.stderr == ("error: this is a bug, ZeroDivisionError: oh; please report it with what --debug shows\n")


@pytest.mark.parametrize("words", [["--debug", "backtest"], ["backtest", "--debug"]])
def test_debug_anywhere_shows_where_an_error_came_from(
    words: list[str], monkeypatch: pytest.MonkeyPatch, necrozma: Any
) -> None:
    monkeypatch.setattr("flows.cli.starting.start", raising(ZeroDivisionError("oh")))
    result = necrozma(*words)
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "raise error" in result.stderr


def test_interrupt_without_a_run_ends_with_130(monkeypatch: pytest.MonkeyPatch, necrozma: Any) -> None:
    def start(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.cli.starting.start", start)
    assert necrozma("backtest").exit_code == 130


@pytest.mark.parametrize("words", [["--help"], ["backtest", "--help"], ["--version"], ["backtest", "--wrokers"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom flows.cli.app import app\n"
        f"try:\n    app({words!r})\nexcept SystemExit:\n    pass\n"
        f"print(sorted({HEAVY!r} & sys.modules.keys()), file=sys.stderr)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert found.stderr.splitlines()[-1] == "[]"


def test_output_to_a_terminal_without_the_signs_does_not_fail(spawn: Any, executable: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    process = spawn(executable, "backtest", "--data", "now\N{SNOWMAN}here")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.match(r"error: /.*/now\?here: no ticks there", errors)


def test_closed_pipe_is_no_bug(spawn: Any, executable: str) -> None:
    process = spawn("sh", "-c", f"{shlex.quote(executable)} strategies list | head -1")
    output, errors = process.communicate(timeout=120)
    assert output.startswith("strategy")
    assert errors == ""
