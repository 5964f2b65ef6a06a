"""Services that drop, cut, delay, refuse and lie: what comes in the end is whole, or there is no file and a line."""

import base64
import gzip
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from tick_service import (
    UNTRUSTED,
    FakeClock,
    Notes,
    Reply,
    Service,
    dukascopy,
    exness_zip,
    histdata,
    hour_json,
    open_service,
    sha256_header,
    start_of,
    zipped,
)

from necrozma_core.errors import DownloadError, StorageError
from necrozma_core.feeds.download.answers import checksum_of, wait_asked_s
from necrozma_core.feeds.download.fetching import Download
from necrozma_core.feeds.download.manners import Manners
from necrozma_core.feeds.intake import import_files

Fetch = Callable[..., Download]

HOUR = ("dukascopy", "2024-01-02T09:00:00Z", "2024-01-02T10:00:00Z")
HOUR_PATH = "/ticks/EUR-USD/2024/1/2/9"
HOUR_FILE = "downloads/dukascopy/EURUSD/2024-01/EURUSD_2024-01-02_09h.json.gz"
HOUR_BODY = hour_json(start_of(datetime(2024, 1, 2, 9)))
MONTH = ("exness", "2024-01-01", "2024-02-01")
MONTH_PATH = "/ticks/EURUSD/2024/01/Exness_EURUSD_2024_01.zip"
MONTH_FILE = "downloads/exness/EURUSD/2024/Exness_EURUSD_2024_01.zip"
ZIP = exness_zip("EURUSD", [datetime(2024, 1, 2)], 4000)
TAGGED = {"ETag": '"one"'}


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != ".lock")


