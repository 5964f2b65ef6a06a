"""What hands out the work must not load the compiler that does it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["backtest.request", "backtest.parts", "backtest.outcome", "workers.pool"])
def test_asking_for_a_backtest_loads_no_compiler(module: str) -> None:
    script = f"import sys, necrozma_core.{module}; sys.exit('numba' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
