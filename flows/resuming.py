"""Settings as the command that asks for them again: what a message offers to be pasted, in any folder and any shell."""

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from flows.configuration import PREFIX, SETTINGS
from flows.settings import INTERNAL, Settings, load_configured, names_in_environment
from necrozma_core.errors import UsageError

_ALWAYS: Final = frozenset({"data", "results"})
"""Settings that are said even where they are as shipped: relative folders are those of where a command is started."""


def resuming_command(settings: Settings) -> str:
    """Return the command that asks for the same settings, wherever it is pasted.

    Nothing in it depends on the folder, on variables of this shell or on whether the environment is activated. What
    only a variable can say stands before the command.
    """
    assignments = [f"{name}={shlex.quote(value)}" for name, value in _as_variables(settings).items()]
    return " ".join([*assignments, shlex.join([program(), "backtest", *as_flags(settings)])])


def program() -> str:
    """Return how a shell in any folder starts the command: by its name where that is found, else by its path."""
    installed = Path(sys.executable).absolute().with_name("necrozma")
    found = shutil.which("necrozma")
    if not installed.exists() or (found and os.path.isabs(found) and Path(found).samefile(installed)):  # noqa: PTH117
        return "necrozma"
    return str(installed)


def as_flags(settings: Settings) -> list[str]:
    """Return the flags that ask for the same settings again.

    Left out is what has the shipped value, unless a variable or config.py has a word in it. Paths are absolute.
    """
    flags: list[str] = []
    for name, setting in SETTINGS.items():
        if (flag := setting.flag) is None or flag.group is None:
            continue  # no flag of the backtest command
        value = getattr(settings, name)
        # A rest that nobody asked for is not asked for by repeating it.
        is_said = settings.cooldown_explicit if name == "cooldown_seconds" else _is_said(name, value)
        if not is_said:
            continue
        if isinstance(value, bool):
            flags.append(flag.name if value else flag.negated)
        elif value is not None or name == "keep_trades":
            flags += [flag.name, _spelled(value)]
    return flags


def _is_said(name: str, value: object) -> bool:
    shipped = Settings.model_fields[name].default
    if name in _ALWAYS or value != shipped or name in names_in_environment():
        return True
    return (configured := _configured()) is None or getattr(configured, name) != shipped


def _as_variables(settings: Settings) -> dict[str, str]:
    """Return the variables for what has no flag and is not as config.py has it: swap rates, balance, bounds."""
    configured = _configured()
    variables = {}
    for name in Settings.model_fields:
        setting, value = SETTINGS[name], getattr(settings, name)
        if name in INTERNAL or (setting.flag is not None and setting.flag.group is not None) or value is None:
            continue
        before = Settings.model_fields[name].get_default() if configured is None else getattr(configured, name)
        if value != before:
            dumped = settings.model_dump(mode="json", include={name})[name]
            variables[PREFIX + name.upper()] = json.dumps(dumped) if isinstance(dumped, dict) else _spelled(value)
    return variables


def _configured() -> Settings | None:
    """Return what config.py alone asks for; None where it asks for what cannot be, under flags that say otherwise."""
    try:
        return load_configured()
    except UsageError:
        return None


def _spelled(value: object) -> str:
    if value is None:
        return "all"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Path):
        return str(value.absolute())
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
