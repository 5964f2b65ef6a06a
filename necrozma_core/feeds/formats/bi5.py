"""Dukascopy's own hourly files, ``EURUSD/2012/11/03/01h_ticks.bi5``: LZMA of 20-byte records; months count from zero.

A record is big-endian: milliseconds in the hour, ask and bid in points, and two volumes as 32-bit floats. UTC. A file
of no bytes is an hour without quotes.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.formats.symbols import strip_symbol
from necrozma_core.feeds.reading.cells import Cells, Fault
from necrozma_core.feeds.reading.prices import PRICE_DECIMALS
from necrozma_core.feeds.reading.rows import RowBatch, RowStream
from necrozma_core.feeds.reading.unpacking import unpack_lzma_alone
from necrozma_core.market.instruments import Pair

_RECORD: Final = np.dtype([("ms", ">u4"), ("ask", ">u4"), ("bid", ">u4"), ("ask_volume", ">f4"), ("bid_volume", ">f4")])
_PATH: Final = re.compile(r"(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)/(?P<hour>\d\d)h_ticks\.bi5$", re.ASCII)
_HOUR_MS: Final = 3_600_000
# A record a millisecond, more than any pair has had.
_MOST_BYTES: Final = _HOUR_MS * _RECORD.itemsize
_HEADER: Final = ("milliseconds", "bid", "ask")


def read_bi5(content: bytes, path: Path, pair: Pair) -> RowStream:
    """Read an hour of Dukascopy's quotes.

    Parameters
    ----------
    content : bytes
        The file's.
    path : Path
        Its last folders say pair and hour.
    pair : Pair
        What the folder must be of.

    Returns
    -------
    RowStream
        One batch; rows are the file's records from 1.

    Raises
    ------
    DataError
        The path has no hour, or is another pair's; the file is damaged.
    """
    start_ms = _hour_ms(path, pair)
    records = np.frombuffer(_unpack(content, path), _RECORD)
    times = records["ms"].astype(np.int64)
    prices = {side: records[side].astype(np.int64) * 10 ** (PRICE_DECIMALS - _digits(pair)) for side in ("bid", "ask")}
    faults = np.zeros(len(records), dtype=np.uint8)
    late = np.where(times < _HOUR_MS, np.uint8(0), np.uint8(Fault.NOT_A_TIME.code))
    huge = {side: np.where(records[side] < 2**31, np.uint8(0), np.uint8(Fault.TOO_PRECISE.code)) for side in prices}

    def original(position: int) -> list[str]:
        record = records[position]
        return [str(int(record[name])) for name in ("ms", "bid", "ask")]

    batch = RowBatch(
        row=np.arange(1, len(records) + 1, dtype=np.int64),
        time=Cells((start_ms + times) * 1_000_000, faults | late),
        bid=Cells(prices["bid"], huge["bid"]),
        ask=Cells(prices["ask"], huge["ask"]),
        original=original,
    )
    return RowStream(_HEADER, (0, 1, 2), iter([batch]), "milliseconds of the hour, below 3,600,000")


def _unpack(content: bytes, path: Path) -> bytes:
    if not content:
        return b""
    unpacked = unpack_lzma_alone(content, _MOST_BYTES, path)
    if len(unpacked) % _RECORD.itemsize:
        raise DataError(
            f"{path}: expected records of {_RECORD.itemsize} bytes, found {len(unpacked):,} bytes; get it again"
        )
    return unpacked


def _hour_ms(path: Path, pair: Pair) -> int:
    hour_of_path = _PATH.search(path.absolute().as_posix())
    if hour_of_path is None:
        raise DataError(
            f"{path}: expected the hour in the path, such as EURUSD/2012/11/03/01h_ticks.bi5 for 3 December 2012 "
            "(months count from zero); put it into its folders"
        )
    year, month, day, hour = (int(hour_of_path[part]) for part in ("year", "month", "day", "hour"))
    symbol = path.absolute().parents[3].name
    if strip_symbol(symbol) != pair.name:
        raise DataError(
            f"{path}: expected a folder of {pair.name}, found {shown(symbol, 40)}; import each pair by itself"
        )
    try:
        return round(datetime(year, month + 1, day, hour, tzinfo=UTC).timestamp()) * 1000
    except ValueError as error:
        raise DataError(f"{path}: no hour is called so ({error}); months count from zero") from error


def _digits(pair: Pair) -> int:
    return 3 if pair.quote == "JPY" or pair.base in {"XAU", "XAG"} else 5
