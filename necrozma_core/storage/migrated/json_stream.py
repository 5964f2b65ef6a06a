"""A JSON document's parts one after the other: memory holds one of them, whatever the size of the file."""

import codecs
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from necrozma_core.errors import DataError, not_a_file, shown
from necrozma_core.storage.migrated.json_values import DuplicateKeyError, exact_decoder

LONGEST_PART: Final = 256 * 2**20
"""Characters of one part: an element of a list at the top, or any other value there. Decoded it takes several times as
much memory; the original's largest, one strategy with all its trades, have some fifty million."""

_CHUNK_BYTES: Final = 2**20
_MARGIN: Final = 16
"""Characters before the end of what was read in which a token may be cut: an escaped pair of surrogates has twelve."""
_CUT_TEXT: Final = "Unterminated string"
_SPACE: Final = re.compile(r"[ \t\n\r]*")


class UnreadableError(DataError):
    """A document that cannot be read as it stands; the message is the reason alone, without the file's name."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a file from a later one of its name, as far as the system says: any write changes the times."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Identity":
        """Take it from what the system says of a file."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Part:
    """A value of the top level, or an element of a list there.

    Attributes
    ----------
    member : str or None
        The key; None where the document is no object.
    value : JSON
        Without meaning where a list begins.
    element : bool
        It is an element of the list that `member` names.
    begins_list : bool
        The list `member` begins here; its elements follow.
    is_spread : bool
        That list stands for an object in the document, see `necrozma_core.storage.migrated.levels`.
    """

    member: str | None
    value: Any = None
    element: bool = False
    begins_list: bool = False
    is_spread: bool = False


class JsonStream:
    """One reading of a document.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    identity : Identity
        Of the file that was read, once all parts are.
    sha256 : str
        Of its bytes, once all parts are read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.identity: Identity | None = None
        self.sha256 = ""

    def parts(self) -> Iterator[Part]:
        """Go through the document.

        Raises
        ------
        UnreadableError
            It is no whole JSON document, or changes while it is read.
        """
        try:
            if found := not_a_file(self._path):
                raise UnreadableError(found)
            with self._path.open("rb") as handle:
                before = Identity.of(os.fstat(handle.fileno()))
                text = _Text(handle)
                yield from _walk(text)
                if Identity.of(os.fstat(handle.fileno())) != before:
                    raise UnreadableError("it changed while it was read")
        except OSError as error:
            raise UnreadableError(f"it could not be read: {os.strerror(error.errno or 0)}") from error
        self.identity, self.sha256 = before, text.sha256


class _Text:
    """A window over a file's text that grows until a value in it is whole."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self._hash = hashlib.sha256()
        self._decoder = exact_decoder()
        self._ended = False
        self._bytes = 0
        self._window = ""
        self._at = 0
        self._lines = 0
        self._line_characters = 0  # of the line in which the window begins, before it
        first = self._read()
        self._bytes_to_text = codecs.getincrementaldecoder(json.detect_encoding(first[:4]))("strict")
        self._take(first)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def peek(self) -> str:
        """Return the next character that is no space, without passing it; empty at the end."""
        while True:
            self._at += len(_SPACE.match(self._window, self._at)[0])  # type: ignore[index]  # it always matches
            if self._at < len(self._window) or self._ended:
                return self._window[self._at : self._at + 1]
            self._grow(_CHUNK_BYTES)

    def skip(self, character: str) -> bool:
        """Pass a character if it comes next."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def expect(self, character: str) -> None:
        """Pass the character that must come next."""
        if not self.skip(character):
            raise self.trouble(f"expected {shown(character)}")

    def value(self) -> Any:
        """Decode the next value and pass it."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._window, self._at)
            except DuplicateKeyError as error:
                raise UnreadableError(str(error)) from None
            except json.JSONDecodeError as error:
                is_cut = error.pos >= len(self._window) - _MARGIN or error.msg.startswith(_CUT_TEXT)
                if self._ended or not is_cut:
                    raise self.trouble(error.msg, error.pos) from None
            except RecursionError:
                raise UnreadableError("its values are nested too deep to be compared") from None
            else:
                if self._ended or end <= len(self._window) - _MARGIN:
                    self._at = end
                    return value
            if len(self._window) - self._at > LONGEST_PART:
                raise UnreadableError(f"one value of it has more than {LONGEST_PART:,} characters")
            self._grow(max(_CHUNK_BYTES, len(self._window) - self._at))

    def trouble(self, what: str, position: int | None = None) -> UnreadableError:
        """Say where the document stops being JSON."""
        position = self._at if position is None else position
        line = self._lines + self._window.count("\n", 0, position) + 1
        breaks = self._window.rfind("\n", 0, position)
        column = position - breaks if breaks >= 0 else self._line_characters + position + 1
        if self._ended and (position >= len(self._window.rstrip()) or what.startswith(_CUT_TEXT)):
            return UnreadableError(f"it ends in line {line}, before it is whole")
        found = self._window[position : position + 1]
        return UnreadableError(f"line {line}, column {column}: {what[:1].lower()}{what[1:]}, found {shown(found)}")

    def _grow(self, wanted: int) -> None:
        self._lines += self._window.count("\n", 0, self._at)
        breaks = self._window.rfind("\n", 0, self._at)
        self._line_characters = self._at - breaks - 1 if breaks >= 0 else self._line_characters + self._at
        grown = [self._window[self._at :]]
        self._window, self._at = "", 0
        while wanted > 0 and not self._ended:
            content = self._read()
            grown.append(self._text_of(content))
            wanted -= len(content)
        self._window = "".join(grown)

    def _take(self, content: bytes) -> None:
        self._window += self._text_of(content)

    def _read(self) -> bytes:
        content = self._handle.read(_CHUNK_BYTES)
        self._hash.update(content)
        self._bytes += len(content)
        self._ended = not content
        return content

    def _text_of(self, content: bytes) -> str:
        try:
            return self._bytes_to_text.decode(content, final=not content)
        except UnicodeDecodeError as error:
            where, found = self._bytes - len(error.object) + error.start, error.object[error.start]
            raise UnreadableError(f"byte {where:,}: expected {error.encoding}, found 0x{found:02x}") from None


def _walk(text: _Text) -> Iterator[Part]:
    start = text.peek()
    if not start:
        raise UnreadableError("it is empty")
    if start == "{":
        yield from _members(text)
    elif start == "[":
        yield from _elements(text, None)
    else:
        yield Part(None, text.value())
    if text.peek():
        raise text.trouble("expected nothing more")


def _members(text: _Text) -> Iterator[Part]:
    text.expect("{")
    seen: set[str] = set()
    while not text.skip("}"):
        if seen:
            text.expect(",")
        if text.peek() != '"':
            raise text.trouble("expected a key")
        key = text.value()
        if key in seen:
            raise UnreadableError(f"the key {json.dumps(key)[:80]} stands twice in one object")
        seen.add(key)
        text.expect(":")
        if text.peek() == "[":
            yield from _elements(text, key)
        else:
            yield Part(key, text.value())


def _elements(text: _Text, member: str | None) -> Iterator[Part]:
    text.expect("[")
    yield Part(member, begins_list=True)
    first = True
    while not text.skip("]"):
        if not first:
            text.expect(",")
        first = False
        yield Part(member, text.value(), element=True)
