"""HistData's months of ticks: a page for each, whose form holds a token that the file is asked for with."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

from necrozma_core.errors import DataError
from necrozma_core.feeds.download.addresses import HISTDATA
from necrozma_core.feeds.download.client import PoliteClient
from necrozma_core.feeds.download.connection import Ask
from necrozma_core.feeds.download.order import Found, Order, Piece
from necrozma_core.feeds.download.spans import months
from necrozma_core.feeds.download.zips import MOST_BYTES, check_zip

_PAGES: Final = "/download-free-forex-historical-data/?/ascii/tick-data-quotes"
_MOST_PAGE_BYTES: Final = 4 * 2**20
_NOT_THERE: Final = frozenset({404})
_TOKEN: Final = re.compile(r"[A-Za-z0-9]{8,128}", re.ASCII)
_EST_BEHIND_MS: Final = 5 * 3_600_000


class HistData:
    """A month a file, in New York's winter time."""

    provider = HISTDATA
    per = "month"
    has_symbols = False

    def pieces(self, order: Order, now_ms: int) -> list[Piece]:
        """Return the months of the range that are over; they are of New York's winter time, five hours behind UTC."""
        end_ms = min(order.to_ms, now_ms) - _EST_BEHIND_MS
        return [
            Piece(
                folder=f"{order.pair.name}",
                name=f"HISTDATA_COM_ASCII_{order.pair.name}_T{month.first:%Y%m}.zip",
                span=month,
                path=f"{_PAGES}/{order.pair.name.lower()}/{month.first.year}/{month.first.month}",
            )
            for month in months(order.from_ms - _EST_BEHIND_MS, end_ms)
            if month.end_ms + _EST_BEHIND_MS <= now_ms
        ]

    def fetch(self, client: PoliteClient, order: Order, piece: Piece, target: Path) -> Found:
        """Fetch a month's page, and with its token the zip; that cannot be gone on with, only begun again."""
        page = order.address + piece.path
        token = client.read(
            Ask(page, piece.name), _MOST_PAGE_BYTES, lambda content: _find_token(content, piece.name), _NOT_THERE
        )
        if isinstance(token, int):
            return Found.NO_FILE
        first = piece.span.first
        form = {
            "tk": token,
            "date": f"{first:%Y}",
            "datemonth": f"{first:%Y%m}",
            "platform": "ASCII",
            "timeframe": "T",
            "fxpair": order.pair.name,
        }
        origin = urlsplit(order.address)
        headers = {
            # Without the page that the form stands on nothing is sent.
            "Referer": page,
            "Origin": f"{origin.scheme}://{origin.netloc}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        ask = Ask(f"{order.address}/get.php", piece.name, "POST", urlencode(form).encode(), headers)
        client.save(ask, target, MOST_BYTES, lambda path: check_zip(path, piece.name))
        return Found.QUOTES


class _Form(HTMLParser):
    """Finds the value of the input called ``tk``."""

    def __init__(self) -> None:
        super().__init__()
        self.token = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        given = dict(attrs)
        if tag == "input" and "tk" in {given.get("id"), given.get("name")}:
            self.token = given.get("value") or ""


def _find_token(content: bytes, name: str) -> str:
    form = _Form()
    form.feed(content.decode(errors="replace"))
    if not _TOKEN.fullmatch(form.token):
        raise DataError(
            f"{name}: expected a page with a form to download the month with, found one without: the site has not the "
            "month, or shows another page now"
        )
    return form.token
