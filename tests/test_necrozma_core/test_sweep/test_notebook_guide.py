"""The script of docs/notebook.md, as it stands there: run, killed in the middle, run again."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from storage_samples import tree

from necrozma_core import SweepRequest

GUIDE = Path(__file__).parents[3] / "docs" / "notebook.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def test_guide_names_every_argument_of_a_request_that_a_user_gives() -> None:
    table = GUIDE.read_text().partition("| argument")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines()[2:])))
    assert named == set(SweepRequest.__dataclass_fields__) - {"kernels", "settings", "retry"}


@pytest.mark.parametrize("block", blocks())
def test_guide_every_block_is_python(block: str) -> None:
    compile(block, "notebook.md", "exec")


@pytest.mark.faults
def test_guide_script_killed_in_the_middle_and_run_again_gives_the_same_bytes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cache = request.config.cache
    assert cache is not None
    (tmp_path / "sweep.py").write_text(blocks()[0])
    # Compiled kernels are kept in the user's home; a test has a home that it may keep between sessions.
    environment = {**os.environ, "HOME": str(cache.mkdir("necrozma-home"))}

    def start(name: str) -> "subprocess.Popen[str]":
        (tmp_path / name).mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, str(tmp_path / "sweep.py")],
            cwd=tmp_path / name,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    undisturbed = start("undisturbed")
    words, errors = undisturbed.communicate(timeout=250)
    assert undisturbed.returncode == 0, errors
    assert words.startswith("OK [('EURUSD', True), ('GBPUSD', True)]\nresults/runs/")

    killed, deadline = start("killed"), time.monotonic() + 120
    while not list((tmp_path / "killed").glob("results/store/*/*/*")) and killed.poll() is None:
        assert time.monotonic() < deadline, "waited in vain for a pair to be begun"
        time.sleep(0.001)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()

    again = start("killed")
    words, errors = again.communicate(timeout=250)
    assert again.returncode == 0, errors
    assert tree(tmp_path / "killed" / "results" / "store") == tree(tmp_path / "undisturbed" / "results" / "store")
