"""Which of the engine's walks trades a strategy, on ticks and on bars, with its orders and without."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quote_bar_samples import make_bars

from necrozma_core.backtest.outcome import Market
from necrozma_core.backtest.request import PairRequest
from necrozma_core.backtest.trading import trade
from necrozma_core.engine.bar_levels import BarLevels
from necrozma_core.engine.events import Events, find_events
from necrozma_core.engine.orders import Orders
from necrozma_core.engine.trades import ExitReason, Trades
from necrozma_core.errors import UsageError
from necrozma_core.feeds.samples.quotes import sample_ticks
from necrozma_core.market.bar_building import bars_from_quote_bars, bars_from_ticks, ticks_of_quote_bars
from necrozma_core.money.conversion import Conversion
from necrozma_core.money.costs import Costs
from necrozma_core.money.equity import trading_days
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.source import StrategySource

HOUR_MS = 3_600_000
NOWHERE = Path("unused")


def on_ticks() -> Market:
    ticks = sample_ticks("EURUSD", 20_000, seed=3)
    conversion = Conversion.identity()
    return Market(ticks, bars_from_ticks(ticks, HOUR_MS), conversion, trading_days(ticks, conversion))


def on_bars() -> Market:
    given = make_bars("2024-01-01", 400)
    ticks, conversion = ticks_of_quote_bars(given), Conversion.identity()
    return Market(ticks, bars_from_quote_bars(given, HOUR_MS), conversion, trading_days(ticks, conversion), given)


REQUEST = PairRequest("EURUSD", HOUR_MS, StrategySource.from_grid("family=sma_cross"), NOWHERE, NOWHERE)


def events_of(market: Market) -> Events:
    return find_events(SmaCross(3, 8).signals(market.bars))


def traded(market: Market, strategy: SmaCross, request: PairRequest = REQUEST, **more: object) -> Trades:
    return trade(market, strategy, request, events_of(market), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("market", [on_ticks(), on_bars()], ids=["ticks", "bars"])
def test_orders_that_never_act_change_nothing(market: Market) -> None:
    plain = traded(market, SmaCross(3, 8, stop_loss_pips=5.0))
    ordered = traded(market, SmaCross(3, 8, stop_loss_pips=5.0, orders=Orders(max_bars=100_000)))
    assert len(plain) > 10
    for name in ("side", "entry_tick", "exit_tick", "points", "reason"):
        assert getattr(ordered, name).tolist() == getattr(plain, name).tolist(), name


@pytest.mark.parametrize("market", [on_ticks(), on_bars()], ids=["ticks", "bars"])
def test_orders_levels_and_stop_outs_reach_the_walk(market: Market) -> None:
    timed = traded(market, SmaCross(3, 8, orders=Orders(max_bars=2)))
    assert ExitReason.TIME in timed.reason
    tight = np.full(len(market.bars), 0.5)
    assert ExitReason.STOP_LOSS in traded(market, SmaCross(3, 8), levels=BarLevels(stop_pips=tight)).reason
    out = np.full(len(events_of(market)), 5.0)
    assert ExitReason.STOP_OUT in traded(market, SmaCross(3, 8), stop_out_points=out).reason
    both = Orders(entry_order="stop", entry_offset_pips=0.5, entry_sides="both", entry_expiry_bars=3)
    assert set(traded(market, SmaCross(3, 8, orders=both)).side.tolist()) == {1, -1}


@pytest.mark.parametrize("market", [on_ticks(), on_bars()], ids=["ticks", "bars"])
@pytest.mark.parametrize("orders", [Orders(), Orders(max_bars=3)])
def test_costs_reach_the_walk(market: Market, orders: Orders) -> None:
    costs = replace(REQUEST, costs=Costs(slippage_pips=0.3, spread_markup_pips=0.4))
    free, paid = (traded(market, SmaCross(3, 8, orders=orders), request) for request in (REQUEST, costs))
    # Two fills that lose 3 points and half of a mark-up of 4 each.
    assert (free.points - paid.points).tolist() == pytest.approx([10.0] * len(free), abs=1e-9)


def test_latency_without_ticks_is_refused_with_a_line() -> None:
    with pytest.raises(UsageError, match="EURUSD: a latency of 5 ms"):
        traded(on_bars(), SmaCross(3, 8), replace(REQUEST, latency_ms=5))
