"""One connection to one host: a request, its answer, and the bytes as they come, bounded in size and in slowness."""

import base64
import http.client
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Final, Literal
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from necrozma_core.errors import DownloadError, shown
from necrozma_core.feeds.download.answers import PARTIAL, REDIRECTS, length_of
from necrozma_core.feeds.download.manners import Clock, Manners
from necrozma_core.version import __version__

_CHUNK: Final = 65_536
_LONGEST_ERROR: Final = 65_536
_GONE: Final = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)


class TroubleError(Exception):
    """What passes: another try may succeed. The text says what happened.

    Parameters
    ----------
    text : str
    wait_s : float, optional
        How long the service wants us to wait.
    is_answer : bool
        It answered, with something that is no ticks.
    """

    def __init__(self, text: str, wait_s: float | None = None, *, is_answer: bool = False) -> None:
        super().__init__(text)
        self.wait_s = wait_s
        self.is_answer = is_answer


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    Attributes
    ----------
    url : str
    name : str
        Of the file that is asked for, for messages.
    method : str
    body : bytes or None
    headers : mapping of str to str
        Beside those of every request.
    """

    url: str
    name: str
    method: Literal["GET", "POST"] = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What came back: the status and the headers; the bytes are still to be read."""

    status: int
    headers: Message
    response: http.client.HTTPResponse


class Connection:
    """A connection that is kept open from one request to the next.

    Parameters
    ----------
    address : str
        Of http or https; only its host is ever asked.
    manners : Manners
    clock : Clock
    proxy : str, optional
        What connections of https go through. It sees the host's name, and nothing that is said.
    """

    def __init__(self, address: str, manners: Manners, clock: Clock, proxy: str | None = None) -> None:
        self._origin = urlsplit(address)
        self._manners = manners
        self._clock = clock
        self._proxy = urlsplit(proxy) if proxy else None
        self._open: http.client.HTTPConnection | None = None

    @property
    def host(self) -> str:
        """Who is asked."""
        return self._origin.netloc

    def close(self) -> None:
        """Let go of the connection; the next request opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def send(self, ask: Ask) -> Answer:
        """Send a request, and follow where it is sent on to, on the same host.

        Raises
        ------
        TroubleError
            The connection failed.
        DownloadError
            It is sent on to another host, or too often; or the host is not who it says.
        """
        for _ in range(self._manners.redirects + 1):
            answer = self._send(ask)
            if answer.status not in REDIRECTS:
                return answer
            self.finish(answer)
            location = answer.headers.get("Location") or ""
            target = self._on_same_host(ask.url, location)
            if ask.method != "GET" or target is None:
                raise DownloadError(
                    f"{ask.name}: {self.host} sends us on to {shown(location, 80)}, which is not followed; if the "
                    "service moved there, say so with --address"
                )
            ask = Ask(target, ask.name, headers=ask.headers)
        raise DownloadError(f"{ask.name}: {self.host} sends us on more than {self._manners.redirects} times")

    def read(self, answer: Answer, most_bytes: int) -> Iterator[bytes]:
        """Take the bytes of an answer as they come.

        Raises
        ------
        TroubleError
            They end too early, or come too slowly.
        DownloadError
            There are more than can be.
        """
        length = length_of(answer.headers) if not answer.response.chunked else None
        if length is not None and length > most_bytes:
            self.close()
            raise DownloadError(f"{self.host} sends {length:,} bytes where at most {most_bytes:,} can be")
        taken = in_window = 0
        window = self._clock.monotonic()
        while chunk := self._take(answer.response):
            taken += len(chunk)
            in_window += len(chunk)
            if taken > most_bytes:
                self.close()
                raise DownloadError(f"{self.host} sends more than the {most_bytes:,} bytes that can be")
            yield chunk
            if (now := self._clock.monotonic()) - window >= self._manners.slow_after_s:
                if in_window < self._manners.slowest:
                    self.close()
                    raise TroubleError(f"it sent {in_window:,} bytes in {now - window:,.0f} s, which is too slow")
                window, in_window = now, 0
        if length is not None and taken < length:
            self.close()
            raise TroubleError(f"it ended after {taken:,} of {length:,} bytes")
        # An answer of known length is not closed by its last byte, and until then no other can be asked for.
        answer.response.close()

    def finish(self, answer: Answer) -> None:
        """Read the rest of an answer that nobody wants, so that the connection can be used again."""
        length = length_of(answer.headers)
        if answer.status == PARTIAL or length is None or length > _LONGEST_ERROR:
            self.close()
            return
        try:
            for _ in self.read(answer, _LONGEST_ERROR):
                pass
        except (TroubleError, DownloadError):
            self.close()

    def _send(self, ask: Ask) -> Answer:
        was_open = self._open is not None
        try:
            return self._exchange(ask)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise DownloadError(
                f"{self.host} does not prove who it is ({error.verify_message}): check the clock of this machine, its "
                "certificates, and who is between"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            # The host closes a connection that rested for a while: that is known only when it is used again.
            if was_open and isinstance(error, _GONE):
                return self._send(ask)
            raise TroubleError(_describe(error)) from error

    def _exchange(self, ask: Ask) -> Answer:
        if self._open is None:
            self._open = self._connect()
        parts = urlsplit(ask.url)
        headers = {"User-Agent": f"necrozma/{__version__}", "Accept-Encoding": "identity", **ask.headers}
        self._open.request(ask.method, parts.path + (f"?{parts.query}" if parts.query else ""), ask.body, headers)
        response = self._open.getresponse()
        return Answer(response.status, response.headers, response)

    def _connect(self) -> http.client.HTTPConnection:
        host, port, patience = self._origin.hostname or "", self._origin.port, self._manners.silence_s
        if self._origin.scheme == "https" and self._proxy is not None:
            context = ssl.create_default_context()
            through = self._proxy.hostname or "", self._proxy.port
            connection = http.client.HTTPSConnection(*through, timeout=patience, context=context)
            connection.set_tunnel(host, port or http.client.HTTPS_PORT, _credentials(self._proxy))
            return connection
        if self._origin.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=patience, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=patience)

    def _take(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read1(_CHUNK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise TroubleError(_describe(error)) from error

    def _on_same_host(self, url: str, location: str) -> str | None:
        """Return where an address leads to, seen from another; None where that is elsewhere, or nowhere."""
        try:
            target = urljoin(url, location)
            parts = urlsplit(target)
            there = parts.scheme, parts.hostname, parts.port
        except ValueError:
            return None
        return target if there == (self._origin.scheme, self._origin.hostname, self._origin.port) else None


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    given = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(given.encode()).decode()}"}


def _describe(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it is silent"
    if isinstance(error, (*_GONE, http.client.IncompleteRead)):
        return "it closed the connection"
    cause = " ".join(str(getattr(error, "strerror", None) or error).split())[:100] or type(error).__name__
    return f"it cannot be reached ({cause})" if isinstance(error, OSError) else f"it answers no HTTP ({cause})"
