"""Rules against extremes, closed where the extreme has passed, or where it has not within a time."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from necrozma_core.strategies.catalogs.variants import Variant, with_each
from necrozma_core.strategies.families.bollinger import Bollinger
from necrozma_core.strategies.families.regime import Regime
from necrozma_core.strategies.families.rsi import Rsi
from necrozma_core.strategies.families.stochastic import Stochastic
from necrozma_core.strategies.families.zscore import Zscore
from necrozma_core.strategies.rule import Rule

_EXTREMES: Final = (
    partial(Bollinger, 20, 2.0, exit="middle"),
    partial(Bollinger, 50, 2.0, exit="middle"),
    partial(Bollinger, 100, 2.5, exit="middle"),
    partial(Zscore, 20, 2.5, exit=0.0),
    partial(Zscore, 50, 2.0, exit=0.5),
    partial(Zscore, 200, 2.5, exit=0.0),
    partial(Rsi, 7, 20.0, 80.0, exit=50.0),
    partial(Rsi, 14, 30.0, 70.0, exit=50.0),
    partial(Rsi, 21, 30.0, 70.0, exit=55.0),
    partial(Stochastic, 14, 3, 3, 20.0, 80.0, exit=50.0),
    partial(Stochastic, 21, 5, 5, 20.0, 80.0, exit=60.0),
    partial(Regime, 20, 0.4, 0.2, 1.5, exit="middle"),
    partial(Regime, 50, 0.3, 0.15, 1.5, exit="middle"),
)

_ENDINGS: Final[tuple[Variant, ...]] = (
    {"stop_loss_pips": 30},
    {"stop_loss_atr": 3, "max_bars": 48},
    {"stop_loss_pips": 25, "targets": "10:0.5", "break_even_pips": 10, "max_minutes": 480},
    {"stop_loss_pips": 25, "close_before_roll_minutes": 15, "entry_window": "07:00-20:00@Europe/London"},
)

_PATIENT: Final[Variant] = {
    "stop_loss_pips": 20,
    "entry_order": "limit",
    "entry_offset_pips": 3,
    "entry_expiry_bars": 3,
    "max_bars": 96,
}
"""A better price is waited for; where it does not come there is no trade."""


def reversions() -> Iterator[Rule]:
    """Yield the strategies that go against extremes."""
    yield from with_each(_EXTREMES, (*_ENDINGS, _PATIENT))
