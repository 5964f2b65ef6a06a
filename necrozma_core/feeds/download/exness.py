"""Exness's months, ``/ticks/EURUSD/2024/01/Exness_EURUSD_2024_01.zip``, and the days of the month that is not over."""

from pathlib import Path
from typing import Final

from necrozma_core.feeds.download.addresses import EXNESS
from necrozma_core.feeds.download.answers import OK
from necrozma_core.feeds.download.client import PoliteClient
from necrozma_core.feeds.download.connection import Ask
from necrozma_core.feeds.download.order import Found, Order, Piece
from necrozma_core.feeds.download.spans import days, months
from necrozma_core.feeds.download.zips import MOST_BYTES, check_zip

_NOT_THERE: Final = frozenset({403, 404})
"""Stores of files answer 403 where a file is missing and may not be looked for."""


class Exness:
    """A month a file, a day where the month is not over."""

    provider = EXNESS
    per = "month, or day of the running month,"
    has_symbols = True

    def pieces(self, order: Order, now_ms: int) -> list[Piece]:
        """Return the months of the range, and of the last one the days that are over."""
        found = []
        for month in months(order.from_ms, min(order.to_ms, now_ms)):
            first = month.first
            folder, name = f"{order.symbol}/{first:%Y}", f"Exness_{order.symbol}_{first:%Y_%m}"
            path = f"/ticks/{order.symbol}/{first:%Y/%m}"
            if month.end_ms <= now_ms:
                found.append(Piece(folder, f"{name}.zip", month, f"{path}/{name}.zip"))
                continue
            for day in days(max(month.first_ms, order.from_ms), min(order.to_ms, now_ms)):
                if day.end_ms <= now_ms:
                    number = f"{day.first:%d}"
                    found.append(Piece(folder, f"{name}_{number}.zip", day, f"{path}/{number}/{name}_{number}.zip"))
        return found

    def fetch(self, client: PoliteClient, order: Order, piece: Piece, target: Path) -> Found:
        """Fetch a zip, and go on with one that was begun."""
        ask = Ask(order.address + piece.path, piece.name)
        status = client.save(ask, target, MOST_BYTES, lambda path: check_zip(path, piece.name), _NOT_THERE)
        return Found.QUOTES if status == OK else Found.NO_FILE
