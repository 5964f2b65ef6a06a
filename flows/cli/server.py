"""``necrozma ui``, ``server``, ``deploy`` and ``worker``: runs on a schedule, and a history that stays."""

import threading
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import option
from necrozma_core.errors import ExitCode

server_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="A Prefect server that stays: for deployments, schedules and one history. Loopback only, with a password.",
)

_Home = Annotated[Path | None, option("server_home")]
_Port = Annotated[int | None, option("server_port")]
_PublicUrl = Annotated[
    str | None,
    typer.Option("--public-url", metavar="URL", help="Where people reach it, if a proxy stands in front of it."),
]


@server_app.command()
def start(home: _Home = None, port: _Port = None, public_url: _PublicUrl = None) -> None:
    """Start it in the background; say where it is and how to log in."""
    from flows.server.standing import start_standing  # noqa: PLC0415

    folder, number = _where(home, port)
    typer.echo("Starting a Prefect server, which takes some seconds ...", err=True)
    server = start_standing(folder, number, public_url)
    typer.echo(
        f"Prefect server: {server.url} (process {server.process.pid})\n"
        f"Log in with the line in {server.password_file}\n"
        f"For Prefect's own commands: set -a; . {server.client_file}; set +a\n"
        "Next: `necrozma deploy`, then `necrozma worker`"
    )


@server_app.command()
def run(home: _Home = None, port: _Port = None, public_url: _PublicUrl = None) -> None:
    """Run it in the foreground, as systemd wants it."""
    from flows.server.standing import run_standing  # noqa: PLC0415

    folder, number = _where(home, port)
    run_standing(folder, number, public_url)


@server_app.command()
def stop(home: _Home = None) -> None:
    """Stop it; the history stays."""
    from flows.server.standing import stop_standing  # noqa: PLC0415

    folder, _ = _where(home, None)
    stopped = stop_standing(folder)
    typer.echo(f"stopped process {stopped.process.pid}" if stopped else f"no server runs in {folder}")


@server_app.command()
def status(home: _Home = None) -> None:
    """Say whether it runs and answers; the exit code is 3 where it does not, as that of systemctl."""
    from flows.server.standing import find_standing  # noqa: PLC0415

    folder, _ = _where(home, None)
    server = find_standing(folder)
    if server is None:
        typer.echo(f"no server runs in {folder}")
        raise typer.Exit(3)
    answers = server.is_answering()
    how = "runs" if answers else f"runs but does not answer, see {server.log_file}"
    typer.echo(f"{server.url} {how} (process {server.process.pid}, {folder})")
    raise typer.Exit(0 if answers else 3)


def deploy(home: _Home = None) -> None:
    """Bring the deployments of prefect.yaml to the server in PREFECT_API_URL, or else to ours."""
    from flows.server.deployments import client_environment  # noqa: PLC0415
    from flows.server.deployments import deploy as bring  # noqa: PLC0415

    for deployed in bring(client_environment(_where(home, None)[0])):
        typer.echo(f"{deployed.name}  {deployed.url}")
        for schedule, active in deployed.schedules:
            typer.echo(f"  {schedule}{'' if active else ' (switched off)'}")
    typer.echo("Run them with a worker on this machine: `necrozma worker`")


def worker(home: _Home = None) -> None:
    """Run what the server hands out, one backtest at a time, until Ctrl-C."""
    from flows.server.deployments import become_worker, client_environment  # noqa: PLC0415

    become_worker(client_environment(_where(home, None)[0]))


def _where(home: Path | None, port: int | None) -> tuple[Path, int]:
    """Return the server's folder and port, from flags and settings."""
    from flows.folders import server_folder  # noqa: PLC0415
    from flows.settings import load_host_settings  # noqa: PLC0415

    settings = load_host_settings({"server_home": home, "server_port": port})
    return (settings.server_home or server_folder()).absolute(), settings.server_port


def show_ui(home: Path | None) -> int:
    """Run the server that keeps the history until a signal ends it, and say where its UI is."""
    from flows.cli.interrupts import Interrupts  # noqa: PLC0415
    from flows.folders import history_folder  # noqa: PLC0415
    from flows.server.address import configured_api_url  # noqa: PLC0415
    from flows.server.embedded import start_embedded  # noqa: PLC0415
    from flows.settings import load_settings  # noqa: PLC0415

    settings = load_settings({"prefect_home": home})
    if url := configured_api_url():
        typer.echo(f"Prefect UI: {url.removesuffix('/api')}, the server that Prefect's own settings name")
        return ExitCode.OK
    ended = threading.Event()

    def end(code: ExitCode) -> bool:
        ended.set()
        return True

    with Interrupts(end):
        server = start_embedded(settings.prefect_home or history_folder())
        try:
            server.wait_ready(give_up=ended.is_set)
            if not ended.is_set():
                typer.echo(f"Prefect UI: {server.url}, until Ctrl-C")
            ended.wait()
        finally:
            server.stop()
    return ExitCode.OK
