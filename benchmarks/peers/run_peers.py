"""Run a case in other backtesters. Started by `benchmarks.peers.compare` in their environment; imports nothing of ours.

Reads bars and settings from an ``.npz`` file, writes one JSON line a peer: seconds of each run and trades by
setting. Each peer is called in its quickest way: vectorbt with all columns at once, raptorbt by its batch call, and
both with the statistics that make a result comparable with ours. On one core, like every other.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

if sys.platform == "linux":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")

Arrays = dict[str, np.ndarray]


class Setting(NamedTuple):
    """Two moving averages; stop and target as fractions of the price, NaN for none."""

    fast: int
    slow: int
    stop: float
    target: float

    @property
    def has_levels(self) -> bool:
        """Whether it has a stop and a target."""
        return self.stop == self.stop


def crossings(close: np.ndarray, fast: int, slow: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where the fast mean crosses above and below the slow one."""
    series = pd.Series(close)
    above = (series.rolling(fast).mean() > series.rolling(slow).mean()).to_numpy()
    valid = np.arange(len(close)) >= slow
    up = above & ~np.roll(above, 1) & valid
    down = ~above & np.roll(above, 1) & valid
    return up, down


def run_vectorbt(case: Arrays, settings: list[Setting], engine: str) -> list[int]:
    """Trade all settings as columns of one portfolio and compute its usual statistics."""
    vbt = _vectorbt(engine)
    index = pd.to_datetime(case["time_ms"], unit="ms")
    close = pd.Series(case["close"], index=index)
    fast = vbt.MA.run(close, [setting.fast for setting in settings], short_name="fast")
    slow = vbt.MA.run(close, [setting.slow for setting in settings], short_name="slow")
    entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
    levels: dict[str, Any] = {}
    if settings[0].has_levels:
        levels = {name: pd.Series(case[name], index=index) for name in ("open", "high", "low")}
        levels["sl_stop"] = np.array([[setting.stop for setting in settings]])
        levels["tp_stop"] = np.array([[setting.target for setting in settings]])
    return _trade(vbt, close, entries, exits, "1min", levels)


def run_vectorbt_on_ticks(case: Arrays, settings: list[Setting], engine: str) -> list[int]:
    """Trade one setting with every tick as a bar; its signals are given, placed on the ticks at which they act."""
    vbt = _vectorbt(engine)
    close = pd.Series(case["close"], index=pd.to_datetime(case["time_ms"], unit="ms"))
    acts = np.zeros((2, len(close)), dtype=bool)
    acts[0, case["up"]] = acts[1, case["down"]] = True
    entries, exits = (pd.Series(side, index=close.index) for side in acts)
    levels = {"sl_stop": settings[0].stop, "tp_stop": settings[0].target}
    return _trade(vbt, close, entries, exits, "1s", levels)


def _vectorbt(engine: str) -> Any:
    import vectorbt as vbt  # noqa: PLC0415 -- only the peer that is asked for

    vbt.settings["engine"] = engine
    return vbt