@pytest.fixture(autouse=True)
def _well_behaved(service: Service) -> None:
    service.always = dukascopy


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Reply(202), "holds back who asks too often"),
        (Reply(429), "asked too often"),
        (Reply(500, b"oops"), "it has a fault"),
        (Reply(502, b"<html>" * 50_000), "gateway"),
        (Reply(503), "overloaded"),
        (Reply(504), "gateway"),
        (Reply(drop=True), "it closed the connection"),
        (Reply(200, HOUR_BODY, cut=40), "it ended after 40 of"),
        (Reply(200, HOUR_BODY, length=len(HOUR_BODY) + 5), "it ended after"),
        (Reply(200, HOUR_BODY[:-1]), "expected Dukascopy's JSON of an hour"),
        (Reply(200, b""), "expected Dukascopy's JSON of an hour"),
        (Reply(200, b"<html>maintenance</html>"), "found '<html>maintenance</html>'"),
        (Reply(200, b'{"error": "busy"}'), "found other JSON"),
        (Reply(200, HOUR_BODY, {"Repr-Digest": sha256_header(b"else")}), "its sha-256 should be"),
        (Reply(200, HOUR_BODY, {"Content-MD5": base64.b64encode(hashlib.md5(b"x").digest()).decode()}), "its md5"),
        (Reply(200, HOUR_BODY, {"Content-Encoding": "gzip"}), "gzip is damaged"),
        (Reply(200, gzip.compress(HOUR_BODY)[:-9], {"Content-Encoding": "gzip"}), "gzip ends too early"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_passing_trouble_is_waited_out(
    trouble: Reply, said: str, fetch: Fetch, service: Service, clock: FakeClock, notes: Notes, tmp_path: Path
) -> None:
    service.queues[HOUR_PATH] = [trouble, trouble]

    done = fetch(*HOUR)

    assert service.paths == [HOUR_PATH] * 3
    assert clock.waits == [0.75, 1.5]
    assert [said in why for _, why in notes.waits] == [True, True]
    assert (len(done.files), left_over(tmp_path)) == (1, [Path(HOUR_FILE).name])
    assert import_files(done.files, "EURUSD", tmp_path / "data").kept == 3


def test_waits_double_and_end(fetch: Fetch, service: Service, clock: FakeClock, tmp_path: Path) -> None:
    service.queues[HOUR_PATH] = [Reply(503)] * 9

    with pytest.raises(DownloadError) as given_up:
        fetch(*HOUR)

    assert clock.waits == [0.75, 1.5, 3.0, 6.0, 12.0]
    assert len(service.requests) == 6
    assert str(given_up.value) == (
        f"EURUSD_2024-01-02_09h.json.gz: {service.address.removeprefix('http://')} was asked 6 times: it is overloaded "
        "or closed for a while; run the same command again later, and it goes on"
    )
    assert given_up.value.exit_code == 3
    assert left_over(tmp_path) == []
    service.queues.clear()
    assert len(fetch(*HOUR).files) == 1


def test_waits_have_an_end_and_chance(fetch: Fetch, service: Service, clock: FakeClock) -> None:
    service.queues[HOUR_PATH] = [Reply(503)] * 11
    with pytest.raises(DownloadError):
        fetch(*HOUR, manners=Manners(tries=10))
    assert clock.waits[-1] == 45.0  # three quarters of a minute, by a chance of a half


@pytest.mark.parametrize(
    ("text", "waited"), [("7", 7.0), ("0", 0.75), ("Sat, 15 Jun 2024 12:30:30 GMT", 30.0), ("soon", 0.75), ("-3", 0.75)]
)
def test_wait_that_is_asked_for_is_kept(
    text: str, waited: float, fetch: Fetch, service: Service, clock: FakeClock
) -> None:
    service.queues[HOUR_PATH] = [Reply(429, headers={"Retry-After": text})]
    fetch(*HOUR)
    assert clock.waits == [waited]


def test_wait_of_an_hour_is_left_to_the_user(fetch: Fetch, service: Service, clock: FakeClock) -> None:
    service.queues[HOUR_PATH] = [Reply(429, headers={"Retry-After": "3600"})]
    with pytest.raises(DownloadError, match="asks us to wait 60 minutes: it is asked too often; run the same command"):
        fetch(*HOUR)
    assert clock.waits == []


def test_requests_are_apart(fetch: Fetch, service: Service, clock: FakeClock) -> None:
    fetch("dukascopy", "2024-01-02", "2024-01-02T04:00:00Z")
    assert clock.slept == [pytest.approx(0.2)] * 3


@pytest.mark.parametrize("status", [401, 403, 405, 410, 418, 304])
def test_refusal_is_not_asked_again(status: int, fetch: Fetch, service: Service) -> None:
    service.queues[HOUR_PATH] = [Reply(status)]
    with pytest.raises(DownloadError, match=f"answers {status}"):
        fetch(*HOUR)
    assert len(service.requests) == 1


def test_silent_service_is_given_up(fetch: Fetch, service: Service, tmp_path: Path) -> None:
    service.queues[HOUR_PATH] = [Reply(hang=True)] * 3
    with pytest.raises(DownloadError, match="was asked 2 times: it is silent"):
        fetch(*HOUR, manners=Manners(tries=2, silence_s=0.1))
    assert left_over(tmp_path) == []


def test_body_that_trickles_without_end_is_given_up(fetch: Fetch, service: Service, clock: FakeClock) -> None:
    clock.drift = 5.0  # whenever it is looked at
    service.queues[HOUR_PATH] = [Reply(200, b" " * 1_000_000, trickle=True)] * 2
    with pytest.raises(DownloadError, match="too slow"):
        fetch(*HOUR, manners=Manners(tries=2))


def test_service_that_is_not_there_is_told(fetch: Fetch, service: Service) -> None:
    with pytest.raises(DownloadError, match="it cannot be reached"):
        fetch(*HOUR, address="http://127.0.0.1:1")


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2:8/x", "https://{}/x", "//other.example/x", "ftp://{}/x", "file:///etc", "http://[x"],
)
def test_other_hosts_are_not_followed(target: str, fetch: Fetch, service: Service, tmp_path: Path) -> None:
    where = target.format(service.address.removeprefix("http://"))
    service.queues[HOUR_PATH] = [Reply(302, headers={"Location": where})]
    with pytest.raises(DownloadError, match="which is not followed"):
        fetch(*HOUR)
    assert (len(service.requests), left_over(tmp_path)) == (1, [])


