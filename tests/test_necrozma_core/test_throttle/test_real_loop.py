"""The whole loop on the machine at hand, for a few seconds and with wide tolerances."""

import sys

import pytest

from necrozma_core.throttle.sensors.capacity import measure_capacity


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the load from /proc")
@pytest.mark.parametrize("cpu_limit", [40, 80])
def test_busy_workers_use_no_more_than_the_limit_leaves_them(cpu_limit: float) -> None:
    from benchmarks.governor_real import measure

    measured = measure("ours", cpu_limit, hog=0, seconds=8, workers=max(2, round(measure_capacity().cores)))
    # Other people's load is none of our doing, and what it takes from the limit is not ours.
    ours = measured.mean - measured.rest
    assert ours <= cpu_limit + 10
    assert ours + measured.rest >= cpu_limit - 25
