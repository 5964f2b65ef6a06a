"""What the headers of an answer say: how long to wait, which part of a file this is, how long it is and its hash."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, Final

from necrozma_core.errors import DataError

OK: Final = 200
PARTIAL: Final = 206
UNSATISFIABLE: Final = 416
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
PASSING: Final = {
    202: "it answers 202 and sends nothing: it holds back who asks too often, or takes us for a robot",
    408: "it waited too long for us",
    425: "it is not ready",
    429: "it is asked too often",
    500: "it has a fault",
    502: "it cannot be reached by its own gateway",
    503: "it is overloaded or closed for a while",
    504: "it cannot be reached by its own gateway",
}
"""What another try may be worth."""

_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_HASHES: Final[dict[str, Callable[..., Any]]] = {"sha-512": hashlib.sha512, "sha-256": hashlib.sha256}
_PIECE: Final = re.compile(r"\s*([a-z0-9-]{1,20})=:?([A-Za-z0-9+/=]{4,100}):?\s*", re.ASCII | re.IGNORECASE)


def wait_asked_s(headers: Message, now_ms: int) -> float | None:
    """Return how long ``Retry-After`` wants us to wait; None where it says nothing that can be read."""
    text = (headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_ms / 1000)
    except (ValueError, TypeError, OverflowError):
        return None


def length_of(headers: Message) -> int | None:
    """Return ``Content-Length``; None where there is none that can be read."""
    text = (headers.get("Content-Length") or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def range_of(headers: Message) -> tuple[int, int | None] | None:
    """Return where a part begins, and how long the whole is where it is known; None where it does not say."""
    match = _RANGE.fullmatch((headers.get("Content-Range") or "").strip())
    if match is None:
        return None
    return int(match[1]), None if match[3] == "*" else int(match[3])


def validator_of(headers: Message) -> str | None:
    """Return what tells one version of a file from another, for ``If-Range``; None where nothing does for sure."""
    tag = (headers.get("ETag") or "").strip()
    if tag.startswith('"') and len(tag) < 200 and tag.isascii() and tag.isprintable():
        return tag
    date = (headers.get("Last-Modified") or "").strip()
    return date if date and len(date) < 60 and date.isascii() and date.isprintable() else None


@dataclass(frozen=True, slots=True)
class Checksum:
    """A hash that an answer gives of a whole file.

    Attributes
    ----------
    name : str
    digest : bytes
    new : callable
        Begins a hash of the kind.
    """

    name: str
    digest: bytes
    new: Callable[..., Any]

    def check(self, content: bytes, source: str) -> None:
        """Compare bytes with it.

        Raises
        ------
        DataError
        """
        hashed = self.new()
        hashed.update(content)
        self.compare(hashed.digest(), source)

    def compare(self, found: bytes, source: str) -> None:
        """Compare a finished hash with it; DataError where they differ."""
        if found != self.digest:
            raise DataError(f"{source}: its {self.name} should be {self.digest.hex()[:16]}…, found {found.hex()[:16]}…")


def checksum_of(headers: Message, *, whole: bool) -> Checksum | None:
    """Return the best hash that an answer gives of the file; None where it gives none that can be read.

    Parameters
    ----------
    headers : Message
    whole : bool
        The answer is the whole file. Of a part, ``Content-MD5`` speaks of the part.
    """
    given = {}
    for header in ("Repr-Digest", "Digest"):
        for piece in (headers.get(header) or "").split(","):
            if match := _PIECE.fullmatch(piece):
                given[match[1].lower()] = match[2]
    for name, new in _HASHES.items():
        if name in given and (digest := _decode(given[name], new().digest_size)):
            return Checksum(name, digest, new)
    md5 = [header.partition("md5=")[2] for header in headers.get_all("x-goog-hash", []) if "md5=" in header]
    if whole and headers.get("Content-MD5"):
        md5.append(headers["Content-MD5"].strip())
    for text in md5:
        if digest := _decode(text.partition(",")[0], 16):
            return Checksum("md5", digest, _md5)
    return None


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _decode(text: str, size: int) -> bytes | None:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == size else None
