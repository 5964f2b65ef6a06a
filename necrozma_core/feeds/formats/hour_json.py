"""Dukascopy's hours since July 2026: JSON of a first price and of the steps from each quote to the next.

``{"timestamp": ..., "multiplier": 1.0E-5, "ask": 1.14277, "bid": 1.14273, "times": [...], "asks": [...],
"bids": [...], "askVolumes": [...], "bidVolumes": [...]}``. ``timestamp`` is the hour in milliseconds since 1970 UTC.
The n-th quote comes at ``timestamp`` plus the first n ``times``; its ask is ``ask`` plus the first n ``asks`` times
``multiplier``, its bid likewise. An hour without quotes has empty arrays, and null for both prices. All of it is
computed in whole numbers.
"""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import numpy as np

from necrozma_core.errors import DataError, shown
from necrozma_core.feeds.reading.cells import NO_FAULT, Cells
from necrozma_core.feeds.reading.prices import PRICE_DECIMALS
from necrozma_core.feeds.reading.rows import RowBatch, RowStream
from necrozma_core.market.arrays import Int64Array

MOST_BYTES: Final = 64 * 2**20
"""A busy hour of gold takes 1 MB."""

HOUR_MS: Final = 3_600_000
_BILLIONTHS: Final = 10**PRICE_DECIMALS
_MOST_BILLIONTHS: Final = 10**18
"""As of every other format: prices below a billion."""
_HEADER: Final = ("milliseconds", "bid", "ask")
_ARRAYS: Final = ("times", "bids", "asks")
_VOLUMES: Final = ("bidVolumes", "askVolumes")
# A step of a billion points is no quote's; so many of them, one a millisecond, still add up in 64 bits.
_LARGEST_STEP: Final = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class QuotedHour:
    """An hour of quotes.

    Attributes
    ----------
    start_ms : int
        Milliseconds since 1970 UTC, a whole hour.
    time_ms : int64 array, shape (n_quotes,)
        Since `start_ms`.
    bid, ask : int64 array, shape (n_quotes,)
        Billionths.
    """

    start_ms: int
    time_ms: Int64Array
    bid: Int64Array
    ask: Int64Array

    def __len__(self) -> int:
        return len(self.time_ms)


def read_hour_json(content: bytes, path: Path) -> RowStream:
    """Read an hour of Dukascopy's quotes.

    Parameters
    ----------
    content : bytes
        The file's, unpacked.
    path : Path
        For messages.

    Returns
    -------
    RowStream
        One batch; rows are the quotes from 1.

    Raises
    ------
    DataError
        It is no such hour, or is damaged.
    """
    hour = parse_hour(content, str(path))
    fine = np.full(len(hour), NO_FAULT, dtype=np.uint8)

    def original(position: int) -> list[str]:
        return [str(hour.time_ms[position]), _decimal(int(hour.bid[position])), _decimal(int(hour.ask[position]))]

    batch = RowBatch(
        row=np.arange(1, len(hour) + 1, dtype=np.int64),
        time=Cells((hour.start_ms + hour.time_ms) * 1_000_000, fine),
        bid=Cells(hour.bid, fine),
        ask=Cells(hour.ask, fine),
        original=original,
    )
    return RowStream(_HEADER, (0, 1, 2), iter([batch] if len(hour) else []))


