"""Bars that are lent: nothing makes them writable, and what was changed is not lent again."""

import ctypes

import numpy as np
import pytest
from bar_samples import make_bars, walking_bars

from necrozma_core.market.lending import LentBars, sealed
from necrozma_core.strategies import indicators

ARRAYS = ["open_time_ms", "bid_points", "ask_points", "mid2_points", "tick_count", "first_tick", "mid_close"]


@pytest.mark.parametrize("name", ARRAYS)
def test_lent_bars_no_flag_makes_them_writable(name: str) -> None:
    bars = walking_bars(50)
    found = array = getattr(LentBars(bars).bars, name)
    while isinstance(array, np.ndarray):
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
            array.flags.writeable = True
        array = array.base
    assert isinstance(array, bytes)
    assert found.flags.aligned
    assert np.array_equal(found, getattr(bars, name))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.int32).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(9)[::2],
        np.zeros((0, 4), np.int32),
        np.array(["2024-01-01", "NaT"], "datetime64[ms]"),
        np.array(3.5),
    ],
)
def test_sealed_array_has_the_same_values_and_order(array: np.ndarray) -> None:
    found = sealed(array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()
    assert found.flags.f_contiguous == (array.flags.f_contiguous or array.ndim < 2)


def test_sealed_objects_and_subclasses_stay_what_they_are() -> None:
    for array in (np.array([None, 1]), np.ma.masked_array([1, 2], [True, False])):
        assert sealed(array) is array


def test_lent_bars_that_were_changed_are_not_lent_again() -> None:
    bars = walking_bars(50)
    lent = LentBars(bars)
    before = bars.mid_close.copy()
    assert lent.take_back()
    for change in ("mid2_points", "mid_close", "tick_count"):
        array = getattr(lent.bars, change)
        ctypes.memset(array.ctypes.data, 1, array.nbytes)
        assert not lent.take_back()
        assert lent.take_back()
        assert np.array_equal(lent.bars.mid_close, before)
    kept = lent.bars
    assert lent.take_back()
    assert lent.bars is kept


def test_lent_bars_none_are_lent_too() -> None:
    lent = LentBars(make_bars([]))
    assert lent.bars.mid_close.shape == (0,)
    assert lent.take_back()


def test_lent_bars_compile_no_indicator_anew() -> None:
    def all_of_them(bars):
        for indicator in (indicators.ema, indicators.rsi, indicators.zscore):
            indicator(bars, 10)
        indicators.atr(bars, 10)

    bars = walking_bars(50)
    all_of_them(bars)
    kernels = (indicators.kernels.ema, indicators.kernels.rsi, indicators.kernels.atr, indicators.kernels.value_sums)
    known = [set(kernel.signatures) for kernel in kernels]

    all_of_them(LentBars(bars).bars)

    assert [set(kernel.signatures) for kernel in kernels] == known
