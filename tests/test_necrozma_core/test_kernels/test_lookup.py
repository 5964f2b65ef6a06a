"""The index of quotes against numpy's own search."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.kernels.lookup import INTERVAL_BITS, last_quotes, note_quotes

TIMES = st.integers(-60, 60) | st.integers(-600_000, 600_000) | st.integers(-(10**9), 10**9)


@given(st.lists(TIMES, max_size=60), st.lists(TIMES, max_size=30), st.integers(0, 2 * 10**9), st.integers(1, 61))
def test_last_quotes_any_times_equals_searchsorted(ticks: list[int], wanted: list[int], stale: int, cut: int) -> None:
    time_ms, wanted_ms = np.array(sorted(ticks), np.int64), np.array(wanted, np.int64)
    count, origin = len(time_ms), min(ticks, default=0)
    bid = np.arange(1, count + 1, dtype=np.int32)
    intervals = ((max(ticks) - origin) >> INTERVAL_BITS) + 1 if ticks else 0
    offset, twice_mid, ends = np.empty(count, np.uint16), np.empty(count, np.int32), np.zeros(intervals, np.int32)
    for at in range(0, count, cut):
        piece = slice(at, at + cut)
        note_quotes(time_ms[piece], bid[piece], bid[piece], origin, at, offset, twice_mid, ends)
    found, quoted_ms = last_quotes(offset, twice_mid, np.maximum.accumulate(ends), origin, wanted_ms, stale)
    last = np.searchsorted(time_ms, wanted_ms, side="right") - 1
    for at, tick, mid, quoted in zip(wanted, last, found, quoted_ms, strict=True):
        counts = tick >= 0 and at - time_ms[tick] <= stale
        assert (mid, quoted) == ((2 * bid[tick], time_ms[tick]) if counts else (0, 0))
