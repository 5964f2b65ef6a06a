"""Samples of published files, where the folder with them is at hand; each file's beginning, so that a case is quick."""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from .naive_reader import Row, UnreadableError, bi5_rows, iso_time, table_rows
from .samples import SHARED, Sample, TextLayout, text_samples, zip_of

_ROWS = 60
_ATTACKS = ("bigcell.parquet", "bigdict.parquet", "bombbz.zip", "diff_crc_1_121.parquet", "zip_storage_6.zip")


def real_samples() -> list[Sample]:
    """Return the published samples; none where they are not at hand."""
    data, cases = SHARED / "data", SHARED / "cases"
    texts = text_samples()
    found: list[Sample] = []
    if data.is_dir():
        raw = data / "raw"
        found += [
            _beginning("real histdata", raw / "histdata/histdata_ticks_2020-01-01.csv", texts["histdata"]),
            _beginning("real jforex", raw / "dukascopy/EURUSD_2015-01-01--22h_ticks.csv", texts["jforex"]),
            _lean(raw / "lean/20140501_eurusd_quote.zip", texts["lean"]),
            _hour(raw / "dukascopy/GBPJPY/2012/11/03/02h_ticks.bi5"),
            _oanda(data / "ticks/EURUSD_oanda_2014-05.parquet"),
        ]
    if cases.is_dir():
        comma = named_columns(("timestamp", "bid", "ask"))
        asks_first = named_columns(("timestamp", "ask", "bid"))
        found += [
            _whole("dust", cases / "01-dukascopy-float-dust/renamed.csv", asks_first, "XAUUSD"),
            _whole("dust parquet", cases / "01-dukascopy-float-dust/renamed.parquet", None, "XAUUSD"),
            _whole("dust web", cases / "01-dukascopy-float-dust/web.csv", texts["dukascopy site"].read, "XAUUSD"),
            _whole("node", cases / "02-dukascopy-node/ticks.csv", texts["dukascopy-node"].read),
            _whole("empty day", cases / "06-empty-day/2024-01-12.csv", comma),
            *(_whole(path.name, path, None if path.suffix == ".parquet" else _nothing)
              for name in _ATTACKS if (path := cases / "attack" / name).exists()),
        ]  # fmt: skip
    return found


def named_columns(names: tuple[str, ...]) -> Callable[[bytes], Iterator[Row]]:
    """Return the naive reader of a CSV with a header of these names."""
    return TextLayout(names, True, ("timestamp",), "bid", "ask", iso_time).rows


def _nothing(_: bytes) -> Iterator[Row]:
    raise UnreadableError("an archive that is an attack")


def _beginning(name: str, path: Path, like: Sample) -> Sample:
    lines = path.read_text(encoding="utf-8").splitlines()[:_ROWS]
    return replace(like, name=name, table=[line.split(",") for line in lines])


def _lean(path: Path, like: Sample) -> Sample:
    with zipfile.ZipFile(path) as archive:
        member = archive.namelist()[0]
        rows = [line.split(",") for line in archive.read(member).decode().splitlines()[:_ROWS]]
    pack = zip_of(member)

    def read(content: bytes) -> Iterator[Row]:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                text = packed.read(packed.namelist()[0])
        except Exception as error:
            raise UnreadableError(str(error)) from error
        return like.read(text)

    return replace(
        like, name="real lean", path=path.name, table=rows, pack=pack, read=read, build=lambda c: pack(like.build(c))
    )


def _hour(path: Path) -> Sample:
    content = path.read_bytes()
    hour = datetime(2012, 12, 3, 2, tzinfo=UTC)
    return Sample(
        "real bi5",
        "/".join(path.parts[-5:]),
        [],
        False,
        lambda _: content,
        lambda c: bi5_rows(c, hour, 3),
        pair="GBPJPY",
    )


def _oanda(path: Path) -> Sample:
    file = io.BytesIO()
    source = pq.ParquetFile(path)
    rows = next(source.iter_batches(_ROWS))
    with pq.ParquetWriter(
        file, source.schema_arrow, compression=source.metadata.row_group(0).column(0).compression
    ) as to:
        to.write_batch(rows)
    content = file.getvalue()
    return Sample("real parquet", "a.parquet", [], False, lambda _: content, lambda c: table_rows(c, "parquet"))


def _whole(name: str, path: Path, read: Callable[[bytes], Iterator[Row]] | None, pair: str = "EURUSD") -> Sample:
    content = path.read_bytes()
    return Sample(
        f"case {name}",
        path.name,
        [],
        False,
        lambda _: content,
        read or (lambda c: table_rows(c, "parquet")),
        pair=pair,
    )
