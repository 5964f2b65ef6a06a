"""The flow's parameters as types, so that the form in Prefect's UI explains, offers and bounds each of them.

Left empty, a parameter has the value that the command line would have: from ``NECROZMA_*`` variables, then config.py.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from config import SwapRates


def _explained(*, description: str, **others: Any) -> Any:
    # As the field's own description, Prefect would replace it by what the flow's docstring says of the parameter.
    return Field(json_schema_extra={"description": description}, **others)


Pairs = Annotated[
    list[str] | None,
    _explained(
        description="Pairs such as EURUSD. Empty: every pair with stored ticks.", examples=[["EURUSD", "GBPUSD"]]
    ),
]
Timeframe = Annotated[
    Literal["30s", "1min", "5min", "15min", "30min", "1h", "4h", "1d"] | str | None,
    _explained(description="Length of a bar. It must divide a day."),
]
DataFolder = Annotated[
    Path | None, _explained(description="Folder of stored ticks, on the machine that runs the flow.")
]
ResultsFolder = Annotated[Path | None, _explained(description="Folder for results, on the machine that runs the flow.")]
StrategiesFile = Annotated[
    Path | None, _explained(description="A Python file of your own strategies instead of the default fifty.")
]
SettingsFile = Annotated[Path | None, _explained(description="A TOML file of settings to sweep over.")]
Grid = Annotated[
    str | None,
    _explained(description="Settings to sweep over, on one line.", examples=["family=rsi period=7,14 low=20:30:5"]),
]
Lots = Annotated[float | None, _explained(gt=0, description="Size of every trade, in lots.")]
Commission = Annotated[float | None, _explained(ge=0, description="Account currency per lot and side.")]
Slippage = Annotated[float | None, _explained(ge=0, description="Pips lost at every fill but a take-profit's.")]
Swaps = Annotated[
    dict[str, SwapRates] | None,
    _explained(
        description="Pips a night by pair, positive where the account is credited.",
        examples=[{"EURUSD": {"long": -0.52, "short": 0.11}}],
    ),
]
Currency = Annotated[
    str | None, _explained(pattern=r"^[A-Z]{3}$", description="What profits are counted in, such as USD.")
]
Balance = Annotated[float | None, _explained(gt=0, description="What the account starts from, in its currency.")]
Workers = Annotated[
    int | None, _explained(ge=1, le=1024, description="Worker processes; config.py bounds them further.")
]
CpuLimit = Annotated[
    float | None, _explained(ge=1, le=100, description="Percent of the whole machine, other programs included.")
]
Cooldown = Annotated[float | None, _explained(ge=0, le=86_400, description="Seconds of rest between batches of pairs.")]
Nice = Annotated[bool | None, _explained(description="Workers give way to other programs.")]
Background = Annotated[bool | None, _explained(description="Workers run only when nothing else wants to.")]
KeepTrades = Annotated[
    Annotated[int, Field(ge=0)] | Literal["all"] | None,
    _explained(description="Strategies of a pair whose trades are stored, the best first; or all."),
]
PairTimeout = Annotated[float | None, _explained(gt=0, description="Seconds after which a pair's worker is ended.")]
WorkerMemory = Annotated[int | None, _explained(ge=64, description="Megabytes that one worker may allocate.")]
