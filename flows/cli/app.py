"""The command line: parse, call, exit code. What a command needs is imported when it runs, so that help is quick."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from flows.cli import options
from flows.cli.data import data_app, strategies_app
from flows.cli.downloading import download
from flows.cli.exits import Command, Commands
from flows.cli.migrating import migrate
from flows.cli.options import option
from flows.cli.runs import retry, runs_app, verify
from flows.cli.server import deploy, server_app, worker
from flows.terminal.streams import survive_any_start

_LOOK: Final[dict[str, Any]] = {
    "cls": Commands,
    "rich_markup_mode": None,
    "add_completion": False,
    "pretty_exceptions_enable": False,
}

app = typer.Typer(no_args_is_help=True, **_LOOK)
sequential = typer.Typer(**_LOOK)
"""``run_sequential_backtest.py``: the backtest command without its name."""


def main() -> None:
    """Run ``necrozma``."""
    survive_any_start()
    app()


def main_sequential() -> None:
    """Run the backtest command alone."""
    survive_any_start()
    sequential()


def _show_version(wanted: bool) -> None:
    if wanted:
        from necrozma_core import __version__  # noqa: PLC0415

        typer.echo(f"necrozma {__version__}")
        raise typer.Exit


@app.callback()
def _necrozma(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Say which.")
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Backtest currency strategies on every pair, exact to the tick, on a machine that stays usable."""


@sequential.command(cls=Command)
@app.command(cls=Command)
def backtest(
    ctx: typer.Context,
    pairs: Annotated[list[str] | None, option("pairs")] = None,
    data: options.Data = None,
    timeframe: Annotated[str | None, option("timeframe")] = None,
    day_end: Annotated[str | None, option("day_end")] = None,
    bar_offset: Annotated[str | None, option("bar_offset")] = None,
    prices: Annotated[Literal["auto", "ticks", "bars"] | None, option("prices")] = None,
    date_from: Annotated[str | None, option("date_from")] = None,
    date_to: Annotated[str | None, option("date_to")] = None,
    holdout: Annotated[str | None, option("holdout")] = None,
    use_holdout: Annotated[bool | None, option("use_holdout")] = None,
    strategies: options.Strategies = None,
    settings_file: options.SettingsFile = None,
    grid: options.Grid = None,
    catalog: options.Catalog = None,
    lots: Annotated[float | None, option("lots")] = None,
    size: Annotated[str | None, option("size")] = None,
    leverage: Annotated[float | None, option("leverage")] = None,
    stop_out_percent: Annotated[float | None, option("stop_out_percent")] = None,
    commission: Annotated[float | None, option("commission")] = None,
    commission_per_million: Annotated[float | None, option("commission_per_million")] = None,
    commission_percent: Annotated[float | None, option("commission_percent")] = None,
    commission_minimum: Annotated[float | None, option("commission_minimum")] = None,
    slippage_pips: Annotated[float | None, option("slippage_pips")] = None,
    spread_markup_pips: Annotated[float | None, option("spread_markup_pips")] = None,
    swap_table: Annotated[Path | None, option("swap_table")] = None,
    latency_ms: Annotated[int | None, option("latency_ms")] = None,
    max_quote_age_s: Annotated[float | None, option("max_quote_age_s")] = None,
    account_currency: Annotated[str | None, option("account_currency")] = None,
    conversion: Annotated[Literal["mid", "side"] | None, option("conversion")] = None,
    workers: options.Workers = None,
    cpu_limit: Annotated[float | None, option("cpu_limit")] = None,
    cooldown_seconds: Annotated[float | None, option("cooldown_seconds")] = None,
    nice: Annotated[bool | None, option("nice")] = None,
    background: Annotated[bool | None, option("background")] = None,
    profile: options.ProfileName = None,
    pair_timeout_s: Annotated[float | None, option("pair_timeout_s")] = None,
    worker_memory_mb: Annotated[int | None, option("worker_memory_mb")] = None,
    results: options.Results = None,
    storage_format: Annotated[Literal["parquet", "json"] | None, option("storage_format")] = None,
    keep_trades: Annotated[str | None, option("keep_trades")] = None,
    rank_by: Annotated[Literal["deflated_sharpe", "sharpe", "net_profit"] | None, option("rank_by")] = None,
    strict: Annotated[bool | None, option("strict")] = None,
    history: Annotated[bool | None, option("history")] = None,
    label: Annotated[str | None, option("label")] = None,
    quiet: options.Quiet = False,
    plain: options.Plain = False,
    debug: options.Debug = False,
) -> None:
    """Backtest every strategy on every pair.

    What is stored already is not computed again. Defaults come from config.py, then from NECROZMA_* variables.
    """
    from flows.cli.starting import read_settings, start  # noqa: PLC0415

    settings, remarks = read_settings(ctx.params)
    raise typer.Exit(start(settings, remarks, quiet=quiet, plain=plain))


@app.command()
def ui(
    prefect_home: Annotated[Path | None, option("prefect_home")] = None,
) -> None:
    """Serve the history of runs, for the browser."""
    from flows.cli.server import show_ui  # noqa: PLC0415

    raise typer.Exit(show_ui(prefect_home))


@app.command()
def doctor(data: options.Data = None, results: options.Results = None, workers: options.Workers = None) -> None:
    """Say what this machine has and whether all is in order."""
    from flows.cli.doctor import examine  # noqa: PLC0415

    raise typer.Exit(examine({"data": data, "results": results, "workers": workers}))


# In the order in which help lists them: commands, then groups.
for command in (retry, verify, migrate, deploy, worker):
    app.command()(command)
data_app.command()(download)
for name, group in {"data": data_app, "strategies": strategies_app, "runs": runs_app, "server": server_app}.items():
    app.add_typer(group, name=name)
