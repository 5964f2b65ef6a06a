"""How the process of a command ends."""

import subprocess
import sys

import pytest

from flows.cli.exits import FLOW_THREAD

PROGRAM = """
import atexit, sys, threading
from flows.cli.app import app

atexit.register(print, "python ended in order")
threading.Thread(target=threading.Event().wait, name={name!r}, daemon=True).start()
app(["runs", "list", "--results", "/nonexistent/results"])
"""


@pytest.mark.parametrize(("name", "in_order"), [(FLOW_THREAD, False), ("another", True)])
def test_process_with_an_abandoned_flow_ends_at_once_with_its_code(name: str, in_order: bool) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(name=name)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no run there yet" in done.stderr
    assert ("python ended in order" in done.stdout) is in_order


def test_thread_of_the_flow_has_the_name_that_is_looked_for() -> None:
    import threading

    from flows.flow_thread import run_in_thread

    class Session:
        is_stopping = False

    names: list[str] = []
    run_in_thread(Session(), lambda crossing: names.append(threading.current_thread().name))  # type: ignore[arg-type]
    assert names == [FLOW_THREAD]
