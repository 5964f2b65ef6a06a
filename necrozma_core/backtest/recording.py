"""What strategies came to, on its way to the store: figures in batches, trades of the best or of all."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import pyarrow as pa

from necrozma_core.backtest.conversion_choice import legs_of
from necrozma_core.backtest.daily_returns import ReturnsShelf, ReturnsWriter
from necrozma_core.backtest.outcome import Evaluated, Market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.errors import AllStrategiesFailedError, StrategyError
from necrozma_core.market.conversion_paths import describe_path
from necrozma_core.market.timeframes import format_timeframe
from necrozma_core.metrics.merit import merit
from necrozma_core.storage.results.tables import MetricsRow, metrics_table, trades_table
from necrozma_core.strategies.protocol import Strategy

_METRICS_BATCH: Final = 1_000


class OutcomeWriter(ReturnsWriter, Protocol):
    """Where tables go: an entry of the store, or a part of one."""

    def write_metrics(self, table: pa.Table) -> None:
        """Add rows of METRICS_SCHEMA."""
        ...

    def write_trades(self, table: pa.Table) -> None:
        """Add rows of TRADES_SCHEMA."""
        ...


class _TradeShelf:
    """Trades on their way to the store: all of them as they come, or the best strategies' at the end.

    Only as many strategies' trades are held as will be kept, so a sweep of fifty thousand settings needs no
    more memory than one of fifty.
    """

    def __init__(self, writer: OutcomeWriter, points_per_pip: float, keep: int | None) -> None:
        self._writer = writer
        self._points_per_pip = points_per_pip
        self._keep = keep
        self._best: list[tuple[tuple[float, ...], int, Evaluated]] = []

    def add(self, position: int, outcome: Evaluated) -> None:
        if self._keep is None:
            self._write(outcome)
            return
        # The position breaks ties, the earlier strategy first, and keeps outcomes from being compared.
        heapq.heappush(self._best, (merit(outcome.metrics), -position, outcome))
        if len(self._best) > self._keep:
            heapq.heappop(self._best)

    def close(self) -> None:
        for _, _, outcome in sorted(self._best, key=lambda entry: -entry[1]):
            self._write(outcome)

    def _write(self, outcome: Evaluated) -> None:
        self._writer.write_trades(
            trades_table(
                outcome.strategy.name,
                outcome.trades,
                outcome.money,
                outcome.lots,
                outcome.excursions,
                self._points_per_pip,
            )
        )


def write_outcomes(
    writer: OutcomeWriter,
    request: PairRequest,
    market: Market,
    strategies: Sequence[Strategy],
    outcomes: Iterable[Evaluated | StrategyError],
) -> dict[str, Any]:
    """Write what strategies came to as it comes.

    Parameters
    ----------
    writer : OutcomeWriter
    request : PairRequest
    market : Market
    strategies : sequence of Strategy
    outcomes : iterable of Evaluated or StrategyError
        One for each strategy, in their order.

    Returns
    -------
    dict of str to JSON
        What the commit says of them: how many strategies, trades, ticks and bars, who failed why, and what they count
        as trials.
    """
    keeps_all = request.keep_trades is None or len(strategies) <= request.keep_trades
    shelf = _TradeShelf(writer, market.ticks.points_per_pip, None if keeps_all else request.keep_trades)
    daily = ReturnsShelf(writer, market.days.day, request.key, len(strategies))
    rows: list[MetricsRow] = []
    failures: list[list[str]] = []
    trades = 0

    def flush() -> None:
        timeframe = format_timeframe(request.timeframe_ms)
        writer.write_metrics(metrics_table(request.pair, timeframe, rows, request.made_from))
        rows.clear()

    for position, outcome in enumerate(outcomes):
        if isinstance(outcome, StrategyError):
            failures.append([strategies[position].name, str(outcome)])
            continue
        strategy = outcome.strategy
        trades += outcome.metrics.trades
        shelf.add(position, outcome)
        daily.add(position, outcome)
        levels = strategy.stop_loss_pips, strategy.take_profit_pips
        metrics, account = outcome.metrics, outcome.account
        named = strategy.name, strategy.params
        rows.append(MetricsRow(*named, *levels, metrics, account, outcome.note, outcome.holdout))
        if len(rows) == _METRICS_BATCH:
            flush()
    flush()
    shelf.close()
    return {
        "strategies": len(strategies),
        "trades": trades,
        "ticks": len(market.ticks) if market.given is None else len(market.given),
        "made_from": request.made_from,
        "bars": len(market.bars),
        "failures": failures,
        **daily.close(),
    }


def result_metadata(request: PairRequest) -> dict[str, str]:
    """Return what the files of a result say of it."""
    said = {
        "conversion": ", ".join(describe_path(legs_of(request))),
        "dates": str(request.dates),
        "bar_grid": "" if request.grid.is_default else str(request.grid),
    }
    return {
        "timeframe": format_timeframe(request.timeframe_ms),
        "account_currency": request.account.currency,
        "made_from": request.made_from,
        **{name: text for name, text in said.items() if text},
    }


def refuse_all_failed(pair: str, details: Mapping[str, Any]) -> None:
    """Raise AllStrategiesFailedError if not one strategy came to anything."""
    strategies, failures = details["strategies"], details["failures"]
    if len(failures) == strategies:
        # The reason names its strategy.
        _, reason = failures[0]
        raise AllStrategiesFailedError(
            f"{pair}: all {strategies} strategies failed, the first with: {reason}", strategies
        )
