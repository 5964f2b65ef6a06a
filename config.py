"""The settings: the defaults to edit, and all that is said of one setting, in one place.

A value comes from the first that gives it: a flag, its profile, a ``NECROZMA_*`` variable, the dictionaries below.
Importing this module reads and changes nothing; :func:`flows.settings.load_settings` does the reading.

A setting is a field of :class:`RunFields` or :class:`HostFields`. The command line (``flows/cli/options.py``), the
form in Prefect's UI (``flows/parameters.py``) and the checked values (``flows/settings.py``) derive from the fields.
The checked values need pydantic, whose import takes longer than all of ``--help``, so they have a module of their own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from flows.fields import (
    Commission,
    Count,
    Flag,
    Form,
    Group,
    Instrument,
    KeptTrades,
    Key,
    Number,
    Range,
    RunLabel,
    SomePath,
    SwapRates,
    take_apart,
)

WORKER_CONFIG: dict[str, Any] = {
    "default_workers": 1,  # workers when --workers is not given
    "max_workers": 16,  # more than this are refused
    "cpu_limit": 80,  # percent of the machine, everything that runs on it included
    "cooldown_seconds": 5,  # rest between batches of as many pairs as there are workers
    "nice_priority": False,  # workers give way to other processes
    "adaptive_throttling": True,  # False keeps the number of workers as it is
    "cpu_check_interval": 5,  # the CPU is looked at every so many finished pairs at least
}

STORAGE_CONFIG: dict[str, Any] = {
    "format": "parquet",  # "json" writes a JSON file a pair beside it, in the run's folder
    "data_folder": "data",  # ticks, as `necrozma data import` writes them
    "results_folder": "results",
    "history": True,  # False runs without Prefect: no server, no history in its UI
    "keep_trades": 50,  # strategies of a pair whose trades are stored, the best first; "all" stores every trade
}

BACKTEST_CONFIG: dict[str, Any] = {
    "timeframe": "5min",
    "day_end": "00:00 UTC",  # where days of bars end; "17:00 America/New_York" makes five daily bars a week
    "prices": "auto",  # "ticks", "bars", or ticks where they are stored and bars elsewhere
    "from": None,  # what figures are about: "2020-01-01", or a time with its zone; None for all there is
    "to": None,  # the first time that is not meant
    "holdout": None,  # from here on nothing is ranked
    "lots": 0.1,  # size of every trade
    "size": None,  # "risk:1%", "risk:50", "equity:200%" or "volatility:1%" instead of so many lots
    "leverage": None,  # 30 asks for a thirtieth of what is held as margin; None asks for none
    "stop_out_percent": 50,  # of margin: where the equity is no more, the position is closed
    "commission": 0.0,  # account currency per lot and side
    "commission_per_million": 0.0,  # of notional and side
    "commission_percent": 0.0,  # of notional and side
    "commission_minimum": 0.0,  # account currency a trade
    "commissions": {},  # where a pair's are others: {"XAUUSD": {"per_lot": 5.0, "percent": 0.01}}
    "slippage_pips": 0.0,  # lost at every fill but a take-profit's
    "spread_markup_pips": 0.0,  # added to every spread, for prices that are better than your broker's
    "latency_ms": 0,  # from the close of a bar, or from what sets off an exit, to the fill
    "max_quote_age_s": None,  # what has no tick so soon after its bar is not entered
    "swap_rates": {},  # pips a night by pair: {"EURUSD": {"long": -0.52, "short": 0.11}}
    "swap_table": None,  # a CSV file of rates by pair and date
    "swap_triple_day": {},  # by pair, where the weekend is not charged on Wednesday: {"USDCAD": "thursday"}
    # Where your broker's pip, lot, sizes or leverage are others: {"XAUUSD": {"pip": 0.01, "contract_size": 10}}
    "instruments": {},
    "account_currency": "USD",
    "conversion": "mid",  # "side" converts gains and losses at the bid or ask that a broker takes
    "initial_balance": 10_000.0,  # account currency
    "rank_by": "deflated_sharpe",  # or "sharpe", "net_profit": what comes first in a ranking
    "strict": False,  # True: one failed strategy makes a run fail, exit 3; else more than half of them do
}

PREFIX: Final = "NECROZMA_"

PROFILES: Final[Mapping[str, Mapping[str, Any]]] = {
    "vm": {"workers": 4, "cpu_limit": 80, "cooldown_seconds": 5, "nice": True},
    "local": {"workers": 8, "cpu_limit": 95, "cooldown_seconds": 0},
    "shared": {"workers": 2, "cpu_limit": 50, "cooldown_seconds": 10, "nice": True},
}
"""Recipes by the name that ``--profile`` takes."""


_MOST_WORKERS: Final = 1024


class RunFields:
    """The settings of a run, in the order in which a message offers their flags."""

    pairs: Annotated[
        tuple[str, ...] | None,  # None stands for every pair with stored ticks
        Flag("--pairs", "EURUSD,GBPUSD or EURUSD GBPUSD. All with stored ticks.", Group.WHAT, "NAMES"),
        Form("Pairs such as EURUSD. Empty: every pair with stored ticks.", examples=[["EURUSD", "GBPUSD"]]),
    ] = None
    data: Annotated[
        SomePath,
        Key("data_folder"),
        Flag("--data", "Stored ticks.", Group.WHAT, "FOLDER"),
        Form("Folder of stored ticks, on the machine that runs the flow."),
    ] = Path("data")
    results: Annotated[
        SomePath,
        Key("results_folder"),
        Flag("--results", "Where results go.", Group.OUTPUT, "FOLDER"),
        Form("Folder for results, on the machine that runs the flow."),
    ] = Path("results")
    timeframe: Annotated[
        str,
        Flag("--timeframe", "Length of a bar: 30s, 5min, 1h, 1d.", Group.WHAT, "BAR"),
        Form("Length of a bar: 30s, 1min, 5min, 1h, 1d or any other that divides a day.", examples=["5min", "1h"]),
    ] = "5min"
    day_end: Annotated[
        str,
        Flag("--day-end", "Where days of bars end: '17:00 America/New_York'. Midnight UTC.", Group.WHAT, "CLOCK"),
        Form("Clock time and zone at which days of bars end.", examples=["00:00 UTC", "17:00 America/New_York"]),
    ] = "00:00 UTC"
    bar_offset: Annotated[
        str | None,
        Flag("--offset", "Shift bars from there: 30min.", Group.WHAT, "LENGTH"),
        Form("How far bars are shifted from there.", examples=["30min"]),
    ] = None
    prices: Annotated[
        Literal["auto", "ticks", "bars"],
        Flag("--prices", "ticks, bars, or auto: bars where there are no ticks.", Group.WHAT, "KIND"),
        Form("ticks, bars, or auto: ticks where they are stored and bars elsewhere."),
    ] = "auto"
    date_from: Annotated[
        str | None,
        Key("from"),
        Flag("--from", "Figures from here on: 2020-01-01 (UTC), or a time with its zone.", Group.WHAT, "TIME"),
        Form("Figures from here on: a day in UTC, or a time with its zone.", examples=["2020-01-01"]),
    ] = None
    date_to: Annotated[
        str | None,
        Key("to"),
        Flag("--to", "The first time that is not meant.", Group.WHAT, "TIME"),
        Form("The first time that is not meant.", examples=["2024-01-01"]),
    ] = None
    holdout: Annotated[
        str | None,
        Flag("--holdout", "Keep what follows from the ranking.", Group.WHAT, "TIME"),
        Form("Keep what follows this time from the ranking.", examples=["2023-01-01"]),
    ] = None
    use_holdout: Annotated[
        bool,
        Flag("--use-holdout", "Look at the hold-out; the run records it.", Group.WHAT),
        Form("Look at the hold-out; the run records it."),
    ] = False
    strategies: Annotated[
        SomePath | None,  # this and the next three exclude each other; without them the default fifty are tried
        Flag("--strategies", "Your own strategies instead of the default fifty.", Group.WHAT, "FILE.py"),
        Form("A Python file of your own strategies instead of the default fifty."),
    ] = None
    settings_file: Annotated[
        SomePath | None,
        Flag("--settings", "A sweep over many settings.", Group.WHAT, "FILE.toml"),
        Form("A TOML file of settings to sweep over."),
    ] = None
    grid: Annotated[
        str | None,
        Flag("--grid", "The same on one line: 'family=rsi period=7,14 low=20:30:5'.", Group.WHAT, "TEXT"),
        Form("Settings to sweep over, on one line.", examples=["family=rsi period=7,14 low=20:30:5"]),
    ] = None
    catalog: Annotated[
        Literal["default", "extended"] | None,
        Flag("--catalog", "extended: some two hundred instead of the default fifty.", Group.WHAT, "NAME"),
        Form("Which built-in strategies: the default fifty, or some two hundred with every kind of exit."),
    ] = None

    lots: Annotated[
        Number,
        Range(gt=0, le=1e6),
        Flag("--lots", "Size of every trade.", Group.MONEY, "LOTS"),
        Form("Size of every trade, in lots."),
    ] = 0.1
    size: Annotated[
        str | None,
        Flag("--size", "risk:1%, risk:50, equity:200% or volatility:1% instead.", Group.MONEY, "SIZE"),
        Form("What sizes follow from, instead of so many lots.", examples=["risk:1%", "equity:200%"]),
    ] = None
    leverage: Annotated[
        Number | None,
        Range(ge=1, le=10_000),
        Flag("--leverage", "30: a thirtieth of what is held is margin. None.", Group.MONEY, "N"),
        Form("What is held for each unit of margin; empty: no margin is asked for."),
    ] = None
    stop_out_percent: Annotated[
        Number,
        Range(gt=0, le=100),
        Flag("--stop-out", "Close where equity is so much of margin.", Group.MONEY, "PERCENT"),
        Form("A position is closed where the equity is so many per cent of its margin."),
    ] = 50.0
    commission: Annotated[
        Number,
        Range(ge=0, le=1e6),
        Flag("--commission", "Account currency per lot and side.", Group.MONEY, "AMOUNT"),
        Form("Account currency per lot and side."),
    ] = 0.0
    commission_per_million: Annotated[
        Number,
        Range(ge=0, le=1e5),
        Flag("--commission-per-million", "Of notional and side.", Group.MONEY, "AMOUNT"),
        Form("Account currency per million of notional and side."),
    ] = 0.0
    commission_percent: Annotated[
        Number,
        Range(ge=0, le=10),
        Flag("--commission-percent", "Of notional and side.", Group.MONEY, "PERCENT"),
        Form("Per cent of notional and side."),
    ] = 0.0
    commission_minimum: Annotated[
        Number,
        Range(ge=0, le=1e6),
        Flag("--commission-minimum", "No trade pays less.", Group.MONEY, "AMOUNT"),
        Form("Account currency: no trade pays less."),
    ] = 0.0
    commissions: Annotated[
        dict[str, Commission],
        Form("Commission by pair, where it is not that of all.", examples=[{"XAUUSD": {"per_lot": 5.0}}]),
    ] = {}  # noqa: RUF012 -- pydantic copies it
    slippage_pips: Annotated[
        Number,
        Range(ge=0, le=1_000),
        Flag(
            "--slippage",
            "Lost at every fill but a target's or a limit order's, to the fraction of a point.",
            Group.MONEY,
            "PIPS",
        ),
        Form("Pips lost at every fill but a target's or a limit order's, to the fraction of a point."),
    ] = 0.0
    spread_markup_pips: Annotated[
        Number,
        Range(ge=0, le=1_000),
        Flag("--spread-markup", "Added to every spread.", Group.MONEY, "PIPS"),
        Form("Pips added to every spread, where the prices are better than one's broker's."),
    ] = 0.0
    latency_ms: Annotated[
        Count,
        Range(ge=0, le=600_000),
        Flag("--latency-ms", "Between a bar's close and the fill, and likewise at exits.", Group.MONEY, "MS"),
        Form("Milliseconds between a bar's close and the fill, and likewise at exits."),
    ] = 0
    max_quote_age_s: Annotated[
        Number | None,
        Range(ge=0.001, le=604_800),
        Flag("--max-quote-age", "Enter nothing whose first tick comes later.", Group.MONEY, "SECONDS"),
        Form("Seconds after a bar's close within which the first tick must come, or nothing is entered."),
    ] = None
    swap_rates: Annotated[
        dict[str, SwapRates],
        Form(
            "Pips a night by pair, positive where the account is credited.",
            examples=[{"EURUSD": {"long": -0.52, "short": 0.11}}],
        ),
    ] = {}  # noqa: RUF012 -- pydantic copies it
    swap_table: Annotated[
        SomePath | None,
        Flag("--swap-table", "Swap by pair and date: pair, date, long, short, unit.", Group.MONEY, "FILE.csv"),
        Form("A CSV file of swap by pair and date: pair, date, long, short, unit."),
    ] = None
    swap_triple_day: Annotated[
        dict[str, str],
        Form(
            "The weekday that is charged three nights by pair; Wednesday.",
            examples=[{"USDCAD": "thursday", "USDTRY": "thursday"}],
        ),
    ] = {}  # noqa: RUF012 -- pydantic copies it
    instruments: Annotated[
        dict[str, Instrument],
        Form(
            "Pip, contract size, sizes and leverage by pair, where your broker's are not the usual ones.",
            examples=[{"XAUUSD": {"pip": 0.01, "contract_size": 10}}],
        ),
    ] = {}  # noqa: RUF012 -- pydantic copies it
    account_currency: Annotated[
        str,
        Flag("--account-currency", "What profits are counted in: USD, EUR.", Group.MONEY, "CODE"),
        Form("What profits are counted in, such as USD.", pattern=r"^[A-Z]{3}$"),
    ] = "USD"
    conversion: Annotated[
        Literal["mid", "side"],
        Flag("--conversion", "mid, or side: the bid or ask that a broker takes.", Group.MONEY, "mid|side"),
        Form("Convert profits at the mid, or at the side that a broker takes."),
    ] = "mid"
    initial_balance: Annotated[Number, Range(gt=0, le=1e15), Form("What the account starts from, in its currency.")] = (
        10_000.0
    )

    max_workers: Annotated[Count, Range(ge=1, le=_MOST_WORKERS)] = 16  # before the workers, whose check needs it
    workers: Annotated[
        Count,
        Range(ge=1),  # up to max_workers, which the form cannot know: it is that of another machine
        Key("default_workers"),
        Flag("--workers", "Worker processes.", Group.MACHINE, "N", short="-w"),
        Form("Worker processes; config.py bounds them further.", le=_MOST_WORKERS),
    ] = 1
    cpu_limit: Annotated[
        Number,
        Range(ge=1, le=100),
        Flag("--cpu-limit", "Of the whole machine, other programs included.", Group.MACHINE, "PERCENT"),
        Form("Percent of the whole machine, other programs included."),
    ] = 80.0
    cooldown_seconds: Annotated[
        Number,
        Range(ge=0, le=86_400),
        Flag("--cooldown", "Rest between batches of N pairs.", Group.MACHINE, "SECONDS"),
        Form("Seconds of rest between batches of pairs."),
    ] = 5.0
    cooldown_explicit: bool = False  # somebody asked for that rest; else it never outlasts its batch
    nice: Annotated[
        bool,
        Key("nice_priority"),
        Flag("--nice", "Workers give way to other programs.", Group.MACHINE),
        Form("Workers give way to other programs."),
    ] = False
    background: Annotated[
        bool,
        Flag("--background", "Workers run only when nothing else wants to.", Group.MACHINE),
        Form("Workers run only when nothing else wants to."),
    ] = False
    adaptive_throttling: bool = True
    cpu_check_interval: Annotated[Count, Range(ge=1)] = 5
    max_temperature_c: Annotated[Number, Range(ge=30, le=150)] = 90.0  # all rest from so many degrees on
    memory_floor_mb: Annotated[Number, Range(ge=0, le=1e9)] = 256.0  # all rest below so many megabytes available

    storage_format: Annotated[
        Literal["parquet", "json"],  # an older config.py has it by this name, which is taken as well
        Key("format"),
        Flag("--format", "json: a JSON file a pair beside Parquet.", Group.OUTPUT, "parquet|json"),
        Form("What results are written as: Parquet, or JSON files beside Parquet."),
    ] = "parquet"
    keep_trades: Annotated[
        KeptTrades | None,  # None stores all
        Flag("--keep-trades", "Strategies of a pair whose trades are stored, the best first.", Group.OUTPUT, "N|all"),
        Form("Strategies of a pair whose trades are stored, the best first; or all."),
    ] = 50
    rank_by: Annotated[
        Literal["deflated_sharpe", "sharpe", "net_profit"],
        Flag("--rank-by", "What comes first; deflated: that it is no luck.", Group.OUTPUT, "FIGURE"),
        Form("What a ranking is ordered by: the deflated Sharpe ratio, which counts what was tried, or another."),
    ] = "deflated_sharpe"
    strict: Annotated[
        bool,
        Flag("--strict", "Exit 3 if any strategy fails; else if more than half do.", Group.OUTPUT),
        Form("Fail if any strategy fails; else only if more than half do."),
    ] = False
    pair_timeout_s: Annotated[
        Number | None,
        Range(gt=0),
        Flag("--pair-timeout", "End a pair that takes longer.", Group.MACHINE, "SECONDS"),
        Form("Seconds after which a pair's worker is ended."),
    ] = None
    worker_memory_mb: Annotated[
        Count | None,
        Range(ge=64),
        Flag("--worker-memory", "What one worker may allocate.", Group.MACHINE, "MB"),
        Form("Megabytes that one worker may allocate."),
    ] = None
    history: Annotated[
        bool,
        Flag("--history", "Keep a history in Prefect; without it nothing of Prefect is started.", Group.OUTPUT),
    ] = True
    label: Annotated[
        RunLabel | None,
        Flag("--label", "A name for the run, in lists and in Prefect.", Group.OUTPUT, "TEXT"),
        Form("A name for the run, in lists and among its tags."),
    ] = None
    repairs: str | None = None  # the id of the run whose damaged results this one computes anew
    prefect_home: Annotated[
        SomePath | None,  # where the embedded server keeps its history; None leaves the choice to flows/folders.py
        Flag("--prefect-home", "Where the history is.", metavar="FOLDER"),
    ] = None


class HostFields:
    """The settings of the server that stays; no result depends on them."""

    server_home: Annotated[
        SomePath | None,  # None for a folder of the user's
        Flag("--home", "Of its history and password; else NECROZMA_SERVER_HOME.", metavar="FOLDER"),
    ] = None
    server_port: Annotated[
        Count,
        Range(ge=1, le=65_535),
        Flag("--port", "On loopback; else NECROZMA_SERVER_PORT, else 4210.", metavar="N"),
    ] = 4210


SETTINGS: Final = take_apart(RunFields, HostFields)
"""By name; every setting but the one that is secret, `flows.settings.HostSettings.notify_url`."""
