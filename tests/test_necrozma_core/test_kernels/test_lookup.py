"""The index of times against numpy's own search."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.kernels.lookup import index_times, last_at_or_before


@given(
    st.lists(st.integers(-60, 60), max_size=60),
    st.lists(st.integers(-70, 70), max_size=30),
    st.integers(0, 8),
)
def test_last_at_or_before_any_times_equals_searchsorted(ticks: list[int], wanted: list[int], shift: int) -> None:
    time_ms, wanted_ms = np.array(sorted(ticks), np.int64), np.array(wanted, np.int64)
    found = last_at_or_before(time_ms, index_times(time_ms, shift), shift, wanted_ms)
    assert found.tolist() == (np.searchsorted(time_ms, wanted_ms, side="right") - 1).tolist()
