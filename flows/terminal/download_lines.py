"""A download as a person sees it: a line that moves on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import typer
from rich.live import Live
from rich.text import Text

from flows.terminal.tables import open_console
from necrozma_core.feeds.download.addresses import Provider
from necrozma_core.feeds.download.fetching import Download
from necrozma_core.feeds.download.order import Found

_PARTS: Final = 10
"""Lines of a whole download where nothing can move."""

_NAMES_SHOWN: Final = 3
_MEGABYTE: Final = 1e6
_FILES_MEASURED: Final = 20
"""After which the time that is left is worth telling."""


class DownloadLines:
    """Shows how far a download is; inside its ``with`` block.

    Parameters
    ----------
    pair : str
    monotonic : callable
        Seconds that only rise.
    """

    def __init__(self, pair: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pair = pair
        self._monotonic = monotonic
        self._files = self._there = self._done = self._bytes = 0
        self._told = 0
        self._began = 0.0
        console = open_console(narrowest=0)
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(get_renderable=self._text, console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> "DownloadLines":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        if kind is not None and issubclass(kind, KeyboardInterrupt) and self._files:
            typer.echo(f"{self._pair}: stopped with {self._seen}; the same command goes on", err=True)

    def on_begin(self, files: int, there: int) -> None:
        """Say what there is to do."""
        self._files, self._there, self._began = files, there, self._monotonic()
        there_already = f", {there:,} there already" if there else ""
        typer.echo(f"{self._pair}: {_files(files)} in the range{there_already}")

    def on_bytes(self, count: int) -> None:
        """Count what came."""
        self._bytes += count

    def on_file(self, name: str, found: Found) -> None:
        """Count a file, and tell of it now and then."""
        self._done += 1
        part = self._done * _PARTS // max(1, self._files - self._there)
        if self._live is None and part > self._told:
            self._told = part
            typer.echo(f"{self._pair}: {self._line()}")

    def on_wait(self, seconds: float, why: str) -> None:
        """Say that the service made us wait."""
        typer.echo(f"{self._pair}: {why}; asked again in {seconds:.0f} s")

    @property
    def _seen(self) -> str:
        return f"{self._there + self._done:,} of {_files(self._files)}"

    def _line(self) -> str:
        line = f"{self._seen}, {self._bytes / _MEGABYTE:,.1f} MB"
        left = self._files - self._there - self._done
        if self._done < _FILES_MEASURED or left <= 0:
            return line
        seconds = (self._monotonic() - self._began) / self._done * left
        return f"{line}, about {_span(seconds)} left"

    def _text(self) -> Any:
        return Text(f"{self._pair}: {self._line()}" if self._files else "")


def terms_line(provider: Provider) -> str:
    """Say whose terms the data are under."""
    return provider.terms


def download_lines(done: Download, folder: Path) -> Iterator[str]:
    """Say what came of a download."""
    yield f"{done.pair}: {_files(len(done.files))} in {folder}, {done.fetched:,} fetched now"
    if done.without_quotes:
        yield f"{done.pair}: of {_files(done.without_quotes)} more the service says that there were no quotes"
    if done.not_there:
        more = len(done.not_there) - _NAMES_SHOWN
        names = ", ".join(done.not_there[:_NAMES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
        yield f"{done.pair}: not there, or not yet: {names}"
    for line in done.failed:
        yield f"{done.pair}: left out: {line}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
