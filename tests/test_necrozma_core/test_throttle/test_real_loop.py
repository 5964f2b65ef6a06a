"""The whole loop on the machine at hand: real sensors, gate and processes, for seconds and with wide tolerances.

`benchmarks/governor/real.py` measures the same for longer and says how well. Here the tolerances are wide because a
runner has neighbours: what they use moves the total within a second, and the governor follows after two.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from necrozma_core.throttle.sensors.capacity import measure_capacity

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the load from /proc"),
]

ROOT = Path(__file__).parents[3]
BUSY_PERCENT = 15.0
"""With other people's load above this on average, what is measured is theirs."""

MEASURE = """
import json, sys
from dataclasses import asdict
from benchmarks.governor.real import measure
if __name__ == "__main__":
    measured = measure("ours", float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps({"mean": measured.mean, "rest": measured.rest}))
"""


class Measurement:
    """A measurement that a process of its own makes: some workers under a limit, and hogs beside them."""

    def __init__(self, folder: Path, cpu_limit: float, hogs: int, seconds: float) -> None:
        script = folder / "measure.py"
        script.write_text(MEASURE)
        workers = max(2, round(measure_capacity().cores))
        words = [sys.executable, str(script), str(cpu_limit), str(hogs), str(seconds), str(workers)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)

    def end(self) -> dict[str, float]:
        output, _ = self._process.communicate(timeout=200)
        assert self._process.returncode == 0
        return json.loads(output)


def skip_if_busy(others: float) -> None:
    if others > BUSY_PERCENT:
        pytest.skip(f"other programs used {others:.0f} % of this machine meanwhile: nothing could be measured")


@pytest.mark.parametrize(("cpu_limit", "hogs"), [(40, 0), (80, 0), (80, 1)])
def test_busy_workers_beside_a_hog_or_none_keep_the_total_at_the_limit(
    tmp_path: Path, cpu_limit: float, hogs: int
) -> None:
    measured = Measurement(tmp_path, cpu_limit, hogs, 10).end()
    skip_if_busy(measured["rest"])
    # Beside a hog that alone uses more than the limit, the best that can be is the hog and the floor.
    best = max(cpu_limit, 100 * (hogs + 0.1) / measure_capacity().cores)
    assert best - 15 <= measured["mean"] <= best + 10


def test_two_runs_at_once_keep_to_the_limit_together_and_neither_starves(tmp_path: Path) -> None:
    runs = [Measurement(tmp_path, 60, 0, 20) for _ in range(2)]
    measured = [run.end() for run in runs]
    shares = [each["mean"] - each["rest"] for each in measured]
    total = sum(each["mean"] for each in measured) / 2
    skip_if_busy(total - sum(shares))
    assert 60 - 15 <= total <= 60 + 10
    # Shares become equal within minutes; a run that had to wait for the other's end would have next to nothing.
    assert min(shares) > 0.2 * sum(shares)
