"""An order fetched, file by file: what is there is not asked for again, and what fails by itself stops nothing else."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from necrozma_core.errors import DownloadError, LockedError, UsageError
from necrozma_core.feeds.download.client import BadAnswerError, Listener, PoliteClient
from necrozma_core.feeds.download.manners import Clock, Manners
from necrozma_core.feeds.download.order import Found, Order, Piece, Source, make_order
from necrozma_core.feeds.download.sources import get_source
from necrozma_core.market.calendars import DAY_MS
from necrozma_core.market.instruments import get_pair
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.disk.publish import make_folder, publish_bytes

_FINAL_AFTER_MS: Final = 3 * DAY_MS
"""An empty hour that is younger is asked for again: quotes have come days late. An older one is noted as empty."""

_FAILURES_IN_A_ROW: Final = 3
"""Files whose answers were no ticks, after which the service has something else than ticks for us."""

_EMPTY_IN_A_ROW: Final = 120
"""Files without quotes at the beginning: of hours a week of trading. A pair that begins later has years of them."""


class Watcher(Listener, Protocol):
    """Who wants to see a download go on."""

    def on_begin(self, files: int, there: int) -> None:
        """Hear how many files the range has, and how many of them are there already."""

    def on_file(self, name: str, found: Found) -> None:
        """Hear what the source has of one more file."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a download goes through: how it behaves, the clock, the disk, and what finds a proxy for an address."""

    manners: Manners = field(default_factory=Manners)
    clock: Clock = field(default_factory=Clock)
    files: FileLayer = DISK
    find_proxy: Callable[[str], str | None] = lambda address: None


@dataclass(frozen=True, slots=True)
class Download:
    """What came of an order.

    Attributes
    ----------
    pair : str
    files : tuple of Path
        With quotes, the oldest first, whether fetched now or before.
    fetched : int
        How many were fetched now.
    without_quotes : int
        Files of whose time the source says that it has no quotes, such as holidays.
    not_there : tuple of str
        Names of files that the source has not, or not yet; the next download asks for them again.
    failed : tuple of str
        Why files are missing that may be there at another time, each by its name.
    """

    pair: str
    files: tuple[Path, ...]
    fetched: int
    without_quotes: int
    not_there: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def download(
    source_name: str,
    pair_name: str,
    from_ms: int,
    to_ms: int,
    folder: Path,
    watcher: Watcher,
    *,
    address: str | None = None,
    symbol: str | None = None,
    environment: Environment | None = None,
) -> Download:
    """Fetch the files of a source that hold a range of a pair.

    Parameters
    ----------
    source_name : str
        A name of `sources.SOURCES`.
    pair_name : str
    from_ms, to_ms : int
        ``[from_ms, to_ms)``, milliseconds since 1970 UTC; files are whole, so more may come.
    folder : Path
        Of all downloads; the files come into ``<folder>/<source>/<PAIR>/...``.
    watcher : Watcher
    address : str, optional
        Of a mirror.
    symbol : str, optional
        What the source calls the pair, where it has several feeds of it.
    environment : Environment, optional
        None stands for usual manners and no proxy.

    Returns
    -------
    Download

    Raises
    ------
    UsageError
        The order cannot be.
    DownloadError
        The service does not answer, refuses, or has nothing. What is there stays, and the next call goes on.
    LockedError
        Another download writes into the same folder.
    StorageError
        The disk does not take it.
    """
    environment = environment or Environment()
    source = get_source(source_name)
    now_ms = environment.clock.now_ms()
    order = make_order(source, get_pair(pair_name), from_ms, to_ms, now_ms, address, symbol)
    pieces = source.pieces(order, now_ms)
    if not pieces:
        raise UsageError(
            f"--from and --to: expected at least one {source.per} of {source.provider.title} that is over, with an "
            "open market; found none"
        )
    with (
        _locked(folder / source_name / order.symbol, environment.files),
        closing(_open_client(order.address, watcher, environment)) as client,
    ):
        return _Fetching(source, order, folder / source_name, client, watcher, now_ms).run(pieces)


def _open_client(address: str, watcher: Watcher, environment: Environment) -> PoliteClient:
    proxy = environment.find_proxy(address)
    return PoliteClient(address, watcher, environment.manners, environment.clock, environment.files, proxy)


@dataclass(slots=True)
class _Fetching:
    """A download under way."""

    source: Source
    order: Order
    folder: Path
    client: PoliteClient
    watcher: Watcher
    now_ms: int
    files: list[Path] = field(default_factory=list)
    fetched: int = 0
    without_quotes: int = 0
    not_there: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    failed_in_a_row: int = 0

    def run(self, pieces: list[Piece]) -> Download:
        """Fetch what is missing, the oldest first."""
        self.watcher.on_begin(len(pieces), sum(self._target(piece).exists() for piece in pieces))
        for piece in pieces:
            target = self._target(piece)
            if not target.exists():
                self._fetch(piece, target)
            elif target.stat().st_size:
                self.files.append(target)
            else:
                self.without_quotes += 1
            if not self.files and (asked := self.without_quotes + len(self.not_there)) >= _EMPTY_IN_A_ROW:
                raise self._nothing(f"in the first {asked} files from {pieces[0].span.first:%Y-%m-%d} on")
        if not self.files and not self.failed:
            raise self._nothing(f"from {pieces[0].span.first:%Y-%m-%d} to {pieces[-1].span.first:%Y-%m-%d}")
        return Download(
            self.order.pair.name,
            tuple(self.files),
            self.fetched,
            self.without_quotes,
            tuple(self.not_there),
            tuple(self.failed),
        )

    def _fetch(self, piece: Piece, target: Path) -> None:
        make_folder(target.parent, files=self.client.files)
        try:
            found = self.source.fetch(self.client, self.order, piece, target)
        except BadAnswerError as error:
            self.failed.append(str(error))
            self.failed_in_a_row += 1
            self.watcher.on_file(piece.name, Found.NO_FILE)
            if self.failed_in_a_row >= _FAILURES_IN_A_ROW:
                raise DownloadError(f"{error}, and so it went with the files before it") from error
            return
        self.failed_in_a_row = 0
        if found is Found.QUOTES:
            self.files.append(target)
            self.fetched += 1
        elif found is Found.NO_FILE:
            self.not_there.append(piece.name)
        else:
            self.without_quotes += 1
            if piece.span.end_ms + _FINAL_AFTER_MS <= self.now_ms:
                publish_bytes(target, b"", files=self.client.files)
        self.watcher.on_file(piece.name, found)

    def _nothing(self, where: str) -> DownloadError:
        return DownloadError(
            f"{self.source.provider.title} has no quotes of {self.order.symbol} {where}: choose another range or "
            "another --source"
        )

    def _target(self, piece: Piece) -> Path:
        return self.folder / piece.folder / piece.name


@contextmanager
def _locked(folder: Path, disk: FileLayer) -> Iterator[None]:
    make_folder(folder, files=disk)
    try:
        with lock_results(folder):
            yield
    except LockedError as error:
        raise LockedError(f"{folder}: another download into it is running; wait for it to end") from error
