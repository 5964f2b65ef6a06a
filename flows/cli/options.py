"""The flags of settings, as ``config.py`` describes them, and those flags that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.configuration import SETTINGS
from flows.fields import Group


def option(name: str) -> Any:
    """Return what Typer needs to know of the flag that gives a setting.

    Parameters
    ----------
    name : str
        Of a setting that has a flag. Its type stands in the signature, where Typer and mypy look for it.
    """
    setting = SETTINGS[name]
    flag = setting.flag
    assert flag is not None
    spellings = [f"{flag.name}/{flag.negated}" if setting.kind is bool else flag.name]
    if flag.short:
        spellings.append(flag.short)
    return typer.Option(*spellings, metavar=flag.metavar, help=flag.help, rich_help_panel=flag.group)


class Profile(StrEnum):
    """Recipes for kinds of machines; `config.PROFILES` says what they stand for."""

    VM = "vm"
    LOCAL = "local"
    SHARED = "shared"


Data = Annotated[Path | None, option("data")]
Results = Annotated[Path | None, option("results")]
Strategies = Annotated[Path | None, option("strategies")]
SettingsFile = Annotated[Path | None, option("settings_file")]
Grid = Annotated[str | None, option("grid")]
Catalog = Annotated[Literal["default", "extended"] | None, option("catalog")]
Workers = Annotated[int | None, option("workers")]

ProfileName = Annotated[
    Profile | None,
    typer.Option(
        "--profile",
        help="vm: 4 workers, 80 %, 5 s, nice. local: 8, 95 %, 0 s. shared: 2, 50 %, 10 s, nice. Other flags win.",
        rich_help_panel=Group.MACHINE,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and the path.", rich_help_panel=Group.OUTPUT)]
Plain = Annotated[bool, typer.Option("--plain", help="Lines instead of a live view.", rich_help_panel=Group.OUTPUT)]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", help="Show where an error came from. Works with every command.", rich_help_panel=Group.OUTPUT
    ),
]
