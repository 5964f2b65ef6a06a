"""Whole backtests of a few days of made-up quotes, which load or compile the kernels that real ones use.

Every worker loads what a plain run needs. The first worker of a version compiles the rest as well: orders, bars without
ticks, margin and sizes that follow the account. Other workers load of that what a strategy asks for when it does, in
hundredths of a second.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.money.conversion import Quotes
from necrozma_core.money.margin import Margin
from necrozma_core.money.size import Size
from necrozma_core.storage.bars.manifest import BarSource
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.disk.scratch import scratch_folder
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.source import StrategySource

_PAIR: Final = "USDJPY"  # its profits have to be converted, at its own prices
_TICKS: Final = 6_000
_BARS_MS: Final = 300_000
_STEP_MS: Final = 100_000
_START_MS: Final = 1_704_067_200_000  # 1 January 2024
_ORDERS: Final = StrategySource.from_grid(
    "family=rsi targets=5:0.5 trailing_stop_pips=10 break_even_pips=5 max_minutes=600 close_friday=20:00@UTC;"
    "family=rsi entry_order=stop,limit entry_sides=both entry_window=07:00-16:00@UTC stop_loss_atr=2;"
    "family=rsi filter=ema(20)+sma(20)+rsi(14)>50+atr(14)@1h>0.01%"
)


def rehearse() -> None:
    """Backtest the default strategies on made-up quotes, in a temporary folder.

    It goes the way of a real pair, from stored ticks to a committed result, so nothing that a plain run needs is left
    to compile later.
    """
    with scratch_folder("rehearsal-") as root:
        _backtest(_plain_request(root))
    # Some pairs' profits are converted at the prices of a second pair, by kernels that the backtest above does not use.
    quotes = _quotes()
    span_ms = (int(quotes.time_ms[0]), int(quotes.time_ms[-1]))
    Quotes.gather([quotes], len(quotes), quotes.digits, span_ms).find(quotes.time_ms[:1])


def rehearse_everything() -> None:
    """Do the same, and then backtest in every other way that has kernels of its own."""
    rehearse()
    with scratch_folder("rehearsal-") as root:
        for request in _other_requests(_plain_request(root)):
            _backtest(request)


def _plain_request(root: Path) -> PairRequest:
    TickStore(root / "data").write(_quotes())
    return PairRequest(
        pair=_PAIR,
        timeframe_ms=parse_timeframe("5min"),
        source=StrategySource(),
        data_dir=root / "data",
        results_dir=root / "results",
    )


def _other_requests(plain: PairRequest) -> Iterator[PairRequest]:
    quotes = _quotes()
    bid, ask = (np.repeat(side[:, np.newaxis], 4, axis=1) for side in (quotes.bid, quotes.ask))
    counts = np.zeros(len(quotes), dtype=np.int32)
    times = _START_MS + np.arange(len(quotes), dtype=np.int64) * _BARS_MS
    bars = QuoteBars(quotes.pair, _BARS_MS, quotes.digits, times, bid, ask, counts)
    BarStore(plain.data_dir).add([(BarSource("made up", "0" * 64), bars)], "bid and ask")
    extended, sized = StrategySource.from_catalog("extended"), Size.parse("volatility:1%")
    for bars_ms, latency_ms in (None, 500), (_BARS_MS, 0):
        yield replace(plain, source=extended, bars_ms=bars_ms)
        yield replace(
            plain, source=_ORDERS, bars_ms=bars_ms, latency_ms=latency_ms, asked_size=sized, account_margin=Margin(30)
        )


def _backtest(request: PairRequest) -> None:
    evaluate_pair(with_key(request), lambda *_: None)


def _quotes() -> Ticks:
    random = np.random.default_rng(0)
    bid = 140_000 + np.cumsum(random.integers(-20, 21, _TICKS, dtype=np.int32), dtype=np.int32)
    time_ms = _START_MS + np.arange(_TICKS, dtype=np.int64) * _STEP_MS
    return Ticks(get_pair(_PAIR), 3, time_ms, bid, bid + random.integers(2, 12, _TICKS, dtype=np.int32))
