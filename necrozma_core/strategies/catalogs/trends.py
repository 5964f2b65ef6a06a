"""Rules that follow a move, with stops that follow the price: what is won is given back in part, and losses are cut."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from necrozma_core.strategies.catalogs.variants import Variant, with_each
from necrozma_core.strategies.families.donchian import Donchian
from necrozma_core.strategies.families.ema_cross import EmaCross
from necrozma_core.strategies.families.keltner import Keltner
from necrozma_core.strategies.families.macd import Macd
from necrozma_core.strategies.families.momentum import Momentum
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.rule import Rule

_CROSSINGS: Final = (
    partial(SmaCross, 10, 30),
    partial(SmaCross, 20, 100),
    partial(SmaCross, 50, 200),
    partial(EmaCross, 12, 26),
    partial(EmaCross, 20, 50),
    partial(EmaCross, 50, 200),
    partial(Macd, 12, 26, 9),
    partial(Macd, 19, 39, 9),
)
_CHANNELS: Final = (partial(Donchian, 40), partial(Donchian, 100), partial(Keltner, 50, 20, 2.0))
_MOMENTUM: Final = (partial(Momentum, 24, 0.15), partial(Momentum, 144, 0.3))

_FRIDAY: Final = "16:00@America/New_York"

_FOLLOWING: Final[tuple[Variant, ...]] = (
    {"stop_loss_pips": 20, "trailing_stop_pips": 25, "trailing_start_pips": 15, "trailing_step_pips": 1},
    {"stop_loss_atr": 2, "trailing_stop_atr": 3},
    {"stop_loss_atr": 2, "take_profit_atr": 4, "exit_atr_period": 20},
    {"stop_loss_pips": 20, "take_profit_pips": 60, "break_even_pips": 20, "break_even_lock_pips": 1},
    {"stop_loss_pips": 25, "targets": "20:0.5+40:0.25", "trailing_stop_pips": 25, "trailing_start_pips": 30},
    {"stop_loss_pips": 30, "take_profit_pips": 60, "close_friday": _FRIDAY},
)

_TURTLES: Final = (
    partial(Donchian, 20, exit=10),
    partial(Donchian, 40, exit=20),
    partial(Donchian, 55, exit=20),
    partial(Donchian, 100, exit=50),
    partial(Keltner, 20, 10, 1.5, exit="middle"),
    partial(Keltner, 20, 10, 2.0, exit="middle"),
    partial(Keltner, 50, 20, 2.0, exit="middle"),
    partial(Momentum, 12, 0.1, exit="zero"),
    partial(Momentum, 24, 0.15, exit="zero"),
    partial(Momentum, 60, 0.2, exit="zero"),
)

_CLOSED_BY_THE_RULE: Final[tuple[Variant, ...]] = (
    {"stop_loss_atr": 2, "exit_atr_period": 20},
    {"stop_loss_pips": 30, "break_even_pips": 20, "close_friday": _FRIDAY},
    {"stop_loss_pips": 25, "on_opposite": "ignore", "max_bars": 288},
)


def trends() -> Iterator[Rule]:
    """Yield the strategies that follow a move."""
    yield from with_each((*_CROSSINGS, *_CHANNELS, *_MOMENTUM), _FOLLOWING)
    yield from with_each(_TURTLES, _CLOSED_BY_THE_RULE)
    closed_by_the_opposite: Variant = {"stop_loss_pips": 30, "on_opposite": "close", "close_friday": _FRIDAY}
    yield from with_each(_CROSSINGS, [closed_by_the_opposite])