def parse_hour(content: bytes, source: str) -> QuotedHour:
    """Take an hour's quotes out of its JSON.

    Parameters
    ----------
    content : bytes
    source : str
        What to call it in messages.

    Raises
    ------
    DataError
        It is no such JSON, its arrays differ in length, a number is none or too large, or a quote is not of the hour.
    """
    found = _load(content, source)
    start_ms = found.get("timestamp")
    if type(start_ms) is not int or start_ms % HOUR_MS or not 0 < start_ms < 2**43:
        raise _unlike(source, "timestamp", "a whole hour in milliseconds since 1970", start_ms)
    steps = {name: _steps(found, name, source) for name in _ARRAYS}
    lengths = {name: len(array) for name, array in steps.items()}
    # Volumes are not kept, but where one is missing the answer was cut.
    lengths |= {name: len(found[name]) for name in _VOLUMES if isinstance(found.get(name), list)}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{count:,} {name}" for name, count in lengths.items())
        raise DataError(f"{source}: expected as many of each, found {told}; get it again")
    if not lengths["times"]:
        nothing = np.empty(0, dtype=np.int64)
        return QuotedHour(start_ms, nothing, nothing, nothing)
    time_ms = np.cumsum(steps["times"])
    if (time_ms < 0).any() or (time_ms >= HOUR_MS).any():
        outside = int(time_ms[(time_ms < 0) | (time_ms >= HOUR_MS)][0])
        raise DataError(
            f"{source}: times: expected quotes within the hour, found one after {outside:,} milliseconds; get it again"
        )
    step = _billionths(found, "multiplier", source)
    if not 0 < step <= _BILLIONTHS:
        raise _unlike(source, "multiplier", "a price step between 0.000000001 and 1", found["multiplier"])
    sides = {
        side: _prices(_billionths(found, side, source), np.cumsum(steps[f"{side}s"]), step, f"{source}: {side}")
        for side in ("bid", "ask")
    }
    return QuotedHour(start_ms, time_ms, sides["bid"], sides["ask"])


def _load(content: bytes, source: str) -> dict[str, Any]:
    try:
        # Prices stay the text that they are: a float may be another number.
        found = json.loads(content, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        start = content[:40].decode(errors="replace")
        raise DataError(
            f"{source}: expected Dukascopy's JSON of an hour, found {shown(start)}; get it again"
        ) from error
    if not isinstance(found, dict) or not {"timestamp", *_ARRAYS} <= found.keys():
        raise DataError(f"{source}: expected Dukascopy's JSON of an hour, found other JSON: {shown(found, 60)}")
    return found


def _steps(found: dict[str, Any], name: str, source: str) -> Int64Array:
    values = found[name]
    if not isinstance(values, list) or len(values) > HOUR_MS:
        raise _unlike(source, name, f"at most {HOUR_MS:,} whole numbers", values)
    for position, value in enumerate(values, 1):
        if type(value) is not int or abs(value) > _LARGEST_STEP:
            raise _unlike(source, f"{name}, number {position:,}", "a whole number", value)
    return np.array(values, dtype=np.int64)


def _billionths(found: dict[str, Any], name: str, source: str) -> int:
    value = found.get(name)
    try:
        exact = Decimal(value) if type(value) in {int, str} else None  # type: ignore[arg-type]
    except InvalidOperation:
        exact = None
    # A number that is vast, or has very many decimals, is not multiplied out.
    if exact is None or not exact.is_finite() or abs(exact.adjusted()) > PRICE_DECIMALS + 1:
        raise _unlike(source, name, "a price", value)
    whole = exact.scaleb(PRICE_DECIMALS)
    nearest = int(whole.to_integral_value())
    # Dust of binary fractions, as in other feeds: less than a billionth.
    if abs(whole - nearest) * 100 >= 1:
        raise _unlike(source, name, f"a price of at most {PRICE_DECIMALS} decimals", value)
    return nearest


def _prices(first: int, steps: Int64Array, step: int, what: str) -> Int64Array:
    if max(abs(int(steps.min())), abs(int(steps.max()))) * step + abs(first) >= _MOST_BILLIONTHS:
        raise DataError(f"{what}: expected prices, found steps that lead beyond any; get it again")
    return first + steps * step


def _decimal(billionths: int) -> str:
    return f"{Decimal(billionths).scaleb(-PRICE_DECIMALS).normalize():f}"


def _unlike(source: str, where: str, expected: str, found: object) -> DataError:
    return DataError(f"{source}: {where}: expected {expected}, found {shown(found, 40)}; get it again")
