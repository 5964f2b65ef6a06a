"""A service on the loopback that gives ticks away as Dukascopy, Exness and HistData do, and misbehaves when told to."""

import base64
import gzip
import hashlib
import io
import json
import socket
import ssl
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from necrozma_core.feeds.download.manners import Clock
from necrozma_core.feeds.download.order import Found

TOKEN = "a1b2c3d4e5f6a7b8c9d0"
HOUR_MS = 3_600_000
UNTRUSTED = """
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdO3z68L2mjqWY0+c
hItiJJA4EEdeluJnmHaT23dBViGhRANCAAQqFGlPIZawAhyiH94wYXM8AyHsiQ7w
IibxQR6UTVp5hbUCD911Gh8xe/fOTHKyKVEM27YsgdBrR9S0gnmBG0vb
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUBrWe9WIWxLARDcZ7p2mSNTgGQSYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyODAwNDg1OVoYDzIxMjYxMTA0
MDA0ODU5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQqFGlPIZawAhyiH94wYXM8AyHsiQ7wIibxQR6UTVp5hbUCD911Gh8x
e/fOTHKyKVEM27YsgdBrR9S0gnmBG0vbo28wbTAdBgNVHQ4EFgQUIaqswjjKwBGf
Tzef0SuoooLMQSwwHwYDVR0jBBgwFoAUIaqswjjKwBGfTzef0SuoooLMQSwwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgcvECyaJp4i97MJ1hw5G48dhCU3FPkG4xl9J6U2JUlHECIQDT
lhhI2jpa1cLmj5uEnBLPPPceAJt668rwZThCKj3HGg==
-----END CERTIFICATE-----
"""
"""A key and a certificate that it signed itself, which nobody has a reason to trust."""


@dataclass(frozen=True)
class Reply:
    """One answer: whole, or cut after some bytes, or never ending."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drop: bool = False
    hang: bool = False
    trickle: bool = False
    length: int | None = None


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Message
    form: dict[str, str]


Answering = Callable[[Request], Reply]


class Service:
    """What it answers: first what was put in a queue for a path, then what the path always gives."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.always: Answering = lambda request: Reply(404)
        self.queues: dict[str, list[Reply]] = defaultdict(list)
        self.connections = 0
        self.over = threading.Event()
        self.address = ""

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        queue = self.queues[request.path]
        return queue.pop(0) if queue else self.always(request)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def setup(self) -> None:
        super().setup()
        self.server.service.connections += 1

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        reply = self.server.service.answer(Request(self.command, self.path, self.headers, form))
        self._send(_ranged(self.headers, reply) if reply.cut is None else reply)

    def do_POST(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        """Join two sockets, as a proxy does."""
        self.server.service.requests.append(Request(self.command, self.path, self.headers, {}))
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port))) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pour, args=(there, self.connection))
            back.start()
            _pour(self.connection, there)
            back.join()
        self.close_connection = True

    def _send(self, reply: Reply) -> None:
        service = self.server.service
        if reply.hang:
            service.over.wait(60)
        if reply.drop or reply.hang:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
        self.end_headers()
        if reply.trickle:
            self._trickle(reply.body)
            return
        self.wfile.write(reply.body[: reply.cut])
        if reply.cut is not None or reply.length is not None:
            self.close_connection = True

    def _trickle(self, body: bytes) -> None:
        for position in range(len(body)):
            if self.server.service.over.wait(0.001):
                return
            try:
                self.wfile.write(body[position : position + 1])
            except OSError:
                return
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: Service

    def handle_error(self, *_: object) -> None:
        """A client that goes away is what the tests are about."""


@contextmanager
def open_service(certificate: Path | None = None) -> Iterator[Service]:
    server = _Server(("127.0.0.1", 0), _Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.service = service = Service()
    service.address = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield service
    finally:
        service.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(65_536):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)


def _ranged(headers: Message, reply: Reply) -> Reply:
    """Give the part of a file that is asked for, if it is still the version that it was."""
    wanted = headers.get("Range", "")
    version = reply.headers.get("ETag") or reply.headers.get("Last-Modified")
    if reply.status != 200 or not wanted or version is None or headers.get("If-Range") != version:
        return reply
    first = int(wanted.removeprefix("bytes=").partition("-")[0])
    size = len(reply.body)
    if first >= size:
        return Reply(416, headers={"Content-Range": f"bytes */{size}"})
    return Reply(
        206, reply.body[first:], reply.headers | {"Content-Range": f"bytes {first}-{size - 1}/{size}"}, length=None
    )


def start_of(hour: datetime) -> int:
    return round(hour.replace(tzinfo=UTC).timestamp()) * 1000


