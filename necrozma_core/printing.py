"""Text that may be shown: whatever it quotes, it neither steers a terminal nor gives a secret away.

Names, paths, cells of files and what other people's code raises come from outside and end up in messages. Every message
passes `printable` where it leaves: at the terminal's streams, in a log record, in what Prefect is told.
"""

import logging
import re
import warnings
from typing import Any, Final

# The control characters but the newline; the marks that turn the direction of reading; the separators at which some
# programs begin a line; halves of characters, which no encoding takes.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SHORT: Final = {"\t": "\\t", "\r": "\\r"}
_HIDDEN: Final = "***"
# A password may hold a slash, which belongs into no address as it is. What follows a port is no password.
_USER: Final = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^\s/?#]*@|[^\s/?#:]*:(?!\d+(?:[/?#]|$))\S*@)", re.IGNORECASE)
_QUERY: Final = re.compile(
    r"([a-z][a-z0-9+.-]*://[^\s?#]*)(?:(\?)|(#)(?=\S*=))\S+?(?=[;,.:'\"`)\]>]*(?:\s|$))", re.IGNORECASE
)
_SHORTEST_SECRET: Final = 9
"""Characters; a shorter one would be found in words that are none."""

_secrets: set[str] = set()


def printable(text: object) -> str:
    r"""Return a text as it may be shown, on as many lines as it has.

    Control characters, marks that turn the direction of reading, and bytes of a path that are no text are written as
    escapes: ``\x1b``. In addresses, user and password, and what follows the question mark, are written as stars; so
    are the secrets of `keep_secret`, wherever they stand. A text that has passed once passes unchanged.
    """
    shown = str(text)
    if _secrets:
        for secret in sorted(_secrets, key=len, reverse=True):
            shown = shown.replace(secret, _HIDDEN)
    if "://" in shown:
        shown = _QUERY.sub(rf"\1\2\3{_HIDDEN}", _USER.sub(rf"\1{_HIDDEN}@", shown))
    return _UNPRINTABLE.sub(_escape, shown)


def one_line(text: object) -> str:
    """Return a text as it may be shown, on one line; runs of spaces inside a line stay, as a path may have them."""
    return " ".join(filter(None, (line.strip() for line in printable(text).split("\n"))))


def shorten(text: str, most: int) -> str:
    """Return a text in at most so many characters, with its beginning, its end, and a sign where its middle was."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[len(text) - (most - 1 - most // 2) :]}"


def keep_secret(text: str) -> None:
    """Have `printable` hide a text, such as a webhook's address, for as long as the process lives."""
    if len(text) >= _SHORTEST_SECRET:
        _secrets.add(text)


class PrintableRecord(logging.LogRecord):
    """A log record whose message and traceback may be shown, whoever logs and whoever formats it."""

    def getMessage(self) -> str:  # noqa: N802 -- the name is logging's
        """Return the message with its arguments."""
        return printable(super().getMessage())

    @property
    def exc_text(self) -> str | None:
        """The traceback as text, once a formatter has made it."""
        return self._traceback

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        self._traceback = None if text is None else printable(text)


def keep_logs_printable() -> None:
    """Have this process's log records and warnings show nothing that is not printable."""
    logging.setLogRecordFactory(PrintableRecord)
    if not getattr(warnings.formatwarning, "is_printable", False):
        plain = warnings.formatwarning

        def format_printable(*positional: Any, **named: Any) -> str:
            return printable(plain(*positional, **named))

        format_printable.is_printable = True  # type: ignore[attr-defined]
        warnings.formatwarning = format_printable


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte of a path that is no text
        code -= 0xDC00
    return _SHORT.get(sign) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
