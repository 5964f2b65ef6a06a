"""Every layout of text, from rows as its publisher writes them to ticks whose times and prices are known."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather

from necrozma_core.errors import DataError, UsageError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import ImportReport, import_files
from necrozma_core.storage.ticks.store import TickStore

Quote = tuple[str, str, str]
"""Time in UTC, bid, ask."""


def load(
    folder: Path, content: str | bytes, name: str = "a.csv", pair: str = "EURUSD", **options: object
) -> tuple[ImportReport, list[Quote]]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = import_files([path], pair, folder / "data", options=ReadOptions(**options))
    ticks = TickStore(folder / "data").read(pair)
    moments = (datetime.fromtimestamp(time / 1000, UTC) for time in ticks.time_ms.tolist())
    sides = [[f"{Decimal(p).scaleb(-ticks.digits)}" for p in side.tolist()] for side in (ticks.bid, ticks.ask)]
    return report, [
        (f"{m:%Y-%m-%d %H:%M:%S}.{m.microsecond // 1000:03}", b, a) for m, b, a in zip(moments, *sides, strict=True)
    ]


KNOWN = {
    "HistData ticks": (
        "20120201 000003660,1.306600,1.306770,0\n20120201 000004110,1.306590,1.306760,0\n",
        [("2012-02-01 05:00:03.660", "1.30660", "1.30677"), ("2012-02-01 05:00:04.110", "1.30659", "1.30676")],
    ),
    "TrueFX ticks": (
        "EUR/USD,20130101 21:59:59.981,1.32023,1.32054\nEUR/USD,20130101 22:00:00.296,1.32027,1.32051\n",
        [("2013-01-01 21:59:59.981", "1.32023", "1.32054"), ("2013-01-01 22:00:00.296", "1.32027", "1.32051")],
    ),
    "JForex ticks (Dukascopy)": (
        "2015.01.01 22:00:01.413,1.21038,1.21066,1.50,0.75\n2015.01.01 22:00:01.973,1.21038,1.21067,1.50,1.50\n",
        [("2015-01-01 22:00:01.413", "1.21038", "1.21066"), ("2015-01-01 22:00:01.973", "1.21038", "1.21067")],
    ),
    "duka ticks (Dukascopy)": (
        "2018-07-27 00:00:00.254000,1.16438,1.16436,1500000,2620000\n",
        [("2018-07-27 00:00:00.254", "1.16436", "1.16438")],
    ),
    "Dukascopy ticks": (
        "Local time,Ask,Bid,AskVolume,BidVolume\n"
        "04.07.2013 02:00:00.605 GMT+0200,1.30001,1.3,400,700\n04.12.2013 01:00:00.605 GMT+0100,1.36,1.35999,4,7\n",
        [("2013-07-04 00:00:00.605", "1.30000", "1.30001"), ("2013-12-04 00:00:00.605", "1.35999", "1.36000")],
    ),
    "dukascopy-node ticks": (
        "timestamp,askPrice,bidPrice,askVolume,bidVolume\n1706745600123,1.08197,1.08194,900000,1200000\n",
        [("2024-02-01 00:00:00.123", "1.08194", "1.08197")],
    ),
    "FXCM ticks": (
        gzip.compress("DateTime,Bid,Ask\r\n01/04/2015 22:00:00.123,1.19547,1.19582\r\n".encode("utf-16")),
        [("2015-01-04 22:00:00.123", "1.19547", "1.19582")],
    ),
    "Exness ticks": (
        '"Exness","Symbol","Timestamp","Bid","Ask"\n"exness","EURUSDm","2024-01-15 00:00:00.032Z",1.095,1.09507\n',
        [("2024-01-15 00:00:00.032", "1.09500", "1.09507")],
    ),
    "columns": (
        "Symbol;Date;Time;Offer;Bid\nEUR/USD;2024.01.15;12:00:00;1.09507;1.095\n",
        [("2024-01-15 17:00:00.000", "1.09500", "1.09507")],
    ),
}


@pytest.mark.parametrize("known", KNOWN)
def test_import_recognises_a_layout_by_its_content_and_says_what_it_saw(tmp_path: Path, known: str) -> None:
    content, expected = KNOWN[known]

    report, quotes = load(tmp_path, content, zone="America/New_York" if known == "columns" else None)

    assert quotes == expected
    assert next(iter(report.formats.values())).startswith(f"{known}: ")


def test_histdata_is_read_without_daylight_saving_in_july_too(tmp_path: Path) -> None:
    _, quotes = load(tmp_path, "20120702 000003660,1.26,1.2601,0\n")

    assert quotes[0][0] == "2012-07-02 05:00:03.660"


def test_lean_day_takes_its_date_from_the_name(tmp_path: Path) -> None:
    _, quotes = load(tmp_path, "292,1.38676,1.38686\n86371310,1.38693,1.38706", "20140501_eurusd_quote.csv")

    assert quotes == [
        ("2014-05-01 00:00:00.292", "1.38676", "1.38686"),
        ("2014-05-01 23:59:31.310", "1.38693", "1.38706"),
    ]


METATRADER = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"


def test_metatrader_side_that_is_blank_or_zero_is_the_price_before(tmp_path: Path) -> None:
    rows = (
        "2024.01.15\t00:00:00.100\t\t1.09507\t\t\t4\n"
        "2024.01.15\t00:00:00.200\t1.09500\t\t\t\t2\n"
        "2024.01.15\t00:00:00.300\t0.00000\t1.09509\t\t\t4\n"
        "2024.01.15\t00:00:00.400\t1.09502\t0\t\t\t2\n"
    )

    report, quotes = load(tmp_path, METATRADER + rows, zone="UTC")

    assert report.one_sided == 1
    assert [quote[1:] for quote in quotes] == [("1.09500", "1.09507"), ("1.09500", "1.09509"), ("1.09502", "1.09509")]


def test_metatrader_side_is_carried_from_one_block_of_the_file_to_the_next(tmp_path: Path) -> None:
    first = "2024.01.15\t00:00:00.000\t1.09500\t1.09507\t\t\t6\n"
    rest = "".join(
        f"2024.01.15\t{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.000\t\t1.0951{s % 10}\t\t\t4\n"
        for s in range(50_000)
    )

    report, quotes = load(tmp_path, METATRADER + first + rest, zone="UTC")

    assert report.kept == 50_001
    assert {bid for _, bid, _ in quotes} == {"1.09500"}


# New York's clocks go forward on 8 March 2026 and back on 1 November; Europe's on 29 March and 25 October.
@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026.03.06 23:59:59", "2026-03-06 21:59:59"),
        ("2026.03.09 00:05:00", "2026-03-08 21:05:00"),
        ("2026.03.30 00:05:00", "2026-03-29 21:05:00"),
        ("2026.10.30 23:59:59", "2026-10-30 20:59:59"),
        ("2026.11.02 00:05:00", "2026-11-01 22:05:00"),
    ],
)
def test_broker_zone_is_seven_hours_ahead_of_new_york_all_year(tmp_path: Path, local: str, utc: str) -> None:
    date, time = local.split()

    _, quotes = load(tmp_path, f"{METATRADER}{date}\t{time}\t1.1\t1.2\t\t\t6\n", zone="America/New_York+7")

    assert quotes[0][0] == f"{utc}.000"


@pytest.mark.parametrize("zone", ["America/New_York+7:00", "Nowhere+2", "+7", "America/New_York+15", "UTC+"])
def test_zone_that_is_none_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(UsageError, match=r"unknown zone .* America/New_York\+7 \(most MetaTrader brokers\)"):
        load(tmp_path, "timestamp,bid,ask\n2024-01-15 00:00,1.1,1.2\n", zone=zone)


@pytest.mark.parametrize(("unit", "count"), [("s", 1), ("ms", 1_000), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("kind", ["csv", "parquet", "feather"])
def test_whole_numbers_are_times_in_the_only_unit_that_makes_one(
    tmp_path: Path, unit: str, count: int, said: bool, kind: str
) -> None:
    time = 1_706_745_600 * count
    name = f"a.{kind}"
    columns = pa.table({"time": [time], "bid": [1.1], "ask": [1.2]})
    if kind == "parquet":
        pq.write_table(columns, tmp_path / name)
    elif kind == "feather":
        feather.write_feather(columns, str(tmp_path / name))
    else:
        (tmp_path / name).write_text(f"time,bid,ask\n{time},1.1,1.2\n", encoding="utf-8")

    _, quotes = load(tmp_path, (tmp_path / name).read_bytes(), name, unit=unit if said else None)

    assert quotes == [("2024-02-01 00:00:00.000", "1.1", "1.2")]


def test_seconds_with_a_fraction_are_exact(tmp_path: Path) -> None:
    _, quotes = load(tmp_path, "time,bid,ask\n1706745600.123,1.1,1.2\n1706745600.1239999,1.1,1.2\n")

    assert [time[-3:] for time, _, _ in quotes] == ["123", "123"]


def test_columns_can_be_named_by_the_user(tmp_path: Path) -> None:
    _, quotes = load(
        tmp_path, "when;sell;buy\n2024-01-15 00:00Z;1.1;1.2\n", columns={"time": "when", "bid": "Sell", "ask": "buy"}
    )
    _, numbered = load(tmp_path / "b", "1.1,x,1.2,2024-01-15 00:00Z\n", columns={"time": "4", "bid": "1", "ask": "3"})

    assert quotes == numbered == [("2024-01-15 00:00:00.000", "1.1", "1.2")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"time": "when", "bid": "sell", "ask": "offer"}, "ask=offer: .*a.csv has no such column, but when, sell, buy"),
        ({"time": "when", "bid": "sell"}, "expected time, bid and ask"),
        ({"time": "when", "bid": "sell", "ask": "buy", "volume": "x"}, "expected time, date, bid, .* found 'volume'"),
    ],
)
def test_columns_that_are_not_there_are_refused(tmp_path: Path, columns: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(tmp_path, "when;sell;buy\n2024-01-15 00:00Z;1.1;1.2\n", columns=columns)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("timestamp,open,high,low,close\n2024-01-15,1,1,1,1\n", r"these are bars \(timestamp, open"),
        ("time,bid,ask\n02/03/2024 00:00:00,1.1,1.2\n", "'02/03/2024 00:00:00' may be day/month or month/day; write"),
        (
            "a,b,c\n1,2,3\n",
            "expected a header with the columns timestamp, bid, ask, found 'a, b, c'; say which they are",
        ),
        ("1,2,3\n4,5,6\n", "or a known format without one, found '1,2,3'; say which .* --columns time=1,bid=2,ask=3"),
        ("timestamp,bid,ask\n2024-01-15T00:00Z,1,08512,1\n", "row 2: expected 3 fields, found 4"),
        (
            "timestamp;bid;ask\n2024-01-15T00:00Z;1,08512;1,1\n",
            "column bid: expected a number with a decimal point, found '1,08512'",
        ),
        ("GBP/USD,20130101 21:59:59.981,1.32023,1.32054\n", "row 1, column symbol: expected EURUSD, found 'GBP/USD'"),
    ],
)
def test_layout_that_is_none_or_not_clear_is_refused_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_format_that_is_asked_for_must_be_the_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not of the format histdata: its first line is 'timestamp,bid,ask'"):
        load(tmp_path, "timestamp,bid,ask\n2024-01-15T00:00Z,1.1,1.2\n", format="histdata")
    with pytest.raises(UsageError, match="--format hisdata: did you mean histdata"):
        load(tmp_path, "", format="hisdata")


times = st.lists(st.integers(0, 10**8), min_size=1, max_size=30).map(sorted)
prices = st.integers(50_000, 200_000)


def written(layout: str, moment: datetime, bid: str, ask: str) -> str:
    ms = moment.microsecond // 1000
    match layout:
        case "histdata":
            return f"{moment - timedelta(hours=5):%Y%m%d %H%M%S}{ms:03},{bid},{ask},0"
        case "truefx":
            return f"EUR/USD,{moment:%Y%m%d %H:%M:%S}.{ms:03},{bid},{ask}"
        case "jforex":
            return f"{moment:%Y.%m.%d %H:%M:%S}.{ms:03},{bid},{ask},1.5,0.75"
        case "duka":
            return f"{moment:%Y-%m-%d %H:%M:%S}.{ms:03}000,{ask},{bid},1.5,0.75"
        case "site":
            return f"{moment:%d.%m.%Y %H:%M:%S}.{ms:03} GMT-0000,{ask},{bid},1,1"
        case "node":
            return f"{round(moment.timestamp() * 1000)},{ask},{bid}"
        case "metatrader":
            return f"{moment:%Y.%m.%d}\t{moment:%H:%M:%S}.{ms:03}\t{bid}\t{ask}\t\t\t6"
        case _:
            return f"exness,EURUSD_Raw_Spread,{moment:%Y-%m-%d %H:%M:%S}.{ms:03}Z,{bid},{ask}"


HEADERS = {
    "site": "Gmt time,Ask,Bid,AskVolume,BidVolume\n",
    "node": "timestamp,askPrice,bidPrice\n",
    "metatrader": METATRADER,
    "exness": "Exness,Symbol,Timestamp,Bid,Ask\n",
}


# Each of these writes to the disk and waits for it.
@settings(max_examples=settings.default.max_examples // 4)
@given(
    times, st.data(), st.sampled_from(["histdata", "truefx", "jforex", "duka", "site", "node", "metatrader", "exness"])
)
def test_ticks_written_in_any_layout_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, waits: list[int], data: st.DataObject, layout: str
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    moments = [datetime.fromtimestamp(1_700_000_000 + wait / 1000, UTC) for wait in waits]
    bids = [data.draw(prices) for _ in moments]
    asks = [bid + data.draw(st.integers(0, 50)) for bid in bids]
    rows = [
        written(
            layout,
            moment.replace(microsecond=moment.microsecond // 1000 * 1000),
            f"{bid / 1e5:.5f}",
            f"{ask / 1e5:.5f}",
        )
        for moment, bid, ask in zip(moments, bids, asks, strict=True)
    ]

    _, quotes = load(
        folder, HEADERS.get(layout, "") + "\n".join(rows) + "\n", zone="UTC" if layout == "metatrader" else None
    )

    assert [Decimal(bid) for _, bid, _ in quotes] == [Decimal(bid).scaleb(-5) for bid in bids]
    assert [Decimal(ask) for _, _, ask in quotes] == [Decimal(ask).scaleb(-5) for ask in asks]
    assert [time for time, _, _ in quotes] == [f"{m:%Y-%m-%d %H:%M:%S}.{m.microsecond // 1000:03}" for m in moments]


@pytest.mark.parametrize("time", ["86400000", "1706745600123", "1.38687", "-1"])
def test_lean_time_beyond_its_day_is_a_bad_row(tmp_path: Path, time: str) -> None:
    with pytest.raises(DataError, match=f"row 2, column milliseconds: .*, found '{time}'; 1 bad row"):
        load(tmp_path, f"292,1.38676,1.38686\n{time},1.38693,1.38706\n", "20140501_eurusd_quote.csv")


def test_lean_rows_with_decimal_commas_are_no_rows_of_five_fields(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a header with the columns .* found '292,1,38676,1,38686'"):
        load(tmp_path, "292,1,38676,1,38686\n", "20140501_eurusd_quote.csv")


@pytest.mark.parametrize("cell", ["-1.1", "1,09507", "x"])
def test_metatrader_rows_that_stand_for_a_price_that_is_none_are_bad_like_it(tmp_path: Path, cell: str) -> None:
    rows = ["1.09500\t1.09507", f"\t{cell}", "1.09501\t", "1.09502\t1.09509", "1.09503\t"]
    text = METATRADER + "".join(f"2024.01.15\t00:00:0{s}.000\t{row}\t\t\t6\n" for s, row in enumerate(rows))
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")

    report = import_files(
        [tmp_path / "a.csv"], "EURUSD", tmp_path / "data", quarantine_share=0.5, options=ReadOptions(zone="UTC")
    )

    aside = [line.split(",")[0] for line in report.quarantine_files[0].read_text(encoding="utf-8").splitlines()[1:]]
    assert (report.kept, report.one_sided, aside) == (3, 0, ["3", "4"])


def test_metatrader_empty_line_before_the_first_price_is_a_bad_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2, column <DATE>: expected a value, found ''; 1 bad row"):
        load(tmp_path, f"{METATRADER}\n2024.01.15\t00:00:00.100\t1.09500\t1.09507\t\t\t6\n", zone="UTC")


def test_time_of_another_style_among_those_of_a_layout_is_a_bad_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2, column timestamp: expected a time .*, found '2012-02-01 05:00:04'"):
        load(tmp_path, "20120201 000003660,1.3066,1.30677,0\n2012-02-01 05:00:04,1.3066,1.30677,0\n")
