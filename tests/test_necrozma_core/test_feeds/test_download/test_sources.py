"""Each source: what is asked for, under which names it is kept, and that it imports."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tick_service import (
    TOKEN,
    FakeClock,
    Notes,
    Reply,
    Request,
    Service,
    dukascopy,
    exness,
    histdata,
    hour_json,
    start_of,
)

from necrozma_core.errors import DownloadError, LockedError, UnknownPairError, UsageError
from necrozma_core.feeds.download.fetching import Download
from necrozma_core.feeds.download.order import Found
from necrozma_core.feeds.download.spans import days, months, open_hours
from necrozma_core.feeds.intake import import_files
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.ticks.store import TickStore

Fetch = Callable[..., Download]


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name[0] != ".")


def test_dukascopy_hours_are_asked_for_one_by_one_and_import(
    fetch: Fetch, service: Service, notes: Notes, tmp_path: Path
) -> None:
    service.always = dukascopy

    done = fetch("dukascopy", "2024-01-02T08:30:00Z", "2024-01-02T10:00:01Z")

    assert service.paths == [f"/ticks/EUR-USD/2024/1/2/{hour}" for hour in (8, 9, 10)]
    assert service.connections == 1
    assert service.requests[0].headers["User-Agent"].startswith("necrozma/")
    assert [path.relative_to(tmp_path).as_posix() for path in done.files] == [
        f"downloads/dukascopy/EURUSD/2024-01/EURUSD_2024-01-02_{hour}h.json.gz" for hour in ("08", "09", "10")
    ]
    assert (notes.began, done.fetched, done.without_quotes) == ([(3, 0)], 3, 0)
    report = import_files(done.files, "EURUSD", tmp_path / "data")
    ticks = TickStore(tmp_path / "data").read("EURUSD")
    assert (report.span, ticks.digits) == ("2024-01-02 08:00:01 to 2024-01-02 10:00:03", 5)
    first = 110_000 + start_of(datetime(2024, 1, 2, 8)) // 3_600_000 % 500
    assert ticks.bid[:3].tolist() == [first, first + 1, first + 2]
    assert ticks.ask[:3].tolist() == [first + 10, first + 11, first + 12]


def test_what_is_there_is_not_asked_for_again(fetch: Fetch, service: Service, notes: Notes, tmp_path: Path) -> None:
    service.always = dukascopy
    fetch("dukascopy", "2024-01-02", "2024-01-02T02:00:00Z")

    done = fetch("dukascopy", "2024-01-02", "2024-01-02T03:00:00Z")

    assert service.paths == [f"/ticks/EUR-USD/2024/1/2/{hour}" for hour in (0, 1, 2)]
    assert (len(done.files), done.fetched, notes.began) == (3, 1, [(2, 0), (3, 2)])
    before = TickStore(tmp_path / "data")
    import_files(done.files[:2], "EURUSD", tmp_path / "data")
    assert import_files(done.files, "EURUSD", tmp_path / "data").already_stored == tuple(
        path.name for path in done.files[:2]
    )
    assert len(before.read("EURUSD")) == 9


def test_hours_of_the_weekend_and_of_the_future_are_not_asked_for(
    fetch: Fetch, service: Service, clock: FakeClock
) -> None:
    clock.now = datetime(2024, 6, 10, 2, 30, tzinfo=UTC)  # a Monday
    service.always = dukascopy

    fetch("dukascopy", "2024-06-07T19:00:00Z", "2024-06-12")

    asked = [tuple(int(part) for part in path.split("/")[-2:]) for path in service.paths]
    # 17:00 in New York is 21:00 UTC in June; an hour at each end of the weekend is asked for.
    assert asked == [(7, 19), (7, 20), (7, 21), *((9, hour) for hour in (20, 21, 22, 23)), (10, 0)]


@pytest.mark.parametrize(
    ("friday", "closes", "opens"),
    [("2024-01-05", 22, 22), ("2024-03-08", 22, 21), ("2024-11-01", 21, 22), ("2024-07-05", 21, 21)],
)
def test_weekend_follows_the_clocks_of_new_york(friday: str, closes: int, opens: int) -> None:
    start = start_of(datetime.fromisoformat(friday))
    hours = [span.first for span in open_hours(start, start + 3 * 86_400_000)]
    gap = max(range(1, len(hours)), key=lambda index: hours[index] - hours[index - 1])
    assert (hours[gap - 1].hour, hours[gap].hour) == (closes, opens - 1)
    assert (hours[gap - 1].weekday(), hours[gap].weekday()) == (4, 6)


def test_year_of_hours_is_that_of_a_clock_in_new_york() -> None:
    first = datetime(2023, 1, 1, tzinfo=UTC)
    naive = []
    for number in range(365 * 24):
        hour = first + timedelta(hours=number)
        # The market is open on the four days, before Friday's 18:00 and after Sunday's 16:00, an hour at each end.
        local = hour.astimezone(ZoneInfo("America/New_York"))
        minutes = local.weekday() * 24 + local.hour
        if minutes < 4 * 24 + 18 or minutes >= 6 * 24 + 16:
            naive.append(hour)
    found = [span.first for span in open_hours(start_of(first), start_of(datetime(2024, 1, 1)))]
    assert found == naive


def test_months_and_days_are_whole() -> None:
    found = list(months(start_of(datetime(2023, 12, 31, 23)), start_of(datetime(2024, 2, 1))))
    assert [span.first for span in found] == [datetime(2023, 12, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]
    assert found[0].end_ms == found[1].first_ms
    friday = start_of(datetime(2024, 6, 7))
    assert [span.first.day for span in days(friday, friday + 4 * 86_400_000)] == [7, 9, 10]


def test_empty_hours_are_noted_once_they_are_old(fetch: Fetch, service: Service, clock: FakeClock) -> None:
    def no_quotes_at_nine(request: Request) -> Reply:
        year, month, day, hour = (int(part) for part in request.path.split("/")[-4:])
        start = start_of(datetime(year, month, day, hour))
        return Reply(200, hour_json(start, quotes=0 if hour == 9 else 2))

    service.always = no_quotes_at_nine
    clock.now = datetime(2024, 1, 3, tzinfo=UTC)
    span = "2024-01-02T08:00:00Z", "2024-01-02T10:00:00Z"

    young = fetch("dukascopy", *span)
    fetch("dukascopy", *span)
    clock.now = datetime(2024, 1, 9, tzinfo=UTC)
    old = fetch("dukascopy", *span)
    last = fetch("dukascopy", *span)

    assert service.paths == [f"/ticks/EUR-USD/2024/1/2/{hour}" for hour in (8, 9, 9, 9)]
    assert [(len(done.files), done.without_quotes) for done in (young, old, last)] == [(1, 1)] * 3


@pytest.mark.parametrize("status", [204, 400, 404])
def test_hour_that_the_service_has_not_is_asked_for_again(status: int, fetch: Fetch, service: Service) -> None:
    service.always = dukascopy
    service.queues["/ticks/EUR-USD/2024/1/2/9"] = [Reply(status)] * 2
    span = "2024-01-02T08:00:00Z", "2024-01-02T10:00:00Z"

    fetch("dukascopy", *span)
    second, third = fetch("dukascopy", *span), fetch("dukascopy", *span)

    assert second.not_there == ("EURUSD_2024-01-02_09h.json.gz",)
    assert (third.not_there, third.fetched, len(third.files)) == ((), 1, 2)


def test_range_without_any_quotes_ends_after_a_week_of_hours(fetch: Fetch, service: Service) -> None:
    with pytest.raises(
        DownloadError, match=r"Dukascopy has no quotes of USDCNH in the first 120 files from 2023-01-01"
    ):
        fetch("dukascopy", "2023-01-01", "2024-01-01", pair="USDCNH")
    assert len(service.requests) == 120


def test_holiday_alone_says_that_there_is_nothing(fetch: Fetch, service: Service) -> None:
    service.always = lambda request: Reply(200, hour_json(start_of(datetime(2024, 1, 1, 10)), quotes=0))
    with pytest.raises(DownloadError, match="no quotes of EURUSD from 2024-01-01 to 2024-01-01"):
        fetch("dukascopy", "2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z")


def test_hour_of_another_time_is_left_out_and_the_others_come(fetch: Fetch, service: Service, notes: Notes) -> None:
    service.always = dukascopy
    wrong = Reply(200, hour_json(start_of(datetime(2024, 1, 2, 7))))
    service.queues["/ticks/EUR-USD/2024/1/2/9"] = [wrong] * 3

    done = fetch("dukascopy", "2024-01-02T08:00:00Z", "2024-01-02T11:00:00Z")

    assert (len(done.files), len(done.failed), len(notes.files)) == (2, 1, 3)
    assert "EURUSD_2024-01-02_09h.json.gz: expected the hour 1704186000000" in done.failed[0]
    assert "was asked 3 times" in done.failed[0]
    again = fetch("dukascopy", "2024-01-02T08:00:00Z", "2024-01-02T11:00:00Z")
    assert (len(again.files), again.failed, again.fetched) == (3, (), 1)


def test_exness_months_and_the_days_of_the_running_one_come(
    fetch: Fetch, service: Service, clock: FakeClock, tmp_path: Path
) -> None:
    clock.now = datetime(2024, 6, 4, 12, tzinfo=UTC)
    service.always = exness

    done = fetch("exness", "2024-04-20", "2024-07-01")

    days = [f"/ticks/EURUSD/2024/06/{day}/Exness_EURUSD_2024_06_{day}.zip" for day in ("02", "03")]
    assert service.paths == [
        "/ticks/EURUSD/2024/04/Exness_EURUSD_2024_04.zip",
        "/ticks/EURUSD/2024/05/Exness_EURUSD_2024_05.zip",
        days[0],  # the first is a Saturday
        days[1],
    ]
    assert names(tmp_path / "downloads/exness/EURUSD/2024") == [
        "Exness_EURUSD_2024_04.zip",
        "Exness_EURUSD_2024_05.zip",
        "Exness_EURUSD_2024_06_02.zip",
        "Exness_EURUSD_2024_06_03.zip",
    ]
    report = import_files(done.files, "EURUSD", tmp_path / "data")
    assert (report.kept, report.span) == (12_000, "2024-04-01 00:00:00 to 2024-06-03 00:33:19")


def test_exness_month_that_is_over_joins_its_days(
    fetch: Fetch, service: Service, clock: FakeClock, tmp_path: Path
) -> None:
    service.always = exness
    clock.now = datetime(2024, 5, 2, 12, tzinfo=UTC)
    import_files(fetch("exness", "2024-05-01", "2024-06-01").files, "EURUSD", tmp_path / "data")
    clock.now = datetime(2024, 6, 2, 12, tzinfo=UTC)

    report = import_files(fetch("exness", "2024-05-01", "2024-06-01").files, "EURUSD", tmp_path / "data")

    assert (report.kept, report.known) == (4_000, 2_000)
    assert len(TickStore(tmp_path / "data").read("EURUSD")) == 4_000


def test_exness_symbol_is_asked_for_and_kept_by_itself(fetch: Fetch, service: Service, tmp_path: Path) -> None:
    service.always = exness

    done = fetch("exness", "2024-01-01", "2024-02-01", symbol="EURUSD_Zero_Spread")

    assert service.paths == ["/ticks/EURUSD_Zero_Spread/2024/01/Exness_EURUSD_Zero_Spread_2024_01.zip"]
    assert done.files[0].parent == tmp_path / "downloads/exness/EURUSD_Zero_Spread/2024"
    assert import_files(done.files, "EURUSD", tmp_path / "data").kept == 4_000


def test_histdata_month_is_asked_for_with_its_pages_token(fetch: Fetch, service: Service, tmp_path: Path) -> None:
    service.always = histdata

    done = fetch("histdata", "2012-07-01T05:00:00Z", "2012-08-01T05:00:00Z")

    page = "/download-free-forex-historical-data/?/ascii/tick-data-quotes/eurusd/2012/7"
    assert [(request.method, request.path) for request in service.requests] == [("GET", page), ("POST", "/get.php")]
    assert service.requests[1].form == {
        "tk": TOKEN,
        "date": "2012",
        "datemonth": "201207",
        "platform": "ASCII",
        "timeframe": "T",
        "fxpair": "EURUSD",
    }
    assert service.requests[1].headers["Referer"] == service.address + page
    # The name that the service gives would lead elsewhere.
    assert names(tmp_path / "downloads") == [
        "histdata",
        "histdata/EURUSD",
        "histdata/EURUSD/HISTDATA_COM_ASCII_EURUSD_T201207.zip",
    ]
    report = import_files(done.files, "EURUSD", tmp_path / "data")
    assert report.span == "2012-07-01 05:00:03 to 2012-07-01 05:00:05"


def test_histdata_page_without_a_form_is_left_out(fetch: Fetch, service: Service) -> None:
    service.always = histdata
    bare = "/download-free-forex-historical-data/?/ascii/tick-data-quotes/eurusd/2012/7"
    service.queues[bare] = [Reply(200, b"<html>back in an hour</html>")] * 3

    done = fetch("histdata", "2012-07-02", "2012-08-02")

    assert len(done.files) == 1
    assert "HISTDATA_COM_ASCII_EURUSD_T201207.zip: expected a page with a form" in done.failed[0]


@pytest.mark.parametrize(
    ("source", "first", "last", "more", "part"),
    [
        ("dukascop", "2024-01-01", "2024-02-01", {}, "--source 'dukascop': did you mean dukascopy?"),
        ("exness", "2024-02-01", "2024-01-01", {}, "a range that is not empty"),
        ("exness", "2024-01-01", "2024-01-01", {}, "a range that is not empty"),
        ("dukascopy", "2030-01-01", "2030-02-01", {}, "--from 2030-01-01: expected a time that has been"),
        (
            "dukascopy",
            "2024-06-15T11:00:00Z",
            "2024-06-15T13:00:00Z",
            {},
            "at least one hour of Dukascopy that is over",
        ),
        ("dukascopy", "2024-06-08T02:00:00Z", "2024-06-08T09:00:00Z", {}, "with an open market; found none"),
        ("histdata", "2024-06-02", "2024-06-10", {}, "at least one month of HistData that is over"),
        ("dukascopy", "2024-01-01", "2024-02-01", {"symbol": "EURUSDm"}, "Dukascopy has one feed of each pair"),
        ("exness", "2024-01-01", "2024-02-01", {"symbol": "../../etc"}, "--symbol '../../etc': expected what"),
        ("exness", "2024-01-01", "2024-02-01", {"symbol": "GBPUSDm"}, "expected what the source calls EURUSD"),
        ("exness", "2024-01-01", "2024-02-01", {"address": "ftp://mirror/x"}, "--address 'ftp://mirror/x'"),
        ("exness", "2024-01-01", "2024-02-01", {"address": "file:///etc/passwd"}, "--address 'file:///etc/passwd'"),
        ("exness", "2024-01-01", "2024-02-01", {"address": "https://a:b@host/"}, "--address 'https://***@host/'"),
        ("exness", "2024-01-01", "2024-02-01", {"address": "https://host:x/"}, "--address"),
        ("exness", "2024-01-01", "2024-02-01", {"address": "https://host/a b\r\nX: y"}, "--address"),
    ],
)
def test_order_that_cannot_be_is_refused(
    source: str, first: str, last: str, more: dict[str, str], part: str, fetch: Fetch, service: Service
) -> None:
    with pytest.raises(UsageError) as refused:
        fetch(source, first, last, **more)
    assert part in str(refused.value)
    assert not service.requests


def test_unknown_pair_is_refused(fetch: Fetch) -> None:
    with pytest.raises(UnknownPairError):
        fetch("exness", "2024-01-01", "2024-02-01", pair="../../..")


def test_two_downloads_into_one_folder_are_not_mixed(fetch: Fetch, tmp_path: Path) -> None:
    with (
        lock_results(tmp_path / "downloads/exness/EURUSD"),
        pytest.raises(LockedError, match="another download into it is running"),
    ):
        fetch("exness", "2024-01-01", "2024-02-01")


def test_watcher_hears_of_every_file(fetch: Fetch, service: Service, notes: Notes) -> None:
    service.always = dukascopy
    service.queues["/ticks/EUR-USD/2024/1/2/1"] = [Reply(404)]

    fetch("dukascopy", "2024-01-02", "2024-01-02T03:00:00Z")

    assert [found for _, found in notes.files] == [Found.QUOTES, Found.NO_FILE, Found.QUOTES]
    assert notes.bytes > 100
