"""What a worker loads before its first pair."""

import subprocess
import sys

_SCRIPT = """
import sys
from necrozma_core.workers.rehearsal import rehearse
rehearse()
sys.exit("pandas is loaded" if "pandas" in sys.modules else 0)
"""


def test_backtest_whole_pair_loads_no_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
