"""Names, paths, exceptions and contents of files from anywhere: nothing in them reaches a terminal but as an escape."""

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hostile_texts import hostile_texts, steering_signs
from rich.console import Console
from typer.testing import Result

from flows.settings import load_settings
from flows.terminal.console import PlainConsole
from flows.terminal.live import RunPicture
from flows.terminal.plain_text import PlainTextConsole
from flows.terminal.stored_runs import show_run
from flows.terminal.streams import standard_streams
from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import DataError, StrategyError
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import PairRecord, PairState, RunStatus
from necrozma_core.throttle.control import Look
from necrozma_core.throttle.decisions import Decision, Reason
from necrozma_core.throttle.gate import GateState, GateView
from necrozma_core.throttle.sensors.readings import Readings
from necrozma_core.workers.progress import SlotProgress

# Some of each kind with every run of the tests, and a thousand together in the slow ones. Each text goes through one of
# the commands of its kind, in turn.
COUNTS = [pytest.param(24, id="some"), pytest.param(250, id="thousand", marks=pytest.mark.slow)]
CSV = "timestamp,bid,ask\n2026-01-12 10:00:00,1.1,1.2\n"


def assert_harmless(result: Result, text: str) -> None:
    assert not steering_signs(result.output), ascii(text)
    assert not steering_signs(result.stderr), ascii(text)
    assert "this is a bug" not in result.output, ascii(text)


def as_python(text: str) -> str:
    return ascii(text).replace("\\ud", "\\\\ud") if any(0xD800 <= ord(sign) < 0xE000 for sign in text) else ascii(text)


@pytest.mark.parametrize("count", COUNTS)
def test_paths_of_any_signs_are_shown_as_escapes(necrozma: Callable[..., Result], tmp_path: Path, count: int) -> None:
    for number, text in enumerate(hostile_texts(count, seed=2, unlike="\0/\ud800")):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / text[:60]
        Path(f"{path}.csv").write_text(CSV.replace("1.1", "x"))
        commands = (
            ["data", "list", "--data", str(path)],
            ["data", "import", f"{path}.txt", "--pair", "EURUSD"],
            ["data", "import", f"{path}.csv", "--pair", "EURUSD", "--to", str(folder / "data")],
            ["runs", "list", "--results", str(path)],
            ["strategies", "list", "--strategies", f"{path}.py"],
        )
        result = necrozma(*commands[number % len(commands)])
        assert result.exit_code == 2
        assert_harmless(result, text)


@pytest.mark.parametrize("count", COUNTS)
def test_contents_of_files_of_any_signs_are_shown_as_escapes(
    necrozma: Callable[..., Result], tmp_path: Path, count: int
) -> None:
    file, settings, packed = tmp_path / "a.csv", tmp_path / "a.toml", tmp_path / "a.zip"
    for number, text in enumerate(hostile_texts(count, seed=3)):
        content = text.encode(errors="surrogateescape" if "\ud800" not in text else "replace")
        file.write_bytes(CSV.encode().replace(b"1.1", content) if number % 2 else content + b"," + CSV.encode())
        settings.write_bytes(b"[[sweep]]\nfamily = '" + content + b"'\n")
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(re.sub("[\ud800-\udfff\0]", "", text)[:80] or "x", CSV)
        commands = (
            ["data", "import", str(file), "--pair", "EURUSD", "--to", str(tmp_path / "data")],
            ["strategies", "list", "--settings", str(settings)],
            ["data", "import", str(packed), "--pair", "EURUSD", "--to", str(tmp_path / "data")],
        )
        assert_harmless(necrozma(*commands[number % len(commands)]), text)


@pytest.mark.parametrize("count", COUNTS)
def test_names_and_exceptions_of_a_users_file_are_shown_as_escapes(
    necrozma: Callable[..., Result], tmp_path: Path, count: int
) -> None:
    file = tmp_path / "mine.py"
    for number, text in enumerate(hostile_texts(count, seed=4)):
        codes = (
            f"raise ValueError({as_python(text)})",
            f"def strategies():\n    raise {{}}.get(0, OSError)({as_python(text)})",
            f"class S:\n    name = {as_python(text)}\n    params = {{}}\n    stop_loss_pips = take_profit_pips = None\n"
            "    def signals(self, bars): ...\ndef strategies():\n    return [S()]",
        )
        file.write_text(codes[number % len(codes)])
        assert_harmless(necrozma("strategies", "list", "--strategies", str(file)), text)


