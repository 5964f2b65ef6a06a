"""What bars flatter: the default fifty on a year of ticks, and on bars of the very same ticks.

``python -m benchmarks.feeds.from_bars [--smoke] [--write]``; the table stands in docs/bars-and-dates.md.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from benchmarks.measuring.market import TEN_PAIRS, prepare_ticks
from benchmarks.measuring.measure import describe_machine, markdown_table
from benchmarks.measuring.pages import DOCS, put_between_marks
from benchmarks.parity import run_engine
from benchmarks.scale import FULL, SMOKE, Scale
from necrozma_core.engine.bar_simulation import simulate_bar_events
from necrozma_core.engine.events import find_events
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.market.bar_building import bars_from_quote_bars, bars_from_ticks, ticks_of_quote_bars
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.catalog import default_strategies

_PAGE: Final = DOCS / "bars-and-dates.md"
_TIMEFRAME: Final = "1h"
_BASES: Final = ("1min", "5min", "15min", "1h")
_HEADS: Final = ("made from", "trades", "pips a trade", "against ticks", "settings better than on ticks")


def quote_bars(ticks: Ticks, timeframe_ms: int, spread_points: int | None = None) -> QuoteBars:
    """Reduce ticks to what a feed of bars would say: both sides, or the bid and one spread for all."""
    bars = bars_from_ticks(ticks, timeframe_ms)
    ask = bars.ask_points if spread_points is None else bars.bid_points + np.int32(spread_points)
    return QuoteBars(ticks.pair, timeframe_ms, ticks.digits, bars.open_time_ms, bars.bid_points, ask, bars.tick_count)


def trade_bars(given: QuoteBars) -> list[Trades]:
    """Trade the default fifty on bars."""
    bars, ticks = bars_from_quote_bars(given, parse_timeframe(_TIMEFRAME)), ticks_of_quote_bars(given)
    return [
        simulate_bar_events(
            given,
            ticks,
            bars,
            find_events(strategy.signals(bars)),
            strategy.stop_loss_pips,
            strategy.take_profit_pips,
        )
        for strategy in default_strategies()
    ]


def compare(scale: Scale) -> str:
    """Return the table, with what it was measured on."""
    ticks = TickStore(prepare_ticks([TEN_PAIRS[0]], scale.ticks)).read(TEN_PAIRS[0])
    bars = bars_from_ticks(ticks, parse_timeframe(_TIMEFRAME))
    strategies = default_strategies()
    exact = run_engine(ticks, bars, strategies, [strategy.signals(bars) for strategy in strategies])
    median = int(np.median(ticks.ask - ticks.bid))
    rows = [("ticks", *_figures(exact, exact, ticks)[:2], "", "")]
    for base in _BASES:
        for spread, name in ((None, "bid and ask"), (median, "bid and the median spread")):
            found = trade_bars(quote_bars(ticks, parse_timeframe(base), spread))
            rows.append((f"{base}, {name}", *_figures(found, exact, ticks)))
    head = (
        f"{ticks.pair.name}, {len(ticks):,} generated ticks, signals on bars of {format_timeframe(bars.timeframe_ms)}, "
        f"the default fifty; before commission."
    )
    return f"{head}\n\n{markdown_table(_HEADS, rows)}"


def _figures(found: Sequence[Trades], exact: Sequence[Trades], ticks: Ticks) -> tuple[str, str, str, str]:
    pips, truth = (list(_pips(each, ticks)) for each in (found, exact))
    count, true_count = (sum(map(len, each)) for each in (found, exact))
    mean, true_mean = sum(pips) / count, sum(truth) / true_count
    better = sum(one > other for one, other in zip(pips, truth, strict=True))
    return f"{count:,}", f"{mean:+.3f}", f"{mean - true_mean:+.3f}", f"{better} of {len(pips)}"


def _pips(trades: Sequence[Trades], ticks: Ticks) -> Iterator[float]:
    for each in trades:
        closed = each.reason != ExitReason.END_OF_DATA
        yield float(each.points[closed].sum()) / ticks.points_per_pip


def main() -> None:
    """Print the table, and put it into the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="on little data, to see that it runs")
    parser.add_argument("--write", action="store_true", help=f"also put the table into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    text = compare(SMOKE if arguments.smoke else FULL)
    print(text)
    if arguments.write:
        command = "python -m benchmarks.feeds.from_bars --write"
        put_between_marks(_PAGE, "from bars", f"{text}\n\nMeasured on {describe_machine()}: `{command}`")


if __name__ == "__main__":
    main()
