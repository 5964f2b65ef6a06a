"""Runs a measurement in a new process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[2]

_ONE_THREAD: Final = dict.fromkeys(
    ("ARROW_IO_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)


def run_child(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a function of `benchmarks.measuring.child` in a new process with one numeric thread.

    Returns
    -------
    dict
        The JSON that it printed, and ``wall``: seconds from its start to its end.

    Raises
    ------
    SystemExit
        If it fails, with what it printed.
    """
    command = [sys.executable, "-m", "benchmarks.measuring.child", name, *arguments]
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env={**os.environ, **_ONE_THREAD, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": wall}
