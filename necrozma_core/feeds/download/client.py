"""A client that asks one thing at a time until it has the whole answer: it waits, goes on where it was, or gives up."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn, Protocol, TypeVar

from necrozma_core.errors import DataError, DownloadError
from necrozma_core.feeds.download.answers import (
    OK,
    PARTIAL,
    PASSING,
    UNSATISFIABLE,
    checksum_of,
    length_of,
    range_of,
    validator_of,
    wait_asked_s,
)
from necrozma_core.feeds.download.connection import Answer, Ask, Connection, TroubleError
from necrozma_core.feeds.download.manners import Clock, Manners
from necrozma_core.feeds.download.partial import PartialFile
from necrozma_core.storage.disk.layer import DISK, FileLayer

_GZIP_WINDOW: Final = zlib.MAX_WBITS | 16
_T = TypeVar("_T")


class BadAnswerError(DownloadError):
    """A service that answers, but again and again with what is no ticks; other files may be fine."""


class Listener(Protocol):
    """Who wants to know how it goes."""

    def on_wait(self, seconds: float, why: str) -> None:
        """Hear that the client waits before it tries again."""

    def on_bytes(self, count: int) -> None:
        """Hear that bytes came."""


class PoliteClient:
    """Asks one host over one connection, with a pause between requests and longer ones after failures.

    Parameters
    ----------
    address : str
    listener : Listener
    manners : Manners
    clock : Clock
    files : FileLayer
        How the disk is written.
    proxy : str, optional
        As for `Connection`.
    """

    def __init__(
        self,
        address: str,
        listener: Listener,
        manners: Manners | None = None,
        clock: Clock | None = None,
        files: FileLayer = DISK,
        proxy: str | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self._manners = manners or Manners()
        self._listener = listener
        self.files = files
        self._connection = Connection(address, self._manners, self.clock, proxy)
        self._asked_at: float | None = None

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def read(
        self, ask: Ask, most_bytes: int, check: Callable[[bytes], _T], nothing: frozenset[int] = frozenset()
    ) -> _T | int:
        """Fetch an answer that fits into memory.

        Parameters
        ----------
        ask : Ask
        most_bytes : int
            Of the answer, also once it is unpacked.
        check : callable
            Makes a value of the bytes; a DataError means that they are none.
        nothing : frozenset of int
            Statuses that are an answer too.

        Returns
        -------
        value or int
            What `check` returned, or one of `nothing`.

        Raises
        ------
        DownloadError
            It did not come, whatever was tried; BadAnswerError where it came and was none.
        """

        def attempt() -> _T | int:
            answer = self._send(ask)
            if answer.status in nothing:
                self._connection.finish(answer)
                return answer.status
            if answer.status != OK:
                self._refuse(ask, answer)
            content = b"".join(self._count(chunk) for chunk in self._connection.read(answer, most_bytes))
            if checksum := checksum_of(answer.headers, whole=True):
                checksum.check(content, ask.name)
            if (answer.headers.get("Content-Encoding") or "").strip().lower() in {"gzip", "x-gzip"}:
                content = _unpack(content, most_bytes, ask.name)
            return check(content)

        return self._insist(ask, attempt)

    def save(
        self,
        ask: Ask,
        target: Path,
        most_bytes: int,
        check: Callable[[Path], None],
        nothing: frozenset[int] = frozenset(),
    ) -> int:
        """Fetch a file, from where an earlier try ended if the service can do that.

        Parameters
        ----------
        ask : Ask
        target : Path
            Where it will be once it is whole; its folder exists.
        most_bytes : int
        check : callable
            Looks at the whole file before it gets its name; a DataError means that it is none.
        nothing : frozenset of int
            Statuses that are an answer too; then there will be no file.

        Returns
        -------
        int
            200, or one of `nothing`.

        Raises
        ------
        DownloadError
            As for `read`.
        StorageError
            The disk did not take it. What is there is gone on with by the next try.
        """
        part = PartialFile(target, ask.url, files=self.files)

        def attempt() -> int:
            begun = part.resumable() if ask.method == "GET" else None
            more = {"Range": f"bytes={begun[0]}-", "If-Range": begun[1]} if begun else {}
            answer = self._send(Ask(ask.url, ask.name, ask.method, ask.body, {**ask.headers, **more}))
            if answer.status in nothing:
                self._connection.finish(answer)
                part.discard()
                return answer.status
            whole_size = self._prepare(part, ask, answer, begun)
            there = part.append(self._count(chunk) for chunk in self._connection.read(answer, most_bytes))
            if whole_size is not None and there != whole_size:
                part.discard()
                raise TroubleError(f"{there:,} bytes came of {whole_size:,}")
            try:
                if checksum := checksum_of(answer.headers, whole=answer.status == OK):
                    checksum.compare(part.digest(checksum.new), ask.name)
                check(part.path)
            except DataError:
                part.discard()
                raise
            part.publish()
            return OK

        return self._insist(ask, attempt)

    def _prepare(self, part: PartialFile, ask: Ask, answer: Answer, begun: tuple[int, str] | None) -> int | None:
        """Prepare the file for what comes, and return how long it will be, where that is known."""
        if answer.status == PARTIAL and begun is not None:
            where = range_of(answer.headers)
            if where is None or where[0] != begun[0]:
                part.discard()
                self._connection.close()
                raise TroubleError("it sent another part of the file than the one that is missing")
            return where[1]
        if answer.status == UNSATISFIABLE and begun is not None:
            part.discard()
            self._connection.finish(answer)
            raise TroubleError("it has not the rest of the file as it was")
        if answer.status != OK:
            self._refuse(ask, answer)
        part.begin(validator_of(answer.headers) if ask.method == "GET" else None)
        return length_of(answer.headers) if not answer.response.chunked else None

    def _send(self, ask: Ask) -> Answer:
        if self._asked_at is not None:
            rest = self._asked_at + self._manners.pause_s - self.clock.monotonic()
            if rest > 0:
                self.clock.sleep(rest)
        self._asked_at = self.clock.monotonic()
        return self._connection.send(ask)

    def _count(self, chunk: bytes) -> bytes:
        self._listener.on_bytes(len(chunk))
        return chunk

    def _refuse(self, ask: Ask, answer: Answer) -> NoReturn:
        """Say what a status means that is no success."""
        wait_s = wait_asked_s(answer.headers, self.clock.now_ms())
        self._connection.finish(answer)
        if answer.status in PASSING:
            raise TroubleError(PASSING[answer.status], wait_s)
        raise DownloadError(
            f"{ask.name}: {self._connection.host} answers {answer.status}: expected the file; "
            + ("it does not let us in" if answer.status in {401, 403, 451} else "it may have moved, see --address")
        )

    def _insist(self, ask: Ask, attempt: Callable[[], _T]) -> _T:
        """Try until it succeeds, or as often as the manners say."""
        tries = bad = 0
        while True:
            try:
                return attempt()
            except DataError as error:
                trouble = TroubleError(str(error), is_answer=True)
            except TroubleError as error:
                trouble = error
            except BaseException:
                self._connection.close()
                raise
            tries += 1
            bad += trouble.is_answer
            if bad >= self._manners.bad_answers:
                raise BadAnswerError(f"{trouble}; {self._connection.host} was asked {tries} times") from trouble
            if tries >= self._manners.tries:
                raise DownloadError(
                    f"{ask.name}: {self._connection.host} was asked {tries} times: {trouble}; run the same command "
                    "again later, and it goes on"
                ) from trouble
            self._wait(ask, trouble, tries)

    def _wait(self, ask: Ask, trouble: TroubleError, tries: int) -> None:
        if trouble.wait_s is not None and trouble.wait_s > self._manners.longest_asked_s:
            raise DownloadError(
                f"{ask.name}: {self._connection.host} asks us to wait {trouble.wait_s / 60:,.0f} minutes: {trouble}; "
                "run the same command again then, and it goes on"
            ) from trouble
        longest = min(self._manners.longest_wait_s, self._manners.first_wait_s * 2 ** (tries - 1))
        # Half of it by chance, so that clients that failed together do not come back together.
        seconds = max(longest / 2 * (1 + self.clock.chance()), trouble.wait_s or 0.0)
        self._listener.on_wait(seconds, str(trouble))
        self.clock.sleep(seconds)


def _unpack(content: bytes, most_bytes: int, name: str) -> bytes:
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        unpacked = unpacker.decompress(content, most_bytes + 1)
    except zlib.error as error:
        raise DataError(f"{name}: the answer's gzip is damaged ({error})") from error
    if len(unpacked) > most_bytes:
        raise DownloadError(f"{name}: the answer unpacks to more than the {most_bytes:,} bytes that can be")
    if not unpacker.eof:
        raise DataError(f"{name}: the answer's gzip ends too early")
    return unpacked