@pytest.mark.parametrize("count", COUNTS)
def test_values_of_flags_and_variables_of_any_signs_are_shown_as_escapes(
    necrozma: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    for number, text in enumerate(hostile_texts(count, seed=5, unlike="\0\ud800")):
        commands = (
            ["strategies", "list", "--grid", f"family={text}"],
            ["data", "import", "x.csv", "--pair", text],
            ["runs", "show", text],
            [text],
            ["doctor", f"--{text}"],
        )
        variables = ("WORKERS", "PAIRS", "TIMEFRAME")
        result = necrozma(*commands[number % len(commands)])
        assert result.exit_code == 2
        assert_harmless(result, text)
        with monkeypatch.context() as patch:
            patch.setenv(f"NECROZMA_{variables[number % len(variables)]}", text)
            assert_harmless(necrozma("data", "list"), text)


def test_run_that_is_shown_while_it_goes_on_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    console = PlainConsole(load_settings())
    with standard_streams():
        for text in hostile_texts(200, seed=6):
            console.on_message(text)
            console.on_pair_done(Receipt("EURUSD", "0" * 64, True, 2, 1, 1, ((text, text),), {}))
            console.on_pair_failed("GBPUSD", StrategyError(f"{text} raised ValueError: {text}"))
            console.on_pair_failed("GBPUSD", ValueError(text))
    shown = capsys.readouterr()
    assert not steering_signs(shown.out + shown.err)


def test_live_view_of_strategies_of_any_name_steers_nothing() -> None:
    console = PlainTextConsole(80)
    for text in hostile_texts(200, seed=7):
        row = SlotProgress(pid=1, pair="EURUSD", stage="strategies", label=text, total=5)
        run: Any = SimpleNamespace(
            requests=[None], is_stopping=False, progress=lambda row=row: [row],
            gate=lambda: GateView(GateState.OPEN, 1.0, 0.0),
            latest_look=lambda: Look(0.0, Readings(time=1.0), Decision(1.0, Reason.STEADY)),
        )  # fmt: skip
        segments = list(console.render(RunPicture(run, load_settings(), set()).draw(1.0)))
        assert not steering_signs("".join(each.text for each in segments if not each.control))
        assert not any(each.control for each in segments)


def test_stored_run_with_failures_of_any_text_steers_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = hostile_texts(200, seed=8, unlike="\ud800\udc9b\udcff")
    run = RunFolder.create(
        tmp_path, settings={"data": texts[0]}, inputs={}, keys={"EURUSD": "0" * 64, "GBPUSD": "1" * 64}
    )
    run.record("EURUSD", PairRecord("0" * 64, PairState.COMPUTED, None, tuple((text, text) for text in texts)))
    run.record("GBPUSD", PairRecord("1" * 64, PairState.FAILED, "".join(texts)))
    run.finish(RunStatus.FAILED)
    with standard_streams():
        show_run(tmp_path, run.manifest)
    shown = capsys.readouterr().out
    assert "GBPUSD" in shown
    assert not steering_signs(shown)


@pytest.mark.parametrize(
    "value", ["htps://hooks.slack.com/services/T0/B0/SECRET", "hooks.slack.com/SECRET", "http:/SECRET?token=SECRET"]
)
def test_address_of_the_webhook_is_shown_nowhere(
    necrozma: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("NECROZMA_NOTIFY_URL", value)
    for words in (["doctor"], ["doctor", "--debug"], ["server", "status"]):
        result = necrozma(*words)
        assert result.exit_code == 2
        assert "NECROZMA_NOTIFY_URL: should be an address" in result.output
        assert "SECRET" not in result.output
        assert "hooks" not in result.output


def test_password_of_prefects_server_is_not_shown(
    necrozma: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://me:SECRET@127.0.0.1:9/api?key=SECRET")
    for words in (["ui"], ["doctor"], ["deploy"]):
        result = necrozma(*words)
        assert "SECRET" not in result.output
    assert "127.0.0.1:9" in necrozma("ui").output


def test_traceback_that_debug_shows_is_printable(necrozma: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("raise ValueError('a\\x1b[31m\\x07')")
    result = necrozma("strategies", "list", "--strategies", str(file), "--debug")
    assert "Traceback" in result.output
    assert not steering_signs(result.output)


@pytest.mark.parametrize("words", [["data", "list", "--data"], ["runs", "list", "--results"], ["data", "import"]])
@pytest.mark.parametrize("path", ["a/" * 2_500, "a" * 300])
def test_path_that_no_system_can_have_is_a_path_to_check(
    necrozma: Callable[..., Result], words: list[str], path: str
) -> None:
    result = necrozma(*words, path, *(["--pair", "EURUSD"] if words[1] == "import" else []))
    assert result.exit_code == 2
    assert "this is a bug" not in result.output
    assert len(result.output) < 500


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_folder_or_pipe_for_a_file_is_named_as_what_it_is(
    necrozma: Callable[..., Result], tmp_path: Path, kind: str
) -> None:
    for name, words in {
        "a.csv": ["data", "import", "--pair", "EURUSD"],
        "a.py": ["strategies", "list", "--strategies"],
        "a.toml": ["strategies", "list", "--settings"],
    }.items():
        (tmp_path / name).mkdir() if kind == "folder" else os.mkfifo(tmp_path / name)
        result = necrozma(*words, name)
        assert result.exit_code == 2
        # Ticks may lie in a folder.
        expected = "expected files of ticks in the folder" if (name, kind) == ("a.csv", "folder") else f"a {kind}"
        assert f"{name}: {expected}" in result.output


def test_error_of_ours_is_printable_for_whoever_prints_it() -> None:
    assert str(DataError("a\x1b[31m")) == "a\\x1b[31m"
    console = Console(file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(str(DataError("a\x1b[31m")))
    console.file.close()