def test_same_host_is_followed_a_few_times(fetch: Fetch, service: Service) -> None:
    service.queues[HOUR_PATH] = [Reply(301, b"moved", {"Location": "/v2" + HOUR_PATH})]
    assert len(fetch(*HOUR).files) == 1
    assert service.paths == [HOUR_PATH, "/v2" + HOUR_PATH]
    service.always = lambda request: Reply(301, headers={"Location": request.path})
    with pytest.raises(DownloadError, match="sends us on more than 3 times"):
        fetch(MONTH[0], *MONTH[1:])


def test_form_is_not_sent_on(fetch: Fetch, service: Service) -> None:
    service.always = histdata
    service.queues["/get.php"] = [Reply(307, headers={"Location": "/elsewhere"})]
    with pytest.raises(DownloadError, match="which is not followed"):
        fetch("histdata", "2012-07-02", "2012-07-03")


def test_bytes_are_bounded_however_they_are_packed(fetch: Fetch, service: Service) -> None:
    bomb = gzip.compress(b" " * (65 * 2**20))
    for reply, said in (
        (Reply(200, bomb, {"Content-Encoding": "gzip"}), "unpacks to more than the 67,108,864 bytes"),
        (Reply(200, b"x", length=2**40), "sends 1,099,511,627,776 bytes where at most 67,108,864 can be"),
    ):
        service.queues[HOUR_PATH] = [reply]
        with pytest.raises(DownloadError, match=said):
            fetch(*HOUR)


def test_connection_that_rested_is_opened_again(fetch: Fetch, service: Service, notes: Notes) -> None:
    service.queues["/ticks/EUR-USD/2024/1/2/8"] = [Reply(200, hour_json(start_of(datetime(2024, 1, 2, 8))), cut=10**6)]

    fetch("dukascopy", "2024-01-02T08:00:00Z", "2024-01-02T10:00:00Z")

    assert (service.connections, len(service.requests), notes.waits) == (2, 2, [])


def cut_at(size: int, headers: dict[str, str] = TAGGED, body: bytes = ZIP) -> Reply:
    return Reply(200, body, headers, cut=size)


def test_half_a_file_is_gone_on_with(fetch: Fetch, service: Service, tmp_path: Path) -> None:
    service.always = lambda request: Reply(200, ZIP, TAGGED)
    service.queues[MONTH_PATH] = [cut_at(1000)]

    done = fetch(*MONTH)

    first, second = service.requests
    assert (first.headers["Range"], second.headers["Range"]) == (None, "bytes=1000-")
    assert second.headers["If-Range"] == '"one"'
    assert done.files[0].read_bytes() == ZIP
    assert left_over(tmp_path) == [Path(MONTH_FILE).name]


def test_half_a_file_is_gone_on_with_by_the_next_command(fetch: Fetch, service: Service, tmp_path: Path) -> None:
    service.queues[MONTH_PATH] = [cut_at(1000), *[Reply(503)] * 5]
    with pytest.raises(DownloadError):
        fetch(*MONTH)
    assert left_over(tmp_path) == [f".{Path(MONTH_FILE).name}.part", f".{Path(MONTH_FILE).name}.part.json"]

    service.always = lambda request: Reply(200, ZIP, TAGGED)
    done = fetch(*MONTH)

    assert service.requests[-1].headers["Range"] == "bytes=1000-"
    assert done.files[0].read_bytes() == ZIP
    assert import_files(done.files, "EURUSD", tmp_path / "data").kept == 4000


