"""The command that a message offers works as it is pasted: in another folder, without this shell's variables."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import config
from flows.cli.app import app
from flows.resuming import program, resuming_command
from flows.settings import Settings, load_settings, restore_settings

INSTALLED = Path(sys.executable).with_name("necrozma")
SWAP = '{"EURUSD": {"long": -0.52, "short": 0.11}}'
GOLD = '{"XAUUSD": {"pip": 0.01, "contract_size": 10}}'

texts = {
    "PAIRS": st.sampled_from(["EURUSD", "EURUSD, XAUUSD"]),
    "DATA": st.sampled_from(["ticks", "/srv/my ticks", "it's here", "$HOME/data"]),
    "RESULTS": st.sampled_from(["out", "../out", "/srv/results; ls"]),
    "TIMEFRAME": st.sampled_from(["5min", "1h"]),
    "GRID": st.sampled_from(["family=rsi period=7,14 low=20:30:5; family=macd"]),
    "LOTS": st.sampled_from(["0.1", "0.25"]),
    "COMMISSION": st.sampled_from(["0", "3.5"]),
    "SWAP_RATES": st.just(SWAP),
    "INSTRUMENTS": st.just(GOLD),
    "ACCOUNT_CURRENCY": st.sampled_from(["USD", "EUR"]),
    "INITIAL_BALANCE": st.sampled_from(["10000", "5000.5"]),
    "MAX_WORKERS": st.sampled_from(["16", "32"]),
    "WORKERS": st.sampled_from(["1", "3"]),
    "COOLDOWN_SECONDS": st.sampled_from(["5", "0"]),
    "NICE": st.sampled_from(["true", "false"]),
    "ADAPTIVE_THROTTLING": st.sampled_from(["true", "false"]),
    "KEEP_TRADES": st.sampled_from(["50", "all", "0"]),
    "MEMORY_FLOOR_MB": st.sampled_from(["256", "1000"]),
    "PREFECT_HOME": st.sampled_from(["history", "/srv/history"]),
}
edits = {
    "lots": st.sampled_from([0.1, 0.5]),
    "nice_priority": st.booleans(),
    "keep_trades": st.sampled_from([50, "all"]),
    "initial_balance": st.sampled_from([10_000.0, 700.0]),
    "cooldown_seconds": st.sampled_from([5, 2]),
}
flags_given = st.fixed_dictionaries(
    {},
    optional={
        "data": st.just(Path("by flag")),
        "lots": st.sampled_from([0.1, 0.3]),
        "nice": st.booleans(),
        "workers": st.integers(1, 16),
        "keep_trades": st.sampled_from(["all", 50]),
        "cooldown_seconds": st.sampled_from([5.0, 9.0]),
    },
)


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("NECROZMA_")]:
        monkeypatch.delenv(name)


def placed(settings: Settings) -> Settings:
    """The same settings with the absolute paths of where they were made."""
    paths = {name: value.absolute() for name, value in settings if isinstance(value, Path)}
    return settings.model_copy(update=paths)


def pasted(command: str) -> Settings:
    """The settings that a command comes to, typed where no variable is set."""
    words = shlex.split(command)
    start = next(number for number, word in enumerate(words) if Path(word).name == "necrozma")
    calls: list[Settings] = []
    with pytest.MonkeyPatch.context() as patch:
        for word in words[:start]:
            patch.setenv(*word.split("=", 1))
        patch.setattr("flows.cli.starting.start", lambda settings, remarks, **look: calls.append(settings) or 0)
        result = CliRunner().invoke(app, words[start + 1 :])
    assert result.output == ""
    return calls[0]


@given(st.fixed_dictionaries({}, optional=texts), st.fixed_dictionaries({}, optional=edits), flags_given)
def test_command_asks_for_the_same_wherever_it_is_pasted(
    tmp_path_factory: pytest.TempPathFactory,
    variables: Mapping[str, str],
    edited: Mapping[str, Any],
    flags: Mapping[str, Any],
) -> None:
    here, elsewhere = tmp_path_factory.getbasetemp(), tmp_path_factory.getbasetemp().parent
    with pytest.MonkeyPatch.context() as patch:
        for key, value in edited.items():
            dictionary = next(
                each for each in (config.WORKER_CONFIG, config.STORAGE_CONFIG, config.BACKTEST_CONFIG) if key in each
            )
            patch.setitem(dictionary, key, value)
        with pytest.MonkeyPatch.context() as shell:
            shell.chdir(here)
            for name, value in variables.items():
                shell.setenv(f"NECROZMA_{name}", value)
            asked = placed(load_settings(flags))
            command = resuming_command(load_settings(flags))
        patch.chdir(elsewhere)
        assert pasted(command) == asked


def test_command_of_a_recorded_run_asks_for_what_it_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = load_settings({"swap_rates": SWAP, "initial_balance": 500, "max_workers": 24, "workers": 20}).record()
    asked = restore_settings(record)
    monkeypatch.chdir(tmp_path)
    assert pasted(resuming_command(asked)) == asked


def test_command_names_the_folders_even_where_they_are_as_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(resuming_command(load_settings()))
    assert words[-4:] == ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results")]


def test_command_does_not_stumble_over_a_variable_that_a_flag_went_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECROZMA_WORKERS", "many")
    monkeypatch.setitem(config.WORKER_CONFIG, "cpu_limit", "high")
    command = resuming_command(load_settings({"workers": 2, "cpu_limit": 70}))
    assert "--workers 2 --cpu-limit 70" in command


@pytest.mark.skipif(not INSTALLED.exists(), reason="the command is not installed beside this Python")
def test_program_is_found_by_its_path_unless_every_folder_finds_it_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(INSTALLED.parent))
    assert program() == "necrozma"
    monkeypatch.setenv("PATH", os.path.relpath(INSTALLED.parent))
    assert program() == str(INSTALLED)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == str(INSTALLED)
    (tmp_path / "necrozma").write_text("#!/bin/sh\n")
    (tmp_path / "necrozma").chmod(0o755)
    assert program() == str(INSTALLED), "another checkout's"


@pytest.mark.skipif(not INSTALLED.exists(), reason="the command is not installed beside this Python")
def test_command_works_in_a_shell_that_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "it's; my $data"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NECROZMA_DATA", "ticks of mine")
    monkeypatch.setenv("NECROZMA_SWAP_RATES", SWAP)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    command = resuming_command(load_settings())
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["sh", "-c", command], cwd="/", env=bare, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {folder / 'ticks of mine'}: no ticks there")
