"""The recorded settings of a run in the words that ask for them: flags, keys of config.py, and their values."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from flows.configuration import SETTINGS, RunFields
from flows.fields import Group
from necrozma_core.errors import shown

_OF_RESULTS: Final = frozenset(
    {"swap_rates", "swap_triple_day", "commissions", "instruments", "initial_balance", "keep_trades"}
)
"""What results depend on besides the flags of what is computed and what it costs."""

_TOLD_APART: Final = frozenset(
    {"pairs", "data", "results", "timeframe", "strategies", "settings_file", "grid", "catalog", "label"}
)
_LONGEST_SOURCE: Final = 48


def setting_name(name: str) -> str | None:
    """Return how a setting is asked for: its flag, else its key in config.py; None for one that only code sets."""
    setting = SETTINGS.get(name)
    if setting is None:
        return name
    if setting.flag is not None:
        return setting.flag.name
    return None if name in {"cooldown_explicit", "repairs"} else setting.key


def setting_text(name: str, value: object) -> str:
    """Write the value of a recorded setting as its flag takes it."""
    if name == "keep_trades" and value is None:
        return "all"
    if name == "pairs":
        return ",".join(value) if isinstance(value, list | tuple) else "all"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_named(numbers)}" for key, numbers in sorted(value.items())) or "none"
    return str(value)


def describe_run(settings: Mapping[str, Any], strategies: int | None, *, whole: bool = False) -> str:
    """Say in one line what a run was asked to compute: label, strategies, timeframe, what is not as shipped.

    Parameters
    ----------
    settings : mapping
        As a manifest records them.
    strategies : int or None
        How many there were, where that is known.
    whole : bool
        Write paths and grids in full.
    """
    label = f"[{settings['label']}] " if settings.get("label") else ""
    parts = [_source(settings, strategies, whole), str(settings.get("timeframe") or "")]
    parts.append(" ".join(f"{name} {text}" for name, text in _not_as_shipped(settings)))
    if settings.get("repairs"):
        parts.append(f"repairs {settings['repairs']}")
    return label + ", ".join(part for part in parts if part)


def source_name(settings: Mapping[str, Any], *, whole: bool = False) -> str:
    """Say where the strategies of a run come from."""
    for name in ("strategies", "settings_file"):
        if path := settings.get(name):
            return str(path) if whole else Path(path).name
    if grid := settings.get("grid"):
        text = " ".join(str(grid).split())
        return text if whole or len(text) <= _LONGEST_SOURCE else f"{text[: _LONGEST_SOURCE - 1]}…"
    return "the extended catalog" if settings.get("catalog") == "extended" else "the default strategies"


def _source(settings: Mapping[str, Any], strategies: int | None, whole: bool) -> str:
    name = source_name(settings, whole=whole)
    return name if strategies is None else f"{strategies:,} of {name}"


def _not_as_shipped(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, setting in SETTINGS.items():
        group = setting.flag.group if setting.flag else None
        if name in _TOLD_APART or (group not in (Group.WHAT, Group.MONEY) and name not in _OF_RESULTS):
            continue
        if name in settings and settings[name] != getattr(RunFields, name):
            yield setting_name(name) or name, setting_text(name, settings[name])


def _named(numbers: object) -> str:
    if isinstance(numbers, Mapping):
        return " ".join(f"{name} {number:.12g}" for name, number in numbers.items() if number is not None)
    return shown(numbers)
