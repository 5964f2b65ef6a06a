"""What stands beside a ranking: signs of what figures lack, what was kept from it, and what it was made from."""

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


def origin_lines(rows: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[str]:
    """Say of a ranking that it was made from bars, and of a hold-out whether it was looked at; possibly nothing.

    Parameters
    ----------
    rows : iterable of mapping
        Of a ranking.
    settings : mapping
        As a manifest records them.
    """
    bars = sorted({str(row.get("made_from") or "ticks") for row in rows} - {"ticks"})
    start = settings.get("holdout")
    lines = []
    if bars:
        lines.append(f"Made from {', '.join(bars)}: what came first within a bar is not known, and stops come first.")
    if start and settings.get("use_holdout"):
        lines.append(f"The hold-out, from {start} on, was looked at: what is chosen by it needs another one.")
    elif start:
        lines.append(f"From {start} on nothing was ranked; --use-holdout looks at it, which is fair once.")
    return lines


def advice(settings: Mapping[str, Any]) -> str:
    """Say where to try what a ranking has on top."""
    start = settings.get("holdout")
    if start and settings.get("use_holdout"):
        return "see what they did in the hold-out, beside."
    return f"try them on the hold-out, from {start} on." if start else "try them on years that played no part here."


def has_holdout(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether rows of a ranking say how they did in a hold-out."""
    return any(row.get("holdout_trades") is not None for row in rows)
