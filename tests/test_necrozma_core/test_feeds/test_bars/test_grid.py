"""The timeframe of bars is what most of their times say, whatever the weekends, quiet minutes and zones."""

import numpy as np
import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.bars.grid import find_timeframe

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_672_617_600_000  # Monday 2 January 2023, UTC


def found(*times: int) -> int:
    time_ms = np.array(times, np.int64) + START
    return find_timeframe(time_ms, np.arange(2, len(times) + 2), "x.csv")


@pytest.mark.parametrize(
    ("times", "timeframe"),
    [
        ([0, HOUR], HOUR),
        ([0, HOUR, 2 * HOUR, 50 * HOUR, 51 * HOUR], HOUR),
        ([0, 3 * DAY, 4 * DAY], DAY),
        ([k * MINUTE for k in (0, 2, 4, 6, 8, 10, 11, 13, 14)], MINUTE),
        ([22 * HOUR, 46 * HOUR, 70 * HOUR, 94 * HOUR, 94 * HOUR + 71 * HOUR], DAY),
        ([21 * HOUR + 4 * k * HOUR for k in range(20)], 4 * HOUR),
        ([0, 1_000, 2_000], 1_000),
    ],
    ids=[
        "two",
        "weekend",
        "monday",
        "quiet minutes",
        "days over the clock change",
        "four hours",
        "seconds",
    ],
)
def test_timeframe_is_the_usual_distance(times: list[int], timeframe: int) -> None:
    assert found(*times) == timeframe


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0, HOUR, 2 * HOUR, 2 * HOUR + 10 * MINUTE, 3 * HOUR], r"row 5: expected a bar of 1h, .* 02:10:00Z after"),
        ([*(k * HOUR for k in range(100)), 99 * HOUR + MINUTE], r"row 102: expected a bar of 1h, .* 1 such row: mend"),
        ([30 * MINUTE + k * HOUR for k in range(10)], r"row 2: expected a bar of 1h, .* 00:30:00Z; 10 such rows"),
        ([0, 7 * HOUR, 14 * HOUR], "found times 7h apart"),
        ([0, 500, 1_000], "found times 500ms apart"),
        ([0], "expected at least two bars"),
        ([0, 0, HOUR], r"row 3: expected every time once, found 2023-01-02 00:00:00Z in row 2 too; 1 such rows"),
        (
            [0, 2 * HOUR, HOUR],
            r"row 4: expected a time after the 2023-01-02 02:00:00Z of row 3, found 2023-01-02 01:00",
        ),
        ([2 * HOUR, HOUR, 0], r"row 3: the newest bar comes first; sort the file by time"),
    ],
)
def test_times_that_are_off_the_grid_or_out_of_order_are_named(times: list[int], message: str) -> None:
    with pytest.raises(DataError, match=f"^x.csv: .*{message}"):
        found(*times)
