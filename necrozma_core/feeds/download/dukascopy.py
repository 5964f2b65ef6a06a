"""Dukascopy's hours, ``/ticks/EUR-USD/2024/1/2/12``: JSON of one hour of quotes. Its numbers are written without zeros.

The service took the place of ``datafeed.dukascopy.com`` and its ``.bi5`` files in July 2026.
"""

import gzip
from pathlib import Path
from typing import Final

from necrozma_core.errors import DataError
from necrozma_core.feeds.download.addresses import DUKASCOPY
from necrozma_core.feeds.download.client import PoliteClient
from necrozma_core.feeds.download.connection import Ask
from necrozma_core.feeds.download.order import Found, Order, Piece
from necrozma_core.feeds.download.spans import HOUR_MS, Span, open_hours
from necrozma_core.feeds.formats.hour_json import MOST_BYTES, QuotedHour, parse_hour
from necrozma_core.storage.disk.publish import publish_bytes

_FIRST_MS: Final = 1_052_074_800_000
"""EURUSD's first quotes, 4 May 2003; no pair's are older."""

_AFTER_MS: Final = HOUR_MS
"""An hour is asked for once it has been over so long; clients saw it appear within one or two."""

_NOT_THERE: Final = frozenset({204, 400, 404})
"""400 is what an hour that is not over gets."""

# The least effort that halves the size twice: an hour of 100 kB takes 2 ms.
_GZIP_LEVEL: Final = 6


class Dukascopy:
    """An hour a file."""

    provider = DUKASCOPY
    per = "hour"
    has_symbols = False

    def pieces(self, order: Order, now_ms: int) -> list[Piece]:
        """Return the hours of the range in which the market was open."""
        end_ms = min(order.to_ms, (now_ms - _AFTER_MS) // HOUR_MS * HOUR_MS)
        return [self._piece(order, hour) for hour in open_hours(max(order.from_ms, _FIRST_MS), end_ms)]

    def fetch(self, client: PoliteClient, order: Order, piece: Piece, target: Path) -> Found:
        """Fetch an hour and keep its JSON, packed."""
        raw = b""

        def check(content: bytes) -> QuotedHour:
            nonlocal raw
            raw = content
            hour = parse_hour(content, piece.name)
            if hour.start_ms != piece.span.first_ms:
                raise DataError(
                    f"{piece.name}: expected the hour {piece.span.first_ms}, found {hour.start_ms} milliseconds"
                )
            return hour

        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        hour = client.read(Ask(order.address + piece.path, piece.name, headers=headers), MOST_BYTES, check, _NOT_THERE)
        if isinstance(hour, int):
            return Found.NO_FILE
        if not len(hour):
            return Found.NO_QUOTES
        publish_bytes(target, gzip.compress(raw, _GZIP_LEVEL, mtime=0), files=client.files)
        return Found.QUOTES

    @staticmethod
    def _piece(order: Order, hour: Span) -> Piece:
        first = hour.first
        pair = order.pair
        return Piece(
            folder=f"{pair.name}/{first:%Y-%m}",
            name=f"{pair.name}_{first:%Y-%m-%d_%H}h.json.gz",
            span=hour,
            path=f"/ticks/{pair.base}-{pair.quote}/{first.year}/{first.month}/{first.day}/{first.hour}",
        )
