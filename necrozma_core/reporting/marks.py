"""The signs beside a row of a ranking, which say what its figures lack; what they mean, for whoever shows some."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

FEW_TRADES_SIGN: Final = "†"
RATIO_SIGNS: Final = MappingProxyType({"few_days": "‡", "constant_returns": "≈"})
"""The signs beside a Sharpe ratio, by the columns that say what it lacks."""
_MEANINGS: Final = MappingProxyType(
    {
        FEW_TRADES_SIGN: "fewer than 30 trades: the figures say little.",
        RATIO_SIGNS["few_days"]: "fewer than 30 days: the ratios say little.",
        RATIO_SIGNS["constant_returns"]: "practically constant returns: the ratios say nothing.",
    }
)


def sharpe_marks(row: Mapping[str, Any]) -> str:
    """Return the signs of what a row's Sharpe ratio lacks; empty where it lacks nothing, or is undefined.

    Parameters
    ----------
    row : mapping
        Of a ranking; one of an earlier release has no such columns, or null in them.
    """
    if row.get("sharpe") is None:
        return ""
    return "".join(sign for name, sign in RATIO_SIGNS.items() if row.get(name))


def row_marks(row: Mapping[str, Any]) -> str:
    """Return all signs of a row, `FEW_TRADES_SIGN` and those of `sharpe_marks`; empty where it has none."""
    return FEW_TRADES_SIGN * bool(row["few_trades"]) + sharpe_marks(row)


def mark_lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Explain the signs that some rows of a ranking carry, a line each; none where they carry none."""
    signs = {sign for row in rows for sign in row_marks(row)}
    return [f"{sign} {meaning}" for sign, meaning in _MEANINGS.items() if sign in signs]
