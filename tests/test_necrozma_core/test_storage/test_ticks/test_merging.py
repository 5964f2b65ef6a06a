"""Spans put in order piece by piece, against a stable sort of all their ticks."""

from pathlib import Path
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks import spooling
from necrozma_core.storage.ticks.merging import merge_pieces
from necrozma_core.storage.ticks.spooling import HeldSpan, SpooledSpan, TickSpool

EURUSD = get_pair("EURUSD")


@st.composite
def spans(draw: st.DrawFn) -> list[Ticks]:
    """Some spans that may overlap, share milliseconds and have other digits; prices number the ticks."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        times = sorted(draw(st.lists(st.integers(0, 20), min_size=1, max_size=12)))
        bid = 100 * (number + 1) + np.arange(len(times), dtype=np.int32)
        found.append(Ticks(EURUSD, draw(st.integers(3, 5)), np.array(times, dtype=np.int64), bid, bid + np.int32(1)))
    return found


def rows(ticks: Ticks, digits: int) -> list[tuple[int, int, int]]:
    finer = 10 ** (digits - ticks.digits)
    return list(zip(ticks.time_ms.tolist(), (ticks.bid * finer).tolist(), (ticks.ask * finer).tolist(), strict=True))


@given(spans(), st.integers(1, 5))
def test_merged_pieces_are_the_stable_sort_of_all_ticks(parts: list[Ticks], size: int) -> None:
    digits = max(part.digits for part in parts)
    in_order = sorted(parts, key=lambda part: (int(part.time_ms[0]), int(part.time_ms[-1])))
    expected = sorted((row for part in in_order for row in rows(part, digits)), key=lambda row: row[0])

    with patch.object(spooling, "_PIECE_ROWS", size):
        pieces = [rows(piece, digits) for piece in merge_pieces([HeldSpan(part) for part in parts], digits)]

    assert [row for piece in pieces for row in piece] == expected
    assert all(pieces)


def spool_in_chunks(spool: TickSpool, ticks: Ticks, size: int) -> SpooledSpan:
    chunks = []
    for start in range(0, len(ticks), size):
        part = slice(start, start + size)
        chunks.append(spool.append(ticks.time_ms[part], ticks.bid[part], ticks.ask[part], ticks.digits))
    return spool.span(EURUSD, ticks.digits + 1, tuple(chunks))


@settings(max_examples=settings.default.max_examples // 3)
@given(spans(), st.integers(1, 5), st.data())
def test_spooled_ticks_are_found_again_by_rows_and_times(
    tmp_path_factory: object, parts: list[Ticks], size: int, data: st.DataObject
) -> None:
    folder: Path = tmp_path_factory.mktemp("spool")  # type: ignore[attr-defined]
    spool = TickSpool(folder / "ticks")
    for ticks in parts:
        span = spool_in_chunks(spool, ticks, size)
        start = data.draw(st.integers(0, len(ticks) - 1))
        end = data.draw(st.integers(start + 1, len(ticks)))
        time = data.draw(st.integers(-1, 21))

        cut = span.rows(start, end)

        expected = rows(ticks, ticks.digits + 1)[start:end]
        assert [row for piece in cut.pieces() for row in rows(piece, cut.digits)] == expected
        assert (len(cut), cut.first_ms, cut.last_ms) == (end - start, expected[0][0], expected[-1][0])
        assert cut.position(time) == sum(row[0] < time for row in expected)
        assert span.highest == 10 * int(ticks.ask.max())
    spool.close()