def hour_json(start_ms: int, quotes: int = 3, first: int = 110_000) -> bytes:
    """An hour as Dukascopy's new service writes it: a quote a second, each a point above the one before."""
    steps = [0, *[1] * (quotes - 1)]
    hour = {
        "timestamp": start_ms,
        "multiplier": 1.0e-5,
        "ask": (first + 10) / 100_000 if quotes else None,
        "bid": first / 100_000 if quotes else None,
        "times": [1000] * quotes,
        "asks": steps[:quotes],
        "bids": steps[:quotes],
        "askVolumes": [900_000.0] * quotes,
        "bidVolumes": [1_800_000.0] * quotes,
    }
    return json.dumps(hour).encode()


def dukascopy(request: Request) -> Reply:
    """Quotes in every hour; packed for who takes it so."""
    year, month, day, hour = (int(part) for part in request.path.split("/")[-4:])
    start_ms = start_of(datetime(year, month, day, hour))
    body = hour_json(start_ms, first=110_000 + start_ms // HOUR_MS % 500)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return Reply(200, gzip.compress(body), {"Content-Encoding": "gzip", "Content-Type": "application/json"})
    return Reply(200, body, {"Content-Type": "application/json"})


def zipped(name: str, text: str, others: dict[str, str] | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in {name: text, **(others or {})}.items():
            archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def exness_zip(symbol: str, days: list[datetime], rows: int = 3) -> bytes:
    text = '"Exness","Symbol","Timestamp","Bid","Ask"\n' + "".join(
        f'"exness","{symbol}","{day:%Y-%m-%d} {row // 3600:02}:{row // 60 % 60:02}:{row % 60:02}.123Z",'
        f"{1.1 + (row * 7919 + day.day) % 997 / 1e5:.5f},{1.1001 + (row * 7919 + day.day) % 997 / 1e5:.5f}\n"
        for day in days
        for row in range(rows)
    )
    return zipped(f"Exness_{symbol}.csv", text)


def exness(request: Request) -> Reply:
    """The first two days of every month; a day where one is asked for."""
    parts = request.path.split("/")
    year, month, *day = (int(part) for part in parts[3:-1])
    days = [datetime(year, month, number) for number in (day or [1, 2])]
    body = exness_zip(parts[2], days, 2000)
    return Reply(200, body, {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"', "Repr-Digest": sha256_header(body)})


def sha256_header(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def histdata(request: Request) -> Reply:
    """A page with a form, and the zip for who sends its token from that page."""
    if request.method == "GET":
        page = f'<html><form id="file_down"><input type="hidden" name="tk" id="tk" value="{TOKEN}"/></form></html>'
        return Reply(200, page.encode(), {"Content-Type": "text/html"})
    form = request.form
    page = f"/{form['fxpair'].lower()}/{int(form['date'])}/{int(form['datemonth'][4:])}"
    if form["tk"] != TOKEN or not request.headers.get("Referer", "").endswith(page):
        return Reply(200, b"")
    name = f"DAT_ASCII_{form['fxpair']}_T_{form['datemonth']}"
    rows = "".join(f"{form['datemonth']}01 0000{second:02}660,1.306600,1.306770,0\n" for second in range(3, 6))
    return Reply(
        200,
        zipped(f"{name}.csv", rows, {f"{name}.txt": "status"}),
        {"Content-Type": "application/zip", "Content-Disposition": 'attachment; filename="../../../etc/passwd"'},
    )


@dataclass
class FakeClock:
    """Sleeping takes no time but is noted; time goes on by what is slept, and by `drift` whenever it is looked at."""

    now: datetime = datetime(2024, 6, 15, 12, 30, tzinfo=UTC)
    drift: float = 0.0
    passed: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    def monotonic(self) -> float:
        self.passed += self.drift
        return self.passed

    @property
    def waits(self) -> list[float]:
        """Without the pauses between requests."""
        return [seconds for seconds in self.slept if seconds > 0.2]

    def clock(self) -> Clock:
        return Clock(lambda: round(self.now.timestamp() * 1000), self.monotonic, self.sleep, lambda: 0.5)


@dataclass
class Notes:
    """A watcher that remembers."""

    began: list[tuple[int, int]] = field(default_factory=list)
    files: list[tuple[str, Found]] = field(default_factory=list)
    waits: list[tuple[float, str]] = field(default_factory=list)
    bytes: int = 0

    def on_begin(self, files: int, there: int) -> None:
        self.began.append((files, there))

    def on_file(self, name: str, found: Found) -> None:
        self.files.append((name, found))

    def on_wait(self, seconds: float, why: str) -> None:
        self.waits.append((seconds, why))

    def on_bytes(self, count: int) -> None:
        self.bytes += count
