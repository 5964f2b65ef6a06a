"""What a worker loads before its first pair."""

import os
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import sys
from necrozma_core.workers.rehearsal import rehearse
rehearse()
sys.exit("pandas is loaded" if "pandas" in sys.modules else 0)
"""

_COMPILE = """
from necrozma_core.workers.rehearsal import rehearse_everything
rehearse_everything()
"""

_TRADE = """
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.strategies.source import StrategySource
from necrozma_core.workers import rehearsal
from worker_chores import count_compiled

GRIDS = (
    "family=sma_cross trailing_stop_pips=15 trailing_start_pips=5 break_even_pips=8 close_before_roll_minutes=5",
    "family=donchian entry_order=stop entry_from=extreme stop_loss_atr=2 take_profit_atr=3 max_bars=20",
    "family=bollinger entry_order=limit entry_sides=both targets=3:0.5+6:0.25 entry_offset_pips=1 close_at=20:00@UTC",
)
with TemporaryDirectory() as folder:
    plain = rehearsal._plain_request(Path(folder))
    requests = list(rehearsal._other_requests(plain))
    requests += [replace(request, source=StrategySource.from_grid(grid)) for request in requests for grid in GRIDS]
    requests += [replace(plain, asked_size=Size.parse("risk:1%")), replace(plain, account_margin=Margin(30))]
    for request in [*requests, plain]:
        evaluate_pair(with_key(request), lambda *_: None)
from necrozma_core.kernels.walks.bar_order_walk import walk_bar_orders
from necrozma_core.kernels.walks.order_walk import walk_orders
print(len(walk_orders.signatures), len(walk_bar_orders.signatures), count_compiled(None))
"""


def test_backtest_with_orders_after_everything_was_rehearsed_compiles_nothing() -> None:
    for script in (_COMPILE, _TRADE):
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
        assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "1", "0"]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}


def test_backtest_whole_pair_loads_no_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
