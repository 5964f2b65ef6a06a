"""What is wanted, and the files of a source that it stands for."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from necrozma_core.errors import UsageError, shown
from necrozma_core.feeds.download.addresses import Provider, check_address
from necrozma_core.feeds.download.client import PoliteClient
from necrozma_core.feeds.download.spans import Span
from necrozma_core.feeds.formats.symbols import strip_symbol
from necrozma_core.market.instruments import Pair

# What a symbol may be made of becomes part of a path here and of an address there.
_OLDEST_MS: Final = 946_684_800_000
"""1 January 2000: none of the sources has older ticks."""

_SYMBOL: Final = re.compile(r"[A-Za-z]{6}[A-Za-z0-9_]{0,24}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of a source.

    Attributes
    ----------
    pair : Pair
    symbol : str
        What the source calls the pair.
    from_ms, to_ms : int
        The range ``[from_ms, to_ms)``, milliseconds since 1970 UTC.
    address : str
        Of the source, or of a mirror.
    """

    pair: Pair
    symbol: str
    from_ms: int
    to_ms: int
    address: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a source.

    Attributes
    ----------
    folder : str
        Below that of the source: names of ours, joined by slashes.
    name : str
        Of the file: ours as well, whatever the source calls it.
    span : Span
        What it is about.
    path : str
        What the source's address is joined with.
    """

    folder: str
    name: str
    span: Span
    path: str


class Found(StrEnum):
    """What a source has of the time that a file is about."""

    QUOTES = "quotes"
    NO_QUOTES = "no quotes"
    """It says so."""
    NO_FILE = "no file"
    """It may have one another time."""


class Source(Protocol):
    """A service that gives files of ticks away."""

    provider: Provider
    per: str
    """What one of its files is about: an hour, a month."""
    has_symbols: bool
    """It has several feeds of a pair, each with a symbol."""

    def pieces(self, order: Order, now_ms: int) -> list[Piece]:
        """Return the files that an order stands for, the oldest first, as far as they can be there yet."""
        ...

    def fetch(self, client: PoliteClient, order: Order, piece: Piece, target: Path) -> Found:
        """Fetch a file to its place; there is none unless it holds quotes.

        Raises
        ------
        DownloadError, StorageError
        """
        ...


def make_order(
    source: Source, pair: Pair, from_ms: int, to_ms: int, now_ms: int, address: str | None, symbol: str | None
) -> Order:
    """Check what is wanted.

    Raises
    ------
    UsageError
        The range is empty or lies in the future, or the address or the symbol cannot be.
    """
    if from_ms >= to_ms:
        raise UsageError("--from and --to: expected a range that is not empty, of which --to is the end")
    if from_ms >= now_ms:
        moment = datetime.fromtimestamp(from_ms / 1000, UTC)
        raise UsageError(f"--from {moment:%Y-%m-%d}: expected a time that has been; there are no quotes of the future")
    if symbol is not None:
        if not source.has_symbols:
            raise UsageError(
                f"--symbol {shown(symbol, 40)}: {source.provider.title} has one feed of each pair; leave it out"
            )
        if not _SYMBOL.fullmatch(symbol) or strip_symbol(symbol) != pair.name:
            raise UsageError(
                f"--symbol {shown(symbol, 40)}: expected what the source calls {pair.name}, such as "
                f"{pair.name}_Zero_Spread"
            )
    provider = source.provider
    return Order(
        pair,
        symbol or pair.name,
        max(from_ms, _OLDEST_MS),
        to_ms,
        check_address(address) if address else provider.address,
    )
