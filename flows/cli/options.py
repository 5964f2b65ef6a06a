"""The flags of the backtest command, each with what it does; defaults are those of ``config.py``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_WHAT = "What is backtested"
_MONEY = "Money"
_MACHINE = "The machine"
_OUTPUT = "Output"


class Profile(StrEnum):
    """Recipes for kinds of machines; `config.PROFILES` says what they stand for."""

    VM = "vm"
    LOCAL = "local"
    SHARED = "shared"


Pairs = Annotated[
    list[str] | None,
    typer.Option(metavar="NAMES", help="EURUSD,GBPUSD or EURUSD GBPUSD. All with stored ticks.", rich_help_panel=_WHAT),
]
Data = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Stored ticks.", rich_help_panel=_WHAT)]
Timeframe = Annotated[
    str | None, typer.Option(metavar="BAR", help="Length of a bar: 30s, 5min, 1h, 1d.", rich_help_panel=_WHAT)
]
Strategies = Annotated[
    Path | None,
    typer.Option(metavar="FILE.py", help="Your own strategies instead of the default fifty.", rich_help_panel=_WHAT),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE.toml", help="A sweep over many settings.", rich_help_panel=_WHAT),
]
Grid = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="The same on one line: 'family=rsi period=7,14 low=20:30:5'.", rich_help_panel=_WHAT
    ),
]

Lots = Annotated[float | None, typer.Option(metavar="LOTS", help="Size of every trade.", rich_help_panel=_MONEY)]
Commission = Annotated[
    float | None, typer.Option(metavar="AMOUNT", help="Account currency per lot and side.", rich_help_panel=_MONEY)
]
Slippage = Annotated[
    float | None,
    typer.Option("--slippage", metavar="PIPS", help="Lost at every fill but a take-profit's.", rich_help_panel=_MONEY),
]
AccountCurrency = Annotated[
    str | None, typer.Option(metavar="CODE", help="What profits are counted in: USD, EUR.", rich_help_panel=_MONEY)
]

Workers = Annotated[
    int | None, typer.Option("--workers", "-w", metavar="N", help="Worker processes.", rich_help_panel=_MACHINE)
]
CpuLimit = Annotated[
    float | None,
    typer.Option(metavar="PERCENT", help="Of the whole machine, other programs included.", rich_help_panel=_MACHINE),
]
Cooldown = Annotated[
    float | None,
    typer.Option("--cooldown", metavar="SECONDS", help="Rest between batches of N pairs.", rich_help_panel=_MACHINE),
]
Nice = Annotated[
    bool | None, typer.Option("--nice/--no-nice", help="Workers give way to other programs.", rich_help_panel=_MACHINE)
]
Background = Annotated[
    bool | None,
    typer.Option(
        "--background/--no-background", help="Workers run only when nothing else wants to.", rich_help_panel=_MACHINE
    ),
]
ProfileName = Annotated[
    Profile | None,
    typer.Option(
        "--profile",
        help="vm: 4 workers, 80 %, 5 s, nice. local: 8, 95 %, 0 s. shared: 2, 50 %, 10 s, nice. Other flags win.",
        rich_help_panel=_MACHINE,
    ),
]
PairTimeout = Annotated[
    float | None,
    typer.Option("--pair-timeout", metavar="SECONDS", help="End a pair that takes longer.", rich_help_panel=_MACHINE),
]
WorkerMemory = Annotated[
    int | None,
    typer.Option("--worker-memory", metavar="MB", help="What one worker may allocate.", rich_help_panel=_MACHINE),
]

Results = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where results go.", rich_help_panel=_OUTPUT)]
KeepTrades = Annotated[
    str | None,
    typer.Option(
        metavar="N|all", help="Strategies of a pair whose trades are stored, the best first.", rich_help_panel=_OUTPUT
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and the path.", rich_help_panel=_OUTPUT)]
Plain = Annotated[bool, typer.Option("--plain", help="Lines instead of a live view.", rich_help_panel=_OUTPUT)]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show where an error came from. Works with every command.", rich_help_panel=_OUTPUT),
]
