"""The families by name, and the default fifty."""

from types import MappingProxyType
from typing import Any, Final

from necrozma_core.strategies.families.bollinger import Bollinger
from necrozma_core.strategies.families.burst import Burst
from necrozma_core.strategies.families.donchian import Donchian
from necrozma_core.strategies.families.ema_cross import EmaCross
from necrozma_core.strategies.families.keltner import Keltner
from necrozma_core.strategies.families.macd import Macd
from necrozma_core.strategies.families.momentum import Momentum
from necrozma_core.strategies.families.regime import Regime
from necrozma_core.strategies.families.rsi import Rsi
from necrozma_core.strategies.families.session import Session
from necrozma_core.strategies.families.sma_cross import SmaCross
from necrozma_core.strategies.families.stochastic import Stochastic
from necrozma_core.strategies.families.zscore import Zscore
from necrozma_core.strategies.rule import Rule

FAMILIES: Final = MappingProxyType(
    {
        family.family: family
        for family in (
            SmaCross, EmaCross, Macd, Donchian, Bollinger, Zscore, Rsi, Stochastic, Momentum, Keltner, Session, Burst,
            Regime,
        )
    }
)  # fmt: skip
"""Every built-in family by the name that settings use."""


def default_strategies() -> tuple[Rule, ...]:
    """Return the fifty strategies of a run that names no others.

    Trend rules get targets twice as far as their stops, or none; reversion rules get targets at or below them.
    """
    return (*_averages(), *_breakouts(), *_reversions(), *_bursts_and_regimes())


def _levels(stop: float, target: float | None) -> dict[str, Any]:
    return {"stop_loss_pips": stop, "take_profit_pips": target}


def _averages() -> tuple[Rule, ...]:
    return (
        SmaCross(5, 20, **_levels(15, 30)),
        SmaCross(10, 30, **_levels(20, 40)),
        SmaCross(20, 50, **_levels(25, 50)),
        SmaCross(20, 100, **_levels(30, 60)),
        SmaCross(50, 200, **_levels(40, None)),
        EmaCross(5, 20, **_levels(15, 30)),
        EmaCross(8, 21, **_levels(20, 40)),
        EmaCross(12, 26, **_levels(20, 40)),
        EmaCross(20, 50, **_levels(25, 50)),
        EmaCross(50, 200, **_levels(40, None)),
        Macd(12, 26, 9, **_levels(20, 40)),
        Macd(8, 17, 9, **_levels(15, 30)),
        Macd(5, 35, 5, **_levels(20, 40)),
        Macd(19, 39, 9, **_levels(30, 60)),
    )


def _breakouts() -> tuple[Rule, ...]:
    return (
        Donchian(20, **_levels(20, 40)),
        Donchian(40, **_levels(25, 50)),
        Donchian(55, **_levels(30, 60)),
        Donchian(100, **_levels(40, None)),
        Momentum(12, 0.1, **_levels(20, 40)),
        Momentum(24, 0.15, **_levels(25, 50)),
        Momentum(60, 0.2, **_levels(30, 60)),
        Momentum(144, 0.3, **_levels(40, None)),
        Keltner(20, 10, 1.5, **_levels(20, 40)),
        Keltner(20, 10, 2.0, **_levels(20, 40)),
        Keltner(50, 20, 2.0, **_levels(30, 60)),
        Keltner(50, 20, 3.0, **_levels(40, None)),
        Session("tokyo", 60, 240, **_levels(15, 30)),
        Session("london", 60, 240, **_levels(20, 40)),
        Session("new_york", 60, 240, **_levels(20, 40)),
    )


def _reversions() -> tuple[Rule, ...]:
    return (
        Bollinger(20, 2.0, **_levels(20, 20)),
        Bollinger(20, 2.5, **_levels(20, 20)),
        Bollinger(50, 2.0, **_levels(30, 30)),
        Bollinger(100, 2.5, **_levels(40, 40)),
        Zscore(20, 2.5, **_levels(20, 15)),
        Zscore(50, 2.0, **_levels(30, 20)),
        Zscore(100, 2.5, **_levels(40, 30)),
        Zscore(200, 2.5, **_levels(50, 40)),
        Rsi(7, 20.0, 80.0, **_levels(15, 15)),
        Rsi(14, 30.0, 70.0, **_levels(20, 20)),
        Rsi(14, 25.0, 75.0, **_levels(20, 20)),
        Rsi(21, 30.0, 70.0, **_levels(30, 30)),
        Stochastic(5, 3, 3, 20.0, 80.0, **_levels(15, 15)),
        Stochastic(14, 3, 3, 20.0, 80.0, **_levels(20, 20)),
        Stochastic(14, 1, 3, 10.0, 90.0, **_levels(20, 20)),
        Stochastic(21, 5, 5, 20.0, 80.0, **_levels(30, 30)),
    )


def _bursts_and_regimes() -> tuple[Rule, ...]:
    return (
        Burst(20, 2.5, 1.5, **_levels(15, 30)),
        Burst(50, 3.0, 1.5, **_levels(20, 40)),
        Burst(100, 3.0, 2.0, **_levels(30, 60)),
        Regime(20, 0.4, 0.2, 1.5, **_levels(20, 30)),
        Regime(50, 0.3, 0.15, 1.5, **_levels(30, 40)),
    )
