"""Run orders in other backtesters. Started by `benchmarks.peers.orders` in their environment; imports nothing of ours.

Reads bars, signals and cases from a JSON file and prints one JSON line: for each case and peer that has such orders,
its trades as side, entry bar, entry price, exit bar, exit price. Each peer is given the exact levels, where it takes
prices instead of distances: by looking ahead at the opening at which it will enter.
"""

import contextlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")

Trades = list[tuple[int, int, float, int, float]]


def run_vectorbt(bars: np.ndarray, signals: np.ndarray, case: dict[str, Any]) -> Trades | None:
    """Trade at openings, the stops counted from the fill; orders that wait there are none."""
    if case["entry"] != "market":
        return None
    import vectorbt as vbt  # noqa: PLC0415
    from numba import njit  # noqa: PLC0415
    from vectorbt.portfolio.enums import OppositeEntryMode, StopEntryPrice  # noqa: PLC0415

    @njit
    def keep_distance(context: Any, distance: float) -> tuple[float, bool]:
        # Its trailing stop is a fraction of the best price; this makes it a distance.
        return (distance / context.curr_price if context.curr_trail else context.curr_stop), context.curr_trail

    frame = pd.DataFrame(bars.astype(float), pd.date_range("2020", periods=len(bars), freq="1h"), list("ohlc"))
    acts = np.concatenate([[0], signals[:-1]])
    more: dict[str, Any] = {}
    distance = case["trailing"] or case["stop"]
    if distance is not None:
        more["sl_stop"] = distance / frame["o"]
    if case["target"] is not None:
        more["tp_stop"] = case["target"] / frame["o"]
    if case["trailing"] is not None:
        more |= {"sl_trail": True, "adjust_sl_func_nb": keep_distance, "adjust_sl_args": (case["trailing"],)}
    portfolio = vbt.Portfolio.from_signals(
        frame["c"],
        entries=pd.Series(acts > 0, frame.index),
        short_entries=pd.Series(acts < 0, frame.index),
        price=frame["o"],
        open=frame["o"],
        high=frame["h"],
        low=frame["l"],
        size=1.0,
        init_cash=1e12,
        stop_entry_price=StopEntryPrice.FillPrice,
        upon_opposite_entry=OppositeEntryMode.Reverse,
        freq="1h",
        **more,
    )
    records = portfolio.trades.records
    return [
        (1 if row.direction == 0 else -1, int(row.entry_idx), row.entry_price, int(row.exit_idx), row.exit_price)
        for row in records.itertuples()
    ]


def run_backtesting(bars: np.ndarray, signals: np.ndarray, case: dict[str, Any]) -> Trades:
    """Trade with its orders: market, stop and limit, each with the prices of its stop and target."""
    from backtesting import Backtest, Strategy  # noqa: PLC0415

    frame = pd.DataFrame(
        bars.astype(float), pd.date_range("2020", periods=len(bars), freq="1h"), ["Open", "High", "Low", "Close"]
    )
    openings = bars[:, 0].astype(float)

    class Orders(Strategy):  # type: ignore[misc]  # backtesting has no types, and is in the peers' environment only
        placed = 0

        def init(self) -> None:
            pass

        def next(self) -> None:
            bar = len(self.data) - 1
            _follow(self, case["trailing"])
            signal = int(signals[bar])
            is_other = signal and not (self.position and (self.position.size > 0) == (signal > 0))
            if is_other or bar >= self.placed + case["expiry"]:
                _cancel(self)
            if is_other and bar + 1 < len(bars):
                self.position.close()
                self.placed = bar
                _enter(self, case, signal, openings[bar + 1])

    test = Backtest(frame, Orders, cash=1e12, finalize_trades=True)
    trades = test.run()["_trades"].sort_values(["EntryBar", "ExitBar"])
    return [
        (1 if row.Size > 0 else -1, int(row.EntryBar), row.EntryPrice, int(row.ExitBar), row.ExitPrice)
        for row in trades.itertuples()
    ]


def _cancel(strategy: Any) -> None:
    for order in [order for order in strategy.orders if not order.is_contingent]:
        order.cancel()


def _follow(strategy: Any, distance: float | None) -> None:
    for trade in strategy.trades:
        if distance is not None and trade.is_long:
            trade.sl = max(trade.sl, strategy.data.High[-1] - distance)
        elif distance is not None:
            trade.sl = min(trade.sl, strategy.data.Low[-1] + distance)


def _enter(strategy: Any, case: dict[str, Any], side: int, opening: float) -> None:
    up = side if case["entry"] == "stop" else -side
    level = opening if case["entry"] == "market" else strategy.data.Close[-1] + up * case["offset"]
    distance = case["trailing"] or case["stop"]
    # It refuses orders whose stop or target the last close has passed, though the next opening has not.
    with contextlib.suppress(ValueError):
        (strategy.buy if side > 0 else strategy.sell)(
            size=1,
            stop=level if case["entry"] == "stop" else None,
            limit=level if case["entry"] == "limit" else None,
            sl=None if distance is None else level - side * distance,
            tp=None if case["target"] is None else level + side * case["target"],
        )


def main() -> None:
    """Read the file named on the command line and print what the peers make of it."""
    asked = json.loads(Path(sys.argv[1]).read_text())
    bars, signals = np.array(asked["bars"]), np.array(asked["signals"])
    found = {}
    for name, case in asked["cases"].items():
        found[name] = {
            "vectorbt": run_vectorbt(bars, signals, case),
            "backtesting.py": run_backtesting(bars, signals, case),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
