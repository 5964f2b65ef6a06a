"""``necrozma data download``: files of ticks fetched from those who give them away, and imported."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from flows.cli import options

if TYPE_CHECKING:
    from necrozma_core.feeds.download.fetching import Download

_DOWNLOADS: Final = Path("downloads")


def download(
    source: Annotated[str, typer.Option(metavar="NAME", help="dukascopy, exness or histdata.")],
    pair: Annotated[list[str], typer.Option("--pair", metavar="NAME", help="EURUSD; may be said again for others.")],
    from_: Annotated[str, typer.Option("--from", metavar="TIME", help="2024-01-15 (UTC), or with a time and zone.")],
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="The first time that is not meant.")],
    downloads: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the files stay as they came.")] = _DOWNLOADS,
    data: options.Data = None,
    symbol: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another feed of the pair's, of Exness: EURUSD_Zero_Spread, EURUSDm."),
    ] = None,
    import_: Annotated[bool, typer.Option("--import/--no-import", help="Store the ticks, or only fetch.")] = True,
    address: Annotated[
        str | None, typer.Option(metavar="URL", help="Of a mirror of the source, instead of its own.")
    ] = None,
) -> None:
    """Fetch files of ticks from a service that gives them away, and import them.

    One file at a time, and none twice: what is there already is not asked for again, and a command that was stopped
    goes on where it was.
    """
    from flows.cli.starting import data_folder  # noqa: PLC0415
    from flows.terminal.download_lines import terms_line  # noqa: PLC0415
    from necrozma_core.errors import DownloadError, UsageError  # noqa: PLC0415
    from necrozma_core.feeds.download.sources import get_source  # noqa: PLC0415
    from necrozma_core.market.instruments import get_pair  # noqa: PLC0415
    from necrozma_core.market.moments import parse_moment  # noqa: PLC0415

    provider = get_source(source).provider
    span = parse_moment(from_, "--from"), parse_moment(to, "--to")
    names = list(dict.fromkeys(get_pair(name).name for name in pair))
    if symbol is not None and len(names) > 1:
        raise UsageError(f"--symbol {symbol[:40]} is of one pair: download the {len(names)} pairs one after the other")
    store = data_folder(data) if import_ else None
    typer.echo(terms_line(provider))
    found = [_fetch(source, name, span, downloads, address, symbol, store) for name in names]
    if failed := [line for done in found for line in done.failed]:
        more = f" (and {len(failed) - 1:,} more files)" if len(failed) > 1 else ""
        raise DownloadError(f"{failed[0]}{more}; the other files are there, and the same command tries again")


def _fetch(
    source: str,
    pair: str,
    span: tuple[int, int],
    folder: Path,
    address: str | None,
    symbol: str | None,
    store: Path | None,
) -> "Download":
    from flows.terminal.download_lines import DownloadLines, download_lines  # noqa: PLC0415
    from flows.terminal.wording import import_lines  # noqa: PLC0415
    from necrozma_core.feeds.download.fetching import Environment  # noqa: PLC0415
    from necrozma_core.feeds.download.fetching import download as fetch  # noqa: PLC0415
    from necrozma_core.feeds.intake import import_files  # noqa: PLC0415

    with DownloadLines(pair) as lines:
        environment = Environment(find_proxy=_find_proxy)
        done = fetch(source, pair, *span, folder, lines, address=address, symbol=symbol, environment=environment)
    typer.echo("\n".join(download_lines(done, folder / source)))
    if store is not None and done.files:
        typer.echo("\n".join(import_lines(import_files(done.files, pair, store))))
    return done


def _find_proxy(address: str) -> str | None:
    """Return the proxy that the system or ``HTTPS_PROXY`` names for a host, unless ``NO_PROXY`` names the host."""
    from urllib.parse import urlsplit  # noqa: PLC0415
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

    parts = urlsplit(address)
    proxy = getproxies().get("https")
    if parts.scheme != "https" or not proxy or proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
