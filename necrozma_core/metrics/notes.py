"""Why figures of a strategy are undefined, in words."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Final

from necrozma_core.metrics.figures import Metrics

_TOO_LARGE: Final = "too large for a number"


def _no_returns(metrics: Metrics) -> str:
    """Say why there are no daily returns; empty where there are some."""
    if metrics.days >= 2:
        return ""
    # Where there are trades there is a day, whose return is undefined only on an account without money.
    return "fewer than two trading days" if metrics.days else "a day ended with nothing left in the account"


def _never_fell(metrics: Metrics) -> str:
    return "the account never fell" if metrics.max_drawdown == 0 else ""


_REASONS: Final[Mapping[str, Callable[[Metrics], str]]] = MappingProxyType(
    {
        "profit_factor": lambda metrics: "nothing lost" if metrics.average_loss is None else "",
        "annual_return": _no_returns,
        "annual_volatility": _no_returns,
        "sharpe": lambda metrics: _no_returns(metrics) or "daily returns that do not vary",
        "sortino": lambda metrics: _no_returns(metrics) or "no losing day",
        "calmar": lambda metrics: _no_returns(metrics) or _never_fell(metrics),
        "recovery_factor": _never_fell,
        "average_win": lambda metrics: "no trade won" if metrics.largest_win is None else "",
        "average_loss": lambda metrics: "no trade lost" if metrics.largest_loss is None else "",
        "largest_win": lambda _: "no trade won",
        "largest_loss": lambda _: "no trade lost",
        "exposure": lambda _: "no time passed",
    }
)
"""By figure, what makes it undefined where there are trades; nothing where only its size can."""

_FIGURES: Final = tuple(field.name for field in fields(Metrics) if "float" in str(field.type))


def explain_nulls(metrics: Metrics, silence: str | None) -> str | None:
    """Say why each undefined figure of a strategy is undefined.

    Parameters
    ----------
    metrics : Metrics
    silence : str or None
        Why there is no trade, which is the reason of all but the exposure; None where there are trades.

    Returns
    -------
    str or None
        One line, for the ``note`` column of the results, such as ``profit_factor: nothing lost; average_loss,
        largest_loss: no trade lost``. None where every figure is defined.
    """
    if silence is not None:
        return f"{silence}; exposure: no time passed" if metrics.exposure is None else silence
    names: dict[str, list[str]] = {}
    for name in _FIGURES:
        value = getattr(metrics, name)
        if value is None or not math.isfinite(value):
            why = _REASONS[name](metrics) if value is None and name in _REASONS else ""
            names.setdefault(why or _TOO_LARGE, []).append(name)
    return "; ".join(f"{', '.join(found)}: {why}" for why, found in names.items()) or None
