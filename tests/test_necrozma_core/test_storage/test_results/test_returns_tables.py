"""Daily returns and their shape come back from tables as they went in."""

import numpy as np
import pyarrow as pa
import pytest

from necrozma_core.statistics.moments import Moments
from necrozma_core.statistics.overfitting import BlockSums
from necrozma_core.storage.results.returns_tables import (
    block_sums_of,
    kept_returns,
    moments_of,
    moments_table,
    returns_table,
)

DATES = np.arange(19_000, 19_020)


def some_returns() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 0.01, (4, len(DATES)))


def test_returns_come_back_by_strategy_and_day() -> None:
    names, returns = ["a", "b", "c", "d"], some_returns()
    table = pa.concat_tables([returns_table(name, DATES, row) for name, row in zip(names, returns, strict=True)])
    kept = kept_returns(table.unify_dictionaries())
    assert kept.strategies == names
    assert kept.dates.tolist() == DATES.tolist()
    assert kept.returns.tolist() == returns.astype(np.float32).tolist()
    nothing = kept_returns(table.slice(0, 0))
    assert (nothing.strategies, nothing.dates.shape, nothing.returns.shape) == ([], (0,), (0, 0))


def test_moments_come_back_with_what_is_undefined() -> None:
    returns = some_returns()
    returns[1], returns[2] = np.nan, 0.25
    moments, sums = Moments.of(returns), BlockSums.of(returns)
    table = moments_table(["a", "b", "c", "d"], moments, sums)
    assert table["sharpe"].null_count == 2
    assert table["block_returns"].null_count == table["block_squares"].null_count == 1
    found = moments_of(table)
    for name in ("days", "winning_days", "losing_days", "sharpe", "skew", "kurtosis"):
        np.testing.assert_array_equal(getattr(found, name), getattr(moments, name))
    again = block_sums_of(table)
    assert again is not None
    np.testing.assert_array_equal(again.squares, sums.squares[[0, 2, 3]])
    # Part of a table has another offset in its buffers.
    np.testing.assert_array_equal(moments_of(table.slice(1)).sharpe, moments.sharpe[1:])
    np.testing.assert_array_equal(block_sums_of(table.slice(2)).returns, sums.returns[2:])


def test_too_few_days_for_blocks_give_none() -> None:
    table = moments_table(["a"], Moments.of(some_returns()[:1, :9]), None)
    assert table["block_returns"].null_count == 1
    assert block_sums_of(table) is None
    assert moments_of(table).days.tolist() == [9]


@pytest.mark.parametrize("rows", [0, 1, 9])
def test_any_number_of_rows(rows: int) -> None:
    returns = np.zeros((rows, 20))
    table = moments_table([f"s{row}" for row in range(rows)], Moments.of(returns), BlockSums.of(returns))
    assert len(moments_of(table)) == rows
