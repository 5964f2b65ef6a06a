"""Small files of ticks in every layout and packing that is read, and the real ones where they are at hand."""

import gzip
import io
import lzma
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from random import Random
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from necrozma_core.feeds.formats.registry import ReadOptions

from .naive_reader import (
    Row,
    TextLayout,
    bi5_rows,
    clock_time,
    iso_time,
    milliseconds_after,
    table_rows,
    unpack,
)

Table = list[list[str]]
"""Cells of rows, the header's among them where there is one."""

SHARED: Final = Path(__file__).parents[2].parent / "shared"
"""Real files that are no part of the repository."""

_ROWS: Final = 24
_MONDAY: Final = datetime(2024, 1, 15, 12, tzinfo=UTC)
_HOUR: Final = datetime(2012, 12, 3, 1, tzinfo=UTC)
_DAY: Final = datetime(2014, 5, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """A clean file, how to make another one of changed cells, and how to read it naively.

    Attributes
    ----------
    name : str
    path : str
        Where it lies in a folder; some formats are told by it.
    table : list of list of str
        Its cells.
    has_header : bool
    build : callable
        Makes a file of cells.
    text : callable or None
        Makes the text of cells, before it is packed; None where the format is no text.
    pack : callable
        Packs a text.
    read : callable
        Reads a file naively.
    pair : str
    options : ReadOptions
    """

    name: str
    path: str
    table: Table
    has_header: bool
    build: Callable[[Table], bytes]
    read: Callable[[bytes], Iterator[Row]]
    text: Callable[[Table], str] | None = None
    pack: Callable[[bytes], bytes] = bytes
    pair: str = "EURUSD"
    options: ReadOptions = field(default_factory=ReadOptions)

    @property
    def clean(self) -> bytes:
        """The file as its publisher made it."""
        return self.build(self.table)

    def chance(self, seed: int, number: int) -> Random:
        """Return the randomness of one case, whatever other cases and samples there are."""
        return Random(f"{seed} {self.name} {number}")


def quotes(number: int = _ROWS) -> list[tuple[datetime, str, str]]:
    """Return quotes of a calm market: some in one millisecond, some repeated, none crossed."""
    random, time, bid = Random(7), _MONDAY, 108_500
    found = []
    for _ in range(number):
        time += timedelta(milliseconds=random.choice([0, 1, 37, 900, 61_003]))
        bid += random.randint(-3, 3)
        found.append((time, f"{bid / 1e5:.5f}", f"{(bid + random.randint(0, 9)) / 1e5:.5f}"))
    return found


def _stamp(time: datetime, form: str) -> str:
    return f"{time:{form}}.{time.microsecond // 1000:03}"


_DOTTED: Final = clock_time(r"\d{4}\.\d\d\.\d\d[ T]\d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?", "%Y.%m.%d %H:%M:%S")
_ISO_NAIVE: Final = clock_time(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?", "%Y-%m-%d %H:%M:%S")


def _iso_or_naive(text: str) -> datetime | None:
    return iso_time(text) or _ISO_NAIVE(text)


def _text_sample(name: str, path: str, layout: TextLayout, rows: Table, zone: str | None = None) -> Sample:
    table = [list(layout.names), *rows] if layout.has_header else rows

    def text(cells: Table) -> str:
        return "".join(layout.delimiter.join(row) + "\n" for row in cells)

    return Sample(
        name,
        path,
        table,
        layout.has_header,
        build=lambda cells: text(cells).encode(),
        read=layout.rows,
        text=text,
        options=ReadOptions(zone=zone),
    )


def _packed(sample: Sample, kind: str, path: str, pack: Callable[[bytes], bytes]) -> Sample:
    return replace(
        sample,
        name=f"{sample.name} {kind}",
        path=path,
        pack=pack,
        build=lambda cells: pack(sample.build(cells)),
        read=lambda content: sample.read(unpack(kind, content)),
    )


def zip_of(name: str, *, deflated: bool = True, report: bool = False) -> Callable[[bytes], bytes]:
    """Return what packs a CSV as its publisher does."""

    def pack(content: bytes) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content)
            if report:
                archive.writestr(zipfile.ZipInfo("report.txt", (2024, 1, 1, 0, 0, 0)), "no gaps")
        return packed.getvalue()

    return pack


def text_samples() -> dict[str, Sample]:
    """Return one sample of every layout of text, unpacked, by name."""
    q = quotes()
    header = {"has_header": True, "bid": "bid", "ask": "ask", "times": ("timestamp",)}
    bare = {**header, "has_header": False}
    samples = [
        _text_sample(
            "exness",
            "a.csv",
            TextLayout(("exness", "symbol", "timestamp", "bid", "ask"), time=iso_time, symbol="symbol", **header),
            [["exness", "EURUSDm", f"{_stamp(t, '%Y-%m-%d %H:%M:%S')}Z", b, a] for t, b, a in q],
        ),
        _text_sample(
            "exness monthly",
            "a.csv",
            TextLayout(("timestamp", "exness", "symbol", "bid", "ask"), time=iso_time, symbol="symbol", **header),
            [[f"{_stamp(t, '%Y-%m-%d %H:%M:%S')}Z", "exness", "EURUSD_Raw_Spread", b, a] for t, b, a in q],
        ),
        _text_sample(
            "histdata",
            "DAT_ASCII_EURUSD_T_202401.csv",
            TextLayout(
                ("timestamp", "bid", "ask", "volume"),
                time=clock_time(r"\d{8}[ T]?\d{6}(\d{3})?", "%Y%m%d %H%M%S", -5),
                **bare,
            ),
            [[f"{t - timedelta(hours=5):%Y%m%d %H%M%S}{t.microsecond // 1000:03}", b, a, "0"] for t, b, a in q],
        ),
        _text_sample(
            "dukascopy site",
            "a.csv",
            TextLayout(
                ("local time", "ask", "bid", "askvolume", "bidvolume"),
                time=clock_time(
                    r"\d\d\.\d\d\.\d{4} \d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)? ?(?:GMT|UTC)[+-]\d{4}",
                    "%d.%m.%Y %H:%M:%S GMT%z",
                ),
                **{**header, "times": ("local time",)},
            ),
            [[f"{_stamp(t, '%d.%m.%Y %H:%M:%S')} GMT-0000", a, b, "0.9", "1"] for t, b, a in q],
        ),
        _text_sample(
            "jforex",
            "a.csv",
            TextLayout(("timestamp", "bid", "ask", "bid volume", "ask volume"), time=_DOTTED, **bare),
            [[_stamp(t, "%Y.%m.%d %H:%M:%S"), b, a, "1.5", "0.75"] for t, b, a in q],
        ),
        _text_sample(
            "duka",
            "a.csv",
            TextLayout(("timestamp", "ask", "bid", "ask volume", "bid volume"), time=_iso_or_naive, **bare),
            [[f"{_stamp(t, '%Y-%m-%d %H:%M:%S')}000", a, b, "1500000", "2620000"] for t, b, a in q],
        ),
        _text_sample(
            "dukascopy-node",
            "a.csv",
            TextLayout(
                ("timestamp", "askprice", "bidprice", "askvolume", "bidvolume"),
                time=milliseconds_after(datetime(1970, 1, 1, tzinfo=UTC)),
                **{**header, "bid": "bidprice", "ask": "askprice"},
            ),
            [[f"{round(t.timestamp() * 1000)}", a, b, "900000", "1200000"] for t, b, a in q],
        ),
        _text_sample(
            "metatrader",
            "a.csv",
            TextLayout(
                ("<date>", "<time>", "<bid>", "<ask>", "<last>", "<volume>", "<flags>"),
                True,
                ("<date>", "<time>"),
                "<bid>",
                "<ask>",
                # The broker's clock is seven hours ahead of New York's, which in January is five behind UTC.
                clock_time(r"\d{4}\.\d\d\.\d\d \d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?", "%Y.%m.%d %H:%M:%S", 2),
                "\t",
                carries=True,
            ),
            [
                [
                    f"{t + timedelta(hours=2):%Y.%m.%d}",
                    _stamp(t + timedelta(hours=2), "%H:%M:%S"),
                    "" if n % 3 == 0 else b,
                    "0.00000" if n % 3 == 1 and n > 2 else a,
                    "",
                    "",
                    "6",
                ]
                for n, (t, b, a) in enumerate(_half_moving(q))
            ],
            zone="America/New_York+7",
        ),
        _text_sample(
            "truefx",
            "a.csv",
            TextLayout(
                ("symbol", "timestamp", "bid", "ask"),
                time=clock_time(r"\d{8} \d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?", "%Y%m%d %H:%M:%S"),
                symbol="symbol",
                **bare,
            ),
            [["EUR/USD", _stamp(t, "%Y%m%d %H:%M:%S"), b, a] for t, b, a in q],
        ),
        _text_sample(
            "fxcm",
            "a.csv",
            TextLayout(
                ("datetime", "bid", "ask"),
                time=clock_time(r"\d\d/\d\d/\d{4} \d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?", "%m/%d/%Y %H:%M:%S"),
                **{**header, "times": ("datetime",)},
            ),
            [[_stamp(t, "%m/%d/%Y %H:%M:%S"), b, a] for t, b, a in q],
        ),
        _text_sample(
            "lean",
            "20140501_eurusd_quote.csv",
            TextLayout(
                ("milliseconds", "bid", "ask"),
                time=milliseconds_after(_DAY, 86_400_000),
                **{**bare, "times": ("milliseconds",)},
            ),
            [[f"{round((t - _MONDAY).total_seconds() * 1000)}", b, a] for t, b, a in q],
        ),
        _text_sample(
            "generic",
            "a.csv",
            TextLayout(("timestamp", "bid", "ask"), time=iso_time, delimiter=";", **header),
            [[f"{t.isoformat(timespec='milliseconds')}", b, a] for t, b, a in q],
        ),
    ]
    return {sample.name: sample for sample in samples}


def _half_moving(q: list[tuple[datetime, str, str]]) -> Iterator[tuple[datetime, str, str]]:
    """Let neither side cross the other while only one of them is told."""
    for time, bid, _ in q:
        yield time, bid, f"{float(bid) + 0.0002:.5f}"


def _bi5(path: str = "EURUSD/2012/11/03/01h_ticks.bi5") -> Sample:
    def build(cells: Table) -> bytes:
        records = [[int(cell) for cell in row] for row in cells]
        content = b"".join(struct.pack(">IIIff", *(n % 2**32 for n in record), 1.5, 0.75) for record in records)
        return lzma.compress(content, format=lzma.FORMAT_ALONE)

    rows = [
        [f"{round((t - _MONDAY).total_seconds() * 1000)}", f"{round(float(a) * 1e5)}", f"{round(float(b) * 1e5)}"]
        for t, b, a in quotes()
    ]
    return Sample("bi5", path, rows, False, build, lambda content: bi5_rows(content, _HOUR, 5))


def _table(kind: str, name: str, write: Callable[[pa.Table, io.BytesIO], None], price: pa.DataType) -> Sample:
    def build(cells: Table) -> bytes:
        names, rows = cells[0], cells[1:]
        columns = [[row[place] if place < len(row) else None for row in rows] for place in range(len(names))]
        sides = [_typed(column, price) if at else _times(column) for at, column in enumerate(columns)]
        file = io.BytesIO()
        write(pa.Table.from_arrays(sides, names=names), file)
        return file.getvalue()

    rows = [[t.isoformat(timespec="milliseconds"), b, a] for t, b, a in quotes()]
    table = [["timestamp", "bid", "ask"], *rows]
    return Sample(name, f"a.{kind}", table, True, build, lambda content: table_rows(content, kind))


def _typed(column: list[str | None], kind: pa.DataType) -> pa.Array:
    """Make numbers of a column where all of it are, or else leave it text."""
    try:
        exact = [Decimal(cell) if cell else None for cell in column]
        return pa.array(exact if pa.types.is_decimal(kind) else [x if x is None else float(x) for x in exact], kind)
    except (InvalidOperation, ValueError, OverflowError, pa.ArrowException):
        return pa.array(column, pa.string())


def _times(column: list[str | None]) -> pa.Array:
    try:
        return pa.array([datetime.fromisoformat(c) if c else None for c in column], pa.timestamp("ms", "UTC"))
    except (ValueError, TypeError, OverflowError, pa.ArrowException):
        return pa.array(column, pa.string())


def generated_samples() -> list[Sample]:
    """Return a clean sample of every layout and every packing."""
    texts = text_samples()
    utf16 = replace(texts["fxcm"], build=lambda cells: texts["fxcm"].build(cells).decode().encode("utf-16"))
    float64, points = pa.float64(), pa.decimal128(9, 5)
    return [
        *texts.values(),
        _packed(texts["exness"], "zip", "a.zip", zip_of("a.csv")),
        _packed(texts["histdata"], "zip", "b.zip", zip_of("b.csv", deflated=False, report=True)),
        _packed(texts["lean"], "zip", "20140501_eurusd_quote.zip", zip_of("20140501_eurusd_tick_quote.csv")),
        _packed(texts["generic"], "gz", "a.csv.gz", lambda content: gzip.compress(content, mtime=0)),
        _packed(utf16, "gz", "c.csv.gz", lambda content: gzip.compress(content, mtime=0)),
        _packed(texts["duka"], "xz", "a.csv.xz", lzma.compress),
        _packed(texts["truefx"], "zst", "a.csv.zst", lambda content: pa.compress(content, codec="zstd", asbytes=True)),
        replace(utf16, name="fxcm utf-16", pack=lambda content: content),
        _bi5(),
        _table(
            "parquet", "parquet", lambda table, file: pq.write_table(table, file, write_page_checksum=True), float64
        ),
        _table(
            "parquet", "parquet plain", lambda table, file: pq.write_table(table, file, compression="none",
            use_dictionary=False), points
        ),
        _table("feather", "feather", lambda table, file: feather.write_feather(table, file, "lz4"), float64),
        _table(
            "feather", "feather plain", lambda table, file: feather.write_feather(table, file, "uncompressed"), points
        ),
    ]  # fmt: skip
