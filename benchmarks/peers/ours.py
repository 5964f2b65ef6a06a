"""Run a case in the product, on one core; started by `benchmarks.peers.compare`, as each peer is.

Peers get bars. The product gets the ticks from which the same bars are built, because it trades on ticks. Reading and
building bars is counted for neither; indicators, signals, simulation, money and metrics are counted for both.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Final

if sys.platform == "linux":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from benchmarks.measuring.measure import peak_memory_mb
from necrozma_core.backtest.outcome import Market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate
from necrozma_core.errors import StrategyError
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.equity import trading_days
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.source import StrategySource

_NOWHERE: Final = Path("unused")


def main() -> None:
    """Backtest a grid on one pair as often as asked and print seconds, trades and peak memory."""
    data, pair, timeframe, grid = sys.argv[1:5]
    runs, warm_up = int(sys.argv[5]), int(sys.argv[6])
    ticks = TickStore(Path(data)).read(pair)
    source = StrategySource.from_grid(grid)
    strategies = source.load()
    request = PairRequest(pair, parse_timeframe(timeframe), source, Path(data), _NOWHERE)
    conversion = Conversion.identity()
    trades: list[int] = []
    seconds = []
    for run in range(warm_up + runs):
        # New bars, so that no indicator is remembered from the run before.
        market = Market(
            ticks, bars_from_ticks(ticks, request.timeframe_ms), conversion, trading_days(ticks, conversion)
        )
        start = time.perf_counter()
        outcomes = list(evaluate(market, strategies, request, lambda *_: None))
        if run >= warm_up:
            seconds.append(time.perf_counter() - start)
        if failed := next((outcome for outcome in outcomes if isinstance(outcome, StrategyError)), None):
            raise SystemExit(str(failed))
        trades = [outcome.metrics.trades for outcome in outcomes if not isinstance(outcome, StrategyError)]
    print(json.dumps({"peer": "ours", "seconds": seconds, "trades": trades, "peak_mb": peak_memory_mb()}))


if __name__ == "__main__":
    main()
