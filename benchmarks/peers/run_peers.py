"""Run the grid of moving averages in other backtesters. Started by ``python -m benchmarks.peers`` in their environment.

Reads bars and settings from an ``.npz`` file, writes one JSON line a peer: seconds of each run and trades by
setting. Each peer gets what it is best at: vectorbt all columns at once, raptorbt its batch call, and for both
the statistics that make a result comparable with ours.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")

Signals = list[tuple[np.ndarray, np.ndarray]]


def crossings(close: np.ndarray, fast: int, slow: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where the fast mean crosses above and below the slow one; computed with each peer's own speed in mind."""
    series = pd.Series(close)
    above = (series.rolling(fast).mean() > series.rolling(slow).mean()).to_numpy()
    valid = np.arange(len(close)) >= slow
    up = above & ~np.roll(above, 1) & valid
    down = ~above & np.roll(above, 1) & valid
    return up, down


def run_vectorbt(bars: dict[str, np.ndarray], settings: list[tuple[int, int]], engine: str) -> list[int]:
    """Trade all settings as columns of one portfolio and compute its usual statistics."""
    import vectorbt as vbt  # noqa: PLC0415 - only the peer that is asked for

    if engine == "rust":
        vbt.settings["engine"] = "rust"
    close = pd.Series(bars["close"], index=pd.to_datetime(bars["time_ms"], unit="ms"))
    fast = vbt.MA.run(close, [setting[0] for setting in settings], short_name="fast")
    slow = vbt.MA.run(close, [setting[1] for setting in settings], short_name="slow")
    entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
    portfolio = vbt.Portfolio.from_signals(
        close, entries=entries, short_entries=exits, init_cash=100_000.0, size=1.0, freq="1min"
    )
    for figure in ("total_return", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown"):
        getattr(portfolio, figure)()
    portfolio.trades.win_rate()
    portfolio.trades.profit_factor()
    portfolio.trades.expectancy()
    return [int(count) for count in np.asarray(portfolio.trades.count())]


def run_raptorbt(bars: dict[str, np.ndarray], settings: list[tuple[int, int]], side: str) -> list[int]:
    """Trade all settings in its batch call, long side only: it does not reverse a position."""
    import raptorbt  # noqa: PLC0415

    times = bars["time_ms"].astype(np.int64) * 1_000_000
    items = []
    for number, (fast, slow) in enumerate(settings):
        quick, lazy = (np.asarray(raptorbt.sma(bars["close"], period)) for period in (fast, slow))
        above = quick > lazy
        known = ~np.isnan(lazy) & ~np.isnan(np.roll(lazy, 1))
        up, down = above & ~np.roll(above, 1) & known, ~above & np.roll(above, 1) & known
        items.append(raptorbt.BatchSingleItem(str(number), up, down, 1, 1.0, side))
    columns = [bars[name] for name in ("open", "high", "low", "close")]
    results = raptorbt.batch_single_backtest(
        times, *columns, np.ones(len(times)), items, raptorbt.BacktestConfig(fees=0.0)
    )
    return [int(result.metrics.total_trades) for _, result in results]


def run_backtesting(bars: dict[str, np.ndarray], settings: list[tuple[int, int]]) -> list[int]:
    """Trade the settings one after the other, as its own ``optimize`` does."""
    from backtesting import Backtest, Strategy  # noqa: PLC0415

    frame = pd.DataFrame(
        {name.capitalize(): bars[name] for name in ("open", "high", "low", "close")},
        index=pd.to_datetime(bars["time_ms"], unit="ms"),
    )

    class Cross(Strategy):
        fast, slow = 10, 30

        def init(self) -> None:
            up, down = crossings(np.asarray(self.data.Close), self.fast, self.slow)
            self.up, self.down = self.I(lambda: up, plot=False), self.I(lambda: down, plot=False)

        def next(self) -> None:
            if self.up[-1]:
                self.position.close()
                self.buy(size=1)
            elif self.down[-1]:
                self.position.close()
                self.sell(size=1)

    test = Backtest(frame, Cross, cash=1_000_000, finalize_trades=True)
    return [int(test.run(fast=fast, slow=slow)["# Trades"]) for fast, slow in settings]


PEERS: dict[str, Callable[[dict[str, np.ndarray], list[tuple[int, int]]], list[int]]] = {
    "vectorbt (numba)": lambda bars, settings: run_vectorbt(bars, settings, "numba"),
    "raptorbt (long side only)": lambda bars, settings: run_raptorbt(bars, settings, "BENCH"),
    "backtesting.py": run_backtesting,
}


def main() -> None:
    """Read the case named on the command line and time the peer named beside it."""
    path, peer, runs, warm_up = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with np.load(path) as case:
        bars = {name: case[name] for name in ("time_ms", "open", "high", "low", "close")}
        settings = [tuple(setting) for setting in case["settings"].tolist()]
    trades: list[int] = []
    seconds = []
    for run in range(warm_up + runs):
        start = time.perf_counter()
        trades = PEERS[peer](bars, settings)
        if run >= warm_up:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"peer": peer, "seconds": seconds, "trades": trades}))


if __name__ == "__main__":
    main()
