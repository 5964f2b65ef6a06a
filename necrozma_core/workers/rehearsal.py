"""A whole backtest of a few days of made-up quotes, which loads or compiles every kernel that a real one uses."""

from typing import Final

import numpy as np

from necrozma_core.backtest.key import with_key
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.river import evaluate_pair
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.money.conversion import Quotes
from necrozma_core.money.size import Size
from necrozma_core.storage.disk.scratch import scratch_folder
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.strategies.source import StrategySource

_PAIR: Final = "USDJPY"  # its profits have to be converted, at its own prices
_TICKS: Final = 6_000
_STEP_MS: Final = 100_000
_START_MS: Final = 1_704_067_200_000  # 1 January 2024


def rehearse() -> None:
    """Backtest the default strategies on made-up quotes, in a temporary folder.

    It goes the way of a real pair, from stored ticks to a committed result, so nothing is left to compile later.
    """
    with scratch_folder("rehearsal-") as root:
        TickStore(root / "data").write(_quotes())
        request = PairRequest(
            pair=_PAIR,
            timeframe_ms=parse_timeframe("5min"),
            source=StrategySource(),
            data_dir=root / "data",
            results_dir=root / "results",
            asked_size=Size.parse("equity:100%"),  # and fixed lots, which stand beside
        )
        evaluate_pair(with_key(request), lambda *_: None)
    # Some pairs' profits are converted at the prices of a second pair, by kernels that the backtest above does not use.
    quotes = _quotes()
    span_ms = (int(quotes.time_ms[0]), int(quotes.time_ms[-1]))
    Quotes.gather([quotes], len(quotes), quotes.digits, span_ms).find(quotes.time_ms[:1])


def _quotes() -> Ticks:
    random = np.random.default_rng(0)
    bid = 140_000 + np.cumsum(random.integers(-20, 21, _TICKS, dtype=np.int32), dtype=np.int32)
    time_ms = _START_MS + np.arange(_TICKS, dtype=np.int64) * _STEP_MS
    return Ticks(get_pair(_PAIR), 3, time_ms, bid, bid + random.integers(2, 12, _TICKS, dtype=np.int32))