def test_file_that_changed_meanwhile_is_fetched_anew(fetch: Fetch, service: Service) -> None:
    newer = exness_zip("EURUSD", [datetime(2024, 1, 3)], 4000)
    service.queues[MONTH_PATH] = [cut_at(1000)]
    service.always = lambda request: Reply(200, newer, {"ETag": '"two"'})
    assert fetch(*MONTH).files[0].read_bytes() == newer


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}, {"ETag": "bare"}])
def test_file_of_no_known_version_is_fetched_anew(headers: dict[str, str], fetch: Fetch, service: Service) -> None:
    service.queues[MONTH_PATH] = [cut_at(1000, headers)]
    service.always = lambda request: Reply(200, ZIP, headers)
    assert fetch(*MONTH).files[0].read_bytes() == ZIP
    assert "Range" not in service.requests[-1].headers


@pytest.mark.parametrize(
    "answer",
    [
        Reply(416, headers={"Content-Range": "bytes */1000"}),
        Reply(206, ZIP[500:], {**TAGGED, "Content-Range": f"bytes 500-{len(ZIP) - 1}/{len(ZIP)}"}),
        Reply(206, ZIP[1000:], TAGGED),
        Reply(206, ZIP[1000:], {**TAGGED, "Content-Range": f"bytes 1000-{len(ZIP) - 1}/{len(ZIP) + 7}"}),
        Reply(206, b"\0" * (len(ZIP) - 1000), {**TAGGED, "Content-Range": f"bytes 1000-{len(ZIP) - 1}/{len(ZIP)}"}),
    ],
    ids=["gone", "other part", "unsaid part", "other size", "other bytes"],
)
def test_rest_that_does_not_fit_is_thrown_away(answer: Reply, fetch: Fetch, service: Service, tmp_path: Path) -> None:
    service.queues[MONTH_PATH] = [cut_at(1000), replace(answer, cut=10**9)]
    service.always = lambda request: Reply(200, ZIP, TAGGED)

    done = fetch(*MONTH)

    assert done.files[0].read_bytes() == ZIP
    assert "Range" not in service.requests[-1].headers
    assert left_over(tmp_path) == [Path(MONTH_FILE).name]


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (
            b"<!DOCTYPE html><html>no such month</html>",
            {},
            "expected a zip, found '<!DOCTYPE html><html>no such month</html'",
        ),
        (b"", {}, "expected a zip, found nothing"),
        (ZIP[:-30], {}, "the zip is damaged"),
        (ZIP[:2000] + b"\0" * 100 + ZIP[2100:], {}, "the zip is damaged"),
        (ZIP, {"Digest": f"sha-256={base64.b64encode(b'0' * 32).decode()}"}, "its sha-256 should be"),
        (ZIP, {"x-goog-hash": f"crc32c=AAAAAA==,md5={base64.b64encode(b'0' * 16).decode()}"}, "its md5 should be"),
        (zipped("a.exe", "x"), {}, "expected a zip that holds one CSV"),
        (zipped("a.csv", "0" * 30_000_000), {}, "no ticks shrink so much"),
    ],
)
def test_file_that_is_none_is_left_out(
    body: bytes, headers: dict[str, str], said: str, fetch: Fetch, service: Service, tmp_path: Path
) -> None:
    service.queues[MONTH_PATH] = [Reply(200, body, headers)] * 3

    done = fetch(*MONTH)

    assert (done.files, len(service.requests)) == ((), 3)
    assert said in done.failed[0]
    assert left_over(tmp_path) == []


def test_three_files_in_a_row_that_are_none_end_it(fetch: Fetch, service: Service) -> None:
    service.always = lambda request: Reply(200, b"<html>please log in</html>")
    with pytest.raises(DownloadError, match="and so it went with the files before it"):
        fetch("dukascopy", "2024-01-02", "2024-01-03")
    assert len(service.requests) == 9


