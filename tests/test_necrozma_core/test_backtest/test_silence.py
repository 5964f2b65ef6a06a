"""Why a strategy that has signals made no trade."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bar_samples import make_bars

from necrozma_core.backtest.silence import explain_no_trade
from necrozma_core.engine.orders import Orders
from necrozma_core.strategies.families.sma_cross import SmaCross

PLAIN = SmaCross(1, 2)
BARS = make_bars([10, 9, 8, 7, 8, 9, 10, 9, 8, 9])
SIGNALS = [0, 0, 1, -1, 1, 2, -1, 1, 0, -1]
STOP = Orders(entry_order="stop", entry_offset_pips=5)


@pytest.mark.parametrize(
    ("strategy", "stale", "first_bar", "note"),
    [
        (PLAIN, 0, 0, "its signals led to no trade"),
        (PLAIN, 5, 0, "5 signals to enter: 5 with too old a quote"),
        (PLAIN, 2, 0, "5 signals to enter: 2 with too old a quote"),
        (replace(PLAIN, sides="short"), 0, 0, "5 signals to enter: 3 against sides=short"),
        (replace(PLAIN, filter="sma(2)"), 0, 0, "5 signals to enter: 3 against filter=sma(2)"),
        (
            replace(PLAIN, sides="long", filter="sma(2)", orders=STOP),
            0,
            0,
            "5 signals to enter: 2 against sides=long, 2 against filter=sma(2), 1 whose order was never reached",
        ),
        (
            replace(PLAIN, orders=replace(STOP, entry_window="07:00-08:00@UTC")),
            4,
            0,
            "5 signals to enter: 4 with too old a quote, "
            "1 outside entry_window=07:00-08:00@UTC or whose order was never reached",
        ),
        (replace(PLAIN, orders=STOP), 0, 8, "1 signal to enter: 1 whose order was never reached"),
        (replace(PLAIN, orders=STOP), 0, 9, "its signals to enter all lie before the range"),
    ],
)
def test_note_counts_what_became_of_every_signal_to_enter(
    strategy: SmaCross, stale: int, first_bar: int, note: str
) -> None:
    market: Any = SimpleNamespace(bars=BARS, first_bar=first_bar)
    trades: Any = SimpleNamespace(stale_entries=stale)
    assert explain_no_trade(market, strategy, trades, lambda: np.array(SIGNALS, np.int8)) == note


def test_note_of_a_strategy_without_signals_is_what_it_was() -> None:
    market: Any = SimpleNamespace(bars=BARS, first_bar=0)
    trades: Any = SimpleNamespace(stale_entries=0)
    quiet = np.zeros(10, np.int8)
    assert explain_no_trade(market, PLAIN, trades, lambda: quiet) == "no signal: its condition never became true"
    assert explain_no_trade(market, PLAIN, trades, lambda: quiet, "said elsewhere") == "said elsewhere"
