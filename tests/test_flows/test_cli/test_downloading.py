"""``necrozma data download``: from a service to stored ticks, stopped and gone on with."""

import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tick_service import Reply, Service, dukascopy, exness_zip, open_service

from necrozma_core.storage.ticks.store import TickStore

SPAN = ("--from", "2024-01-02T08:00:00Z", "--to", "2024-01-02T11:00:00Z")


@pytest.fixture
def service() -> Iterator[Service]:
    with open_service() as service:
        service.always = dukascopy
        yield service


@pytest.fixture
def fetch(necrozma: Any, service: Service) -> Callable[..., Any]:
    def run(*words: str, source: str = "dukascopy", pair: str = "EURUSD") -> Any:
        named = ("--source", source, "--pair", pair, "--address", service.address)
        return necrozma("data", "download", *named, *words)

    return run


def test_hours_are_fetched_and_imported_and_then_all_is_there(fetch: Any, service: Service) -> None:
    first = fetch(*SPAN)

    assert (first.exit_code, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert lines[0].startswith("Dukascopy Bank's data, under its terms of use: https://")
    assert lines[1] == "EURUSD: 3 files in the range"
    assert lines[2] == "EURUSD: 1 of 3 files, 0.0 MB"
    # What the import finds doubtful about three quotes an hour comes after these.
    assert lines[6:8] == [
        "read as Dukascopy hour: JSON with times, bids and asks as steps; UTC",
        "EURUSD: 9 ticks of 3 files, 2024-01-02 08:00:01 to 2024-01-02 10:00:03",
    ]
    assert lines[5] == "EURUSD: 3 files in downloads/dukascopy, 3 fetched now"
    again = fetch(*SPAN)
    assert again.exit_code == 0
    assert again.stdout.splitlines()[1:] == [
        "EURUSD: 3 files in the range, 3 there already",
        "EURUSD: 3 files in downloads/dukascopy, 0 fetched now",
        "EURUSD_2024-01-02_08h.json.gz, EURUSD_2024-01-02_09h.json.gz, EURUSD_2024-01-02_10h.json.gz: stored already",
    ]
    assert len(service.requests) == 3
    assert len(TickStore(Path("data")).read("EURUSD")) == 9


def test_files_alone_are_fetched_where_nothing_is_imported(fetch: Any) -> None:
    result = fetch(*SPAN, "--no-import", "--downloads", "kept")
    assert result.exit_code == 0
    assert sorted(Path().glob("kept/dukascopy/EURUSD/2024-01/*.gz"))
    assert not Path("data").exists()


def test_downloads_import_by_themselves(fetch: Any, necrozma: Any) -> None:
    fetch(*SPAN, "--no-import")
    result = necrozma("data", "import", "downloads/")
    assert result.exit_code == 0
    assert "EURUSD: 9 ticks of 3 files" in result.stdout


def test_several_pairs_are_fetched_one_after_the_other(fetch: Any, service: Service) -> None:
    result = fetch(*SPAN, "--pair", "AUDNZD")
    assert result.exit_code == 0
    assert [path.split("/")[2] for path in service.paths] == ["EUR-USD"] * 3 + ["AUD-NZD"] * 3
    assert TickStore(Path("data")).pairs() == ["AUDNZD", "EURUSD"]
    assert result.stdout.count("terms of use") == 1


def test_hour_that_fails_leaves_the_others_and_the_same_command_mends_it(fetch: Any, service: Service) -> None:
    path = "/ticks/EUR-USD/2024/1/2/9"
    service.queues[path] = [Reply(200, b"<html>later</html>")] * 3

    first = fetch(*SPAN)

    assert first.exit_code == 3
    assert first.stderr.startswith("error: EURUSD_2024-01-02_09h.json.gz: expected Dukascopy's JSON of an hour, found")
    assert first.stderr.endswith("the other files are there, and the same command tries again\n")
    assert len(first.stderr.splitlines()) == 1
    assert len(TickStore(Path("data")).read("EURUSD")) == 6
    assert fetch(*SPAN).exit_code == 0
    assert len(TickStore(Path("data")).read("EURUSD")) == 9


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--source", "duka"), "did you mean dukascopy?"),
        (("--pair", "EURUSX"), "unknown pair 'EURUSX'"),
        (("--pair", "GBPUSD", "--symbol", "EURUSDm"), "--symbol EURUSDm is of one pair"),
        (("--symbol", "EURUSDm"), "Dukascopy has one feed of each pair"),
        (("--from", "yesterday"), "--from yesterday: expected a day such as 2024-01-15"),
        (("--to", "2023-01-01"), "expected a range that is not empty"),
        (("--address", "ftp://there"), "--address 'ftp://there': expected"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(words: tuple[str, ...], part: str, fetch: Any, service: Service) -> None:
    result = fetch(*SPAN, *words)
    assert result.exit_code == 2
    assert part in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not service.requests


def test_missing_flag_is_named(necrozma: Any) -> None:
    result = necrozma("data", "download", "--source", "exness", "--pair", "EURUSD", "--from", "2024-01-01")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: Missing option '--to'; see root data download --help\n",
    )


@pytest.mark.posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_command_that_is_stopped_goes_on_where_it_was(
    number: int, code: int, service: Service, spawn: Any, executable: str
) -> None:
    body = exness_zip("EURUSD", [datetime(2024, 1, 2)], 20_000)
    service.always = lambda request: Reply(200, body, {"ETag": '"one"'}, trickle="Range" not in request.headers)
    words = ["data", "download", "--source", "exness", "--pair", "EURUSD", "--from", "2024-01-01", "--to", "2024-02-01"]
    words += ["--address", service.address]
    process = spawn(executable, *words)
    part = Path("downloads/exness/EURUSD/2024/.Exness_EURUSD_2024_01.zip.part")
    while not (part.exists() and part.stat().st_size > 100):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == code
    if number == signal.SIGINT:
        assert said == "EURUSD: stopped with 0 of 1 file; the same command goes on\n"
    again = spawn(executable, *words)
    out, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert "EURUSD: 20,000 ticks of 1 file" in out
    first = int(service.requests[-1].headers["Range"].removeprefix("bytes=").rstrip("-"))
    assert first > 100


def test_proxy_of_the_environment_is_for_https_and_not_for_its_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.cli.downloading import _find_proxy

    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert _find_proxy("https://host/x") is None
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert _find_proxy("https://host/x") == "http://proxy:3128"
    assert _find_proxy("https://inside.example/x") is None
    assert _find_proxy("http://host/x") is None