def test_full_disk_is_told_as_that_and_what_came_is_gone_on_with(
    fetch: Fetch, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.always = lambda request: Reply(200, ZIP, TAGGED)
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) > 1000:
            return write(descriptor, bytes(content[:700]))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("necrozma_core.feeds.download.partial.os.write", full)
        patched.setattr("necrozma_core.feeds.download.connection._CHUNK", 1400)
        with pytest.raises(StorageError, match="No space left on device; free some space"):
            fetch(*MONTH)
    assert len(service.requests) == 1
    assert fetch(*MONTH).files[0].read_bytes() == ZIP
    assert service.requests[-1].headers["Range"] == "bytes=700-"


def test_interrupt_keeps_what_came(fetch: Fetch, service: Service, notes: Notes, tmp_path: Path) -> None:
    service.always = lambda request: Reply(200, ZIP, TAGGED)
    service.queues[MONTH_PATH] = [cut_at(5000)]
    notes.on_wait = lambda seconds, why: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        fetch(*MONTH)
    assert (tmp_path / MONTH_FILE).with_name(f".{Path(MONTH_FILE).name}.part").stat().st_size == 5000
    assert fetch(*MONTH).files[0].read_bytes() == ZIP
    assert service.requests[-1].headers["Range"] == "bytes=5000-"


def test_folder_that_cannot_be_written_is_told(fetch: Fetch, service: Service, tmp_path: Path) -> None:
    (tmp_path / "downloads").write_text("a file")
    with pytest.raises(StorageError, match="downloads"):
        fetch(*MONTH)
    assert not service.requests


def test_headers_say_how_long_to_wait_and_which_hash() -> None:
    from email.message import Message

    headers = Message()
    assert wait_asked_s(headers, 0) is None
    headers["Retry-After"] = "99999999999999999999"
    assert wait_asked_s(headers, 0) == 999_999_999.0
    headers["Digest"] = "crc32c=AAAA, sha-256=not base64!, SHA-512=" + base64.b64encode(b"1" * 64).decode()
    found = checksum_of(headers, whole=True)
    assert found is not None
    assert (found.name, found.digest) == ("sha-512", b"1" * 64)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "certificate.pem"
    path.write_text(UNTRUSTED)
    return path


def test_host_that_does_not_prove_who_it_is_is_refused(fetch: Fetch, certificate: Path) -> None:
    with open_service(certificate) as pretender, pytest.raises(DownloadError, match="does not prove who it is"):
        fetch(*HOUR, address=pretender.address)
    assert not pretender.requests


def test_host_that_proves_who_it_is_is_asked(fetch: Fetch, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_service(certificate) as trusted:
        trusted.always = dukascopy
        assert len(fetch("dukascopy", "2024-01-02", "2024-01-02T03:00:00Z", address=trusted.address).files) == 3
        assert trusted.connections == 1
        with pytest.raises(DownloadError, match="does not prove who it is"):
            fetch(*HOUR, address=trusted.address.replace("127.0.0.1", "127.1"))


def test_proxy_tunnels_to_the_host(
    fetch: Fetch, service: Service, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    proxy = service.address.replace("://", "://me:se%20cret@")
    with open_service(certificate) as trusted:
        trusted.always = dukascopy
        assert len(fetch(*HOUR, address=trusted.address, proxy=proxy).files) == 1
        assert trusted.paths == [HOUR_PATH]
        (asked,) = service.requests
        assert (asked.method, asked.path) == ("CONNECT", trusted.address.removeprefix("https://"))
        assert asked.headers["Proxy-Authorization"] == f"Basic {base64.b64encode(b'me:se cret').decode()}"


def test_year_of_hours_says_how_many_files_it_has(fetch: Fetch, service: Service, notes: Notes) -> None:
    service.queues["/ticks/EUR-USD/2023/1/1/21"] = [Reply(403)]
    with pytest.raises(DownloadError):
        fetch("dukascopy", "2023-01-01", "2024-01-01")
    assert notes.began == [(6347, 0)]
