"""Ticks written in any layout and packing are read back; rows and files in another order are the same, or refused."""

import gzip
import io
import lzma
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import import_files
from necrozma_core.storage.ticks.store import TickStore

Quote = tuple[datetime, Decimal, Decimal]
FEW = settings(max_examples=settings.default.max_examples // 4)

# 15 January 2024, noon; within an hour, so that every layout can hold it.
START = datetime(2024, 1, 15, 12, tzinfo=UTC)


@st.composite
def some_quotes(draw: st.DrawFn, first: datetime = START, span_ms: int = 3_599_999) -> list[Quote]:
    """Quotes of EURUSD in order, whose prices have five decimals at most."""
    times = sorted(draw(st.lists(st.integers(0, span_ms), min_size=1, max_size=25)))
    found = []
    for time in times:
        bid, spread = draw(st.integers(90_000, 130_000)), draw(st.integers(0, 60))
        found.append((first + timedelta(milliseconds=time), Decimal(bid).scaleb(-5), Decimal(bid + spread).scaleb(-5)))
    return found


def clock(time: datetime, form: str) -> str:
    return f"{time:{form}}.{time.microsecond // 1000:03}"


def lean(quotes: list[Quote]) -> str:
    midnight = START.replace(hour=0)
    return "".join(f"{(t - midnight) // timedelta(milliseconds=1)},{b},{a}\n" for t, b, a in quotes)


def fxcm(quotes: list[Quote]) -> str:
    return "DateTime,Bid,Ask\n" + "".join(f"{clock(t, '%m/%d/%Y %H:%M:%S')},{b},{a}\n" for t, b, a in quotes)


def exness(quotes: list[Quote]) -> str:
    rows = [f'"exness","EURUSDm","{clock(t, "%Y-%m-%d %H:%M:%S")}Z",{b},{a}\n' for t, b, a in quotes]
    return '"Exness","Symbol","Timestamp","Bid","Ask"\n' + "".join(rows)


def histdata(quotes: list[Quote]) -> str:
    eastern = [(t - timedelta(hours=5), b, a) for t, b, a in quotes]
    return "".join(f"{t:%Y%m%d %H%M%S}{t.microsecond // 1000:03},{b},{a},0\n" for t, b, a in eastern)


def semicolons(quotes: list[Quote]) -> str:
    return "ask;time;bid\n" + "".join(f"{a};{t.isoformat(timespec='milliseconds')};{b}\n" for t, b, a in quotes)


def tabs(quotes: list[Quote]) -> str:
    return semicolons(quotes).replace(";", "\t")


TEXTS: dict[str, Callable[[list[Quote]], str]] = {
    f.__name__: f for f in (lean, fxcm, exness, histdata, semicolons, tabs)
}


def as_zip(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ticks.csv", content)
        archive.writestr("readme.txt", "nothing")
    return packed.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "gz of two": lambda content: (
        gzip.compress(content[: len(content) // 2]) + gzip.compress(content[len(content) // 2 :])
    ),
    "xz": lzma.compress,
    "zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
    "zip": as_zip,
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


def read_back(path: Path, content: bytes, **options: object) -> list[Quote]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    data = path.parent / "data"
    import_files([path], "EURUSD", data, options=ReadOptions(**options))
    return stored(data)


def stored(data: Path) -> list[Quote]:
    ticks = TickStore(data).read("EURUSD")
    sides = [[Decimal(p).scaleb(-ticks.digits) for p in side.tolist()] for side in (ticks.bid, ticks.ask)]
    times = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time) for time in ticks.time_ms.tolist()]
    return list(zip(times, *sides, strict=True))


@FEW
@given(some_quotes(), st.sampled_from(list(TEXTS)), st.sampled_from(list(PACKINGS)), st.sampled_from(ENCODINGS))
def test_text_of_any_layout_packing_and_encoding_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, quotes: list[Quote], layout: str, packing: str, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("trip") / ("20240115_eurusd_quote.csv" if layout == "lean" else "a.csv")

    assert read_back(path, PACKINGS[packing](TEXTS[layout](quotes).encode(encoding))) == quotes


@FEW
@given(some_quotes(), st.sampled_from(["bi5", "parquet", "feather"]), st.data())
def test_binary_file_of_any_layout_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, quotes: list[Quote], layout: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    if layout == "bi5":
        records = [(round((t - START).total_seconds() * 1000), int(a * 10**5), int(b * 10**5)) for t, b, a in quotes]
        content = b"".join(struct.pack(">IIIff", *record, 1.0, 2.0) for record in records)
        path = folder / "EURUSD/2024/00/15/12h_ticks.bi5"
        assert read_back(path, lzma.compress(content, format=lzma.FORMAT_ALONE)) == quotes
        return
    times = pa.array([t for t, _, _ in quotes], pa.timestamp(data.draw(st.sampled_from(["ms", "us", "ns"])), "UTC"))
    kind = data.draw(st.sampled_from([pa.float64(), pa.string(), pa.decimal128(12, 6), pa.decimal64(9, 5)]))
    sides = [pa.array([quote[side] for quote in quotes], pa.decimal128(9, 5)).cast(kind) for side in (1, 2)]
    table = pa.table({"ask": sides[1], "Volume": [1] * len(quotes), "Timestamp": times, "bid": sides[0]})
    file = io.BytesIO()
    if layout == "feather":
        feather.write_feather(table, file, data.draw(st.sampled_from(["lz4", "zstd", "uncompressed"])))
    else:
        compression = data.draw(st.sampled_from(["snappy", "zstd", "gzip", "none"]))
        pq.write_table(table, file, compression=compression, row_group_size=data.draw(st.integers(1, 30)))
    assert read_back(folder / f"a.{layout}", file.getvalue()) == quotes


ZONES = {
    "America/New_York+7": (ZoneInfo("America/New_York"), 7),
    "America/New_York": (ZoneInfo("America/New_York"), 0),
    "Europe/Helsinki": (ZoneInfo("Europe/Helsinki"), 0),
    "-05:00": (None, -5),
}


@FEW
@given(some_quotes(datetime(2026, 1, 1, tzinfo=UTC), 320 * 86_400_000), st.sampled_from(list(ZONES)))
def test_clock_of_any_zone_is_read_back_through_all_of_a_years_changes(
    tmp_path_factory: pytest.TempPathFactory, quotes: list[Quote], zone: str
) -> None:
    name, ahead = ZONES[zone]
    local = [(t.astimezone(name or UTC).replace(tzinfo=None) + timedelta(hours=ahead), b, a) for t, b, a in quotes]
    if name:
        shown = [(t - timedelta(hours=ahead)) for t, _, _ in local]
        assume(all(t.replace(tzinfo=name).utcoffset() == t.replace(tzinfo=name, fold=1).utcoffset() for t in shown))
    text = "time,bid,ask\n" + "".join(f"{clock(t, '%Y.%m.%d %H:%M:%S')},{b},{a}\n" for t, b, a in local)

    assert read_back(tmp_path_factory.mktemp("zone") / "a.csv", text.encode(), zone=zone) == quotes


def csv_of(quotes: list[Quote]) -> str:
    return "time,bid,ask\n" + "".join(f"{t.isoformat(timespec='milliseconds')},{b},{a}\n" for t, b, a in quotes)


@FEW
@given(some_quotes(), st.randoms(use_true_random=False))
def test_rows_in_another_order_are_the_same_ticks_or_refused(
    tmp_path_factory: pytest.TempPathFactory, quotes: list[Quote], random: object
) -> None:
    folder = tmp_path_factory.mktemp("order")
    other = list(quotes)
    random.shuffle(other)  # type: ignore[attr-defined]

    if [time for time, _, _ in other] == [time for time, _, _ in quotes]:
        # Quotes of one moment keep the order that their file gives them.
        assert read_back(folder / "a.csv", csv_of(other).encode()) == other
    else:
        with pytest.raises(DataError, match=r"a.csv: row \d+: expected a time at or after .*; sort the file by time"):
            read_back(folder / "a.csv", csv_of(other).encode())
        assert read_back(folder / "sorted.csv", csv_of(sorted(other, key=lambda quote: quote[0])).encode()) == sorted(
            other, key=lambda quote: quote[0]
        )


@FEW
@given(some_quotes(), st.lists(st.integers(0, 25), max_size=4), st.randoms(use_true_random=False), st.booleans())
def test_file_that_was_split_is_the_whole_in_any_order_or_refused(
    tmp_path_factory: pytest.TempPathFactory, quotes: list[Quote], cuts: list[int], random: object, together: bool
) -> None:
    folder = tmp_path_factory.mktemp("split")
    bounds = [0, *sorted(cut for cut in cuts if cut < len(quotes)), len(quotes)]
    pieces = []
    for number, (start, end) in enumerate(pairwise(bounds)):
        if start < end:
            (folder / f"{number}.csv").write_text(csv_of(quotes[start:end]), encoding="utf-8")
            pieces.append(folder / f"{number}.csv")
    splits_a_moment = any(0 < cut < len(quotes) and quotes[cut - 1][0] == quotes[cut][0] for cut in bounds)
    random.shuffle(pieces)  # type: ignore[attr-defined]

    try:
        for files in [pieces] if together else [[piece] for piece in pieces]:
            import_files(files, "EURUSD", folder / "data")
    except DataError:
        if not splits_a_moment:
            raise
    else:
        # A quote that ends one file and begins the next is one quote.
        assert without_repeats(stored(folder / "data")) == without_repeats(quotes)
        assert splits_a_moment or stored(folder / "data") == quotes


def without_repeats(quotes: list[Quote]) -> list[Quote]:
    return [quote for quote, _ in groupby(quotes)]


def test_file_split_within_a_millisecond_is_stored_whole_or_refused_with_both_files(tmp_path: Path) -> None:
    time = START
    quotes = [(time, Decimal("1.1"), Decimal("1.2")), (time, Decimal("1.11"), Decimal("1.2"))]
    for number, quote in enumerate(quotes):
        (tmp_path / f"{number}.csv").write_text(csv_of([quote]), encoding="utf-8")

    with pytest.raises(DataError, match=r"(0.csv.*1.csv|1.csv.*0.csv)"):
        import_files([tmp_path / "0.csv", tmp_path / "1.csv"], "EURUSD", tmp_path / "data")