def _trade(vbt: Any, close: Any, entries: Any, exits: Any, freq: str, more: dict[str, Any]) -> list[int]:
    portfolio = vbt.Portfolio.from_signals(
        close, entries=entries, short_entries=exits, init_cash=100_000.0, size=1.0, freq=freq, **more
    )
    for figure in ("total_return", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown"):
        getattr(portfolio, figure)()
    portfolio.trades.win_rate()
    portfolio.trades.profit_factor()
    portfolio.trades.expectancy()
    return [int(count) for count in np.atleast_1d(portfolio.trades.count())]


def run_raptorbt(case: Arrays, settings: list[Setting], sides: tuple[int, ...]) -> list[int]:
    """Trade all settings in its batch call, each side separately, because raptorbt does not reverse a position."""
    import raptorbt  # noqa: PLC0415

    times = case["time_ms"].astype(np.int64) * 1_000_000
    items = []
    for number, setting in enumerate(settings):
        quick, lazy = (np.asarray(raptorbt.sma(case["close"], period)) for period in (setting.fast, setting.slow))
        above = quick > lazy
        known = ~np.isnan(lazy) & ~np.isnan(np.roll(lazy, 1))
        up, down = above & ~np.roll(above, 1) & known, ~above & np.roll(above, 1) & known
        config = raptorbt.BacktestConfig(fees=0.0)
        if setting.has_levels:
            config.set_fixed_stop(setting.stop)
            config.set_fixed_target(setting.target)
        for side in sides:
            enter, leave = (up, down) if side > 0 else (down, up)
            items.append(raptorbt.BatchSingleItem(f"{number} {side}", enter, leave, side, 1.0, "BENCH", config))
    columns = [case[name] for name in ("open", "high", "low", "close")]
    results = raptorbt.batch_single_backtest(
        times, *columns, np.ones(len(times)), items, raptorbt.BacktestConfig(fees=0.0)
    )
    return [int(result.metrics.total_trades) for _, result in results]


def run_backtesting(case: Arrays, settings: list[Setting]) -> list[int]:
    """Trade the settings one after the other, as its own ``optimize`` does."""
    from backtesting import Backtest, Strategy  # noqa: PLC0415

    frame = pd.DataFrame(
        {name.capitalize(): case[name] for name in ("open", "high", "low", "close")},
        index=pd.to_datetime(case["time_ms"], unit="ms"),
    )

    class Cross(Strategy):  # type: ignore[misc]  # backtesting has no types, and is in the peers' environment only
        fast, slow, stop, target = 10, 30, float("nan"), float("nan")

        def init(self) -> None:
            up, down = crossings(np.asarray(self.data.Close), self.fast, self.slow)
            self.up, self.down = self.I(lambda: up, plot=False), self.I(lambda: down, plot=False)

        def next(self) -> None:
            if self.up[-1]:
                self.position.close()
                self.buy(size=1, **self._levels(1))
            elif self.down[-1]:
                self.position.close()
                self.sell(size=1, **self._levels(-1))

        def _levels(self, side: int) -> dict[str, float]:
            if self.stop != self.stop:
                return {}
            close = self.data.Close[-1]
            return {"sl": close * (1 - side * self.stop), "tp": close * (1 + side * self.target)}

    test = Backtest(frame, Cross, cash=1_000_000, finalize_trades=True)
    return [int(test.run(**setting._asdict())["# Trades"]) for setting in settings]


PEERS: dict[str, Callable[[Arrays, list[Setting]], list[int]]] = {
    "vectorbt (numba)": lambda case, settings: run_vectorbt(case, settings, "numba"),
    "vectorbt (rust)": lambda case, settings: run_vectorbt(case, settings, "rust"),
    "raptorbt, long side only": lambda case, settings: run_raptorbt(case, settings, (1,)),
    "raptorbt, both sides": lambda case, settings: run_raptorbt(case, settings, (1, -1)),
    "backtesting.py": run_backtesting,
    "vectorbt (numba), ticks": lambda case, settings: run_vectorbt_on_ticks(case, settings, "numba"),
    "vectorbt (rust), ticks": lambda case, settings: run_vectorbt_on_ticks(case, settings, "rust"),
}


def peak_memory_mb() -> float:
    """Return the most memory that this process has held; NaN where that is not known."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), float("nan"))


def main() -> None:
    """Read the case named on the command line and time the peer named beside it."""
    path, peer, runs, warm_up = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with np.load(path) as file:
        case = {name: file[name] for name in file.files}
    settings = [Setting(int(fast), int(slow), stop, target) for fast, slow, stop, target in case["settings"].tolist()]
    trades: list[int] = []
    seconds = []
    for run in range(warm_up + runs):
        start = time.perf_counter()
        trades = PEERS[peer](case, settings)
        if run >= warm_up:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"peer": peer, "seconds": seconds, "trades": trades, "peak_mb": peak_memory_mb()}))


if __name__ == "__main__":
    main()
