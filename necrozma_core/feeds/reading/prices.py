"""Prices of a source to billionths, without losing a digit; a cell that is no price is named.

A whole column is converted at once. Only where that fails are its cells looked at one by one.

Dust is what multiplying by 0.00001 instead of dividing by 100,000 leaves behind: 1580.7870000000003 for 1580.787. A
price that nine digits in all come within a billionth of is that price; how many were rounded so is counted.
"""

import math
import re
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from necrozma_core.feeds.reading.cells import NO_FAULT, Cells, Fault, as_text, integers, to_bool, try_cast
from necrozma_core.market.arrays import BoolArray, FloatArray, Int64Array

PRICE_DECIMALS: Final = 9
"""Decimals in which prices are first held; no file may need more."""

_PRICE: Final = pa.decimal64(18, PRICE_DECIMALS)
_PLAIN_PRICE: Final = r"^[+-]?(\d{1,9}(\.\d{0,9})?|\.\d{1,9})$"
_LONG_PRICE: Final = r"^\d{1,9}\.\d{10,30}$"
_ODD_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,6})?$|^[+-]?(?i:inf(inity)?)$"
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)
_INFINITY: Final = re.compile(r"[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)


def read_prices(column: pa.Array) -> Cells:
    """Convert a column of prices without losing a digit.

    Parameters
    ----------
    column : pyarrow.Array
        Text, decimals or float64. A float stands for the shortest decimal that reads as the same float.

    Returns
    -------
    Cells
        Billionths. Zero and negative prices are converted, not judged.

    Raises
    ------
    DataError
        The column is of another type: float32 cannot hold a price exactly, and whole numbers may be points.
    """
    kind = column.type
    if pa.types.is_float64(kind):
        return _float_prices(column)
    if not pa.types.is_decimal(kind):
        column = as_text(column, "prices", "text, decimals or 64-bit floats")
    whole = None if column.null_count else try_cast(column, _PRICE)
    if whole is not None:
        return Cells(integers(whole), np.zeros(len(column), dtype=np.uint8))
    return _odd_prices(column.cast(pa.string()))


def _odd_prices(column: pa.StringArray) -> Cells:
    column = pc.utf8_trim_whitespace(column)
    plain = to_bool(pc.match_substring_regex(column, _PLAIN_PRICE))
    values = np.zeros(len(column), dtype=np.int64)
    faults = np.zeros(len(column), dtype=np.uint8)
    values[plain] = integers(column.filter(pa.array(plain)).cast(_PRICE))
    long = to_bool(pc.match_substring_regex(column, _LONG_PRICE))
    floats = _float_prices(column.filter(pa.array(long)).cast(pa.float64()))
    values[long], faults[long] = floats.values, floats.faults
    # Whole columns of words are told at once; only numbers in an odd notation are looked at one by one.
    number = to_bool(pc.match_substring_regex(column, _ODD_NUMBER))
    faults[~plain & ~number] = Fault.NOT_A_NUMBER.code
    faults[to_bool(pc.equal(column, "").fill_null(True))] = Fault.EMPTY.code
    for row in np.flatnonzero(~plain & ~long & number):
        price = _exact_price(column[row].as_py() or "")
        if isinstance(price, Fault):
            faults[row] = price.code
        else:
            values[row] = price
    return Cells(values, faults, floats.rounded)


def _exact_price(text: str) -> int | Fault:
    """Convert one number that is not written plainly, such as ``1.1e0``, or say what it is instead."""
    if not text:
        return Fault.EMPTY
    if _INFINITY.fullmatch(text):
        return Fault.INFINITE
    if not _NUMBER.fullmatch(text):
        return Fault.NOT_A_NUMBER
    if math.isinf(float(text)):
        return Fault.INFINITE
    exact = Decimal(text)
    if not exact:
        return 0
    size, last = exact.adjusted(), int(exact.normalize().as_tuple().exponent)
    if size >= PRICE_DECIMALS or last < -PRICE_DECIMALS:
        return Fault.TOO_PRECISE
    return int(exact.scaleb(PRICE_DECIMALS))


_FLOAT_DECIMALS: Final = 8
_DIGITS: Final = 9


def _float_prices(column: pa.DoubleArray) -> Cells:
    prices = np.asarray(column.fill_null(math.nan), dtype=np.float64)
    faults = np.zeros(len(prices), dtype=np.uint8)
    faults[np.isnan(prices)] = Fault.NOT_A_NUMBER.code
    faults[np.isinf(prices)] = Fault.INFINITE.code
    faults[to_bool(column.is_null())] = Fault.EMPTY.code
    usable = (faults == NO_FAULT) & (np.abs(prices) < 10.0**PRICE_DECIMALS)
    values = np.zeros(len(prices), dtype=np.int64)
    values[usable], exact = _shortest_decimals(prices[usable])
    rounded = 0
    if not exact.all():
        rest = np.flatnonzero(usable)[~exact]
        values[rest], close, dusty = _without_dust(prices[rest])
        usable[rest] = close
        rounded = int(dusty.sum())
    faults[(faults == NO_FAULT) & ~usable] = Fault.TOO_PRECISE.code
    values[~usable] = 0
    return Cells(values, faults, rounded)


def _without_dust(prices: FloatArray) -> tuple[Int64Array, BoolArray, BoolArray]:
    """Round to nine digits in all, and tell where that moves the price by less than a billionth, and where at all."""
    digits = np.floor(np.log10(np.abs(prices), out=np.zeros(len(prices)), where=prices != 0.0)).astype(np.int64)
    decimals = np.clip(_DIGITS - 1 - digits, 0, PRICE_DECIMALS)
    scaled = np.rint(prices * 10.0**decimals)
    moved = np.abs(scaled / 10.0**decimals - prices)
    close = moved < 10.0**-PRICE_DECIMALS
    return scaled.astype(np.int64) * 10 ** (PRICE_DECIMALS - decimals), close, close & (moved > 0.0)


def _shortest_decimals(prices: FloatArray) -> tuple[Int64Array, BoolArray]:
    """Find for each float the decimal with the fewest digits that reads as this very float, in billionths.

    Dividing two integers that floats hold exactly rounds as reading the decimal does, so the test is exact up to
    15 digits in all; beyond that a float does not know its decimal, and the price is refused.
    """
    values = np.zeros(len(prices), dtype=np.int64)
    found = np.zeros(len(prices), dtype=np.bool_)
    for decimals in range(_FLOAT_DECIMALS + 1):
        rest = np.flatnonzero(~found)
        scaled = np.rint(prices[rest] * 10.0**decimals)
        same = (scaled / 10.0**decimals == prices[rest]) & (np.abs(scaled) < 1e15)
        values[rest[same]] = scaled[same].astype(np.int64) * 10 ** (PRICE_DECIMALS - decimals)
        found[rest[same]] = True
        if found.all():
            break
    return values, found
