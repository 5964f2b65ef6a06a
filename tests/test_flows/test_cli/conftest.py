"""A command in a folder of its own, with nobody's settings around it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.app import app

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith(("NECROZMA_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def necrozma() -> Callable[..., Result]:
    """Run a command in this process."""
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def spawn(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """Start a command as a shell would; killed at the end of the test if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            list(words), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def executable() -> str:
    """The installed command, or its module where only the checkout is on the path."""
    found = Path(sys.executable).with_name("necrozma")
    return str(found) if found.exists() else str(shutil.which("necrozma"))
