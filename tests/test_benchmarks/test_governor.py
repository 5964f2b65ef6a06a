"""What is read off the governor's measurements, on loads and records that are made up."""

import math

import pytest

from benchmarks.governor.short import Job, Throttled, describe, grid_of, measure_each
from benchmarks.governor.visits import judge, turns_of
from benchmarks.measuring import market
from benchmarks.measuring.command import Bench, JobRun
from benchmarks.measuring.load import LoadWatch
from benchmarks.measuring.processes import Family
from necrozma_core.strategies.settings import parse_grid
from necrozma_core.throttle.control import Look
from necrozma_core.throttle.decisions import Decision, Reason
from necrozma_core.throttle.sensors.cpu import MachineTimes
from necrozma_core.throttle.sensors.readings import Readings


def watched(load, seconds):
    """A machine of two cores, watched from time 1000 on, whose load in cores follows from the time."""
    watch, busy = LoadWatch(), 0.0
    for number in range(round(seconds * 10) + 1):
        now = number / 10
        watch.looks.append((1000 + now, MachineTimes(busy, 2 * now - busy, 0.0, 2)))
        busy += 0.1 * load(now)
    return watch


@pytest.mark.parametrize("settings", [100, 250, 5_000, 12_400, 30_000])
def test_grid_of_a_job_has_about_as_many_settings_as_asked_for(settings):
    assert len(parse_grid(grid_of(settings)).strategies) == pytest.approx(max(250, settings), rel=0.1, abs=250)


def test_job_of_each_length_is_sized_by_what_a_setting_takes_and_run_under_both_limits_in_turn(monkeypatch, tmp_path):
    asked = []

    def run(self, data, flags, **environment):
        settings = len(parse_grid(flags[flags.index("--grid") + 1]).strategies)
        limit = int(environment["NECROZMA_CPU_LIMIT"])
        asked.append((settings, limit))
        seconds = (4 + settings / 1000) * (1 if limit == 100 else 1.1)
        moments = {"the first pair is begun": 1.0, "the last pair is stored": 3.0}
        return JobRun(seconds, {}, Family(), moments)

    monkeypatch.setattr(Bench, "run", run)
    monkeypatch.setattr(market, "CACHE", tmp_path)
    (job,) = measure_each([10], rounds=2, ticks=1_000)
    assert job.settings == pytest.approx(6_000, abs=250)
    assert job.of(100).median == pytest.approx(10, abs=0.3)
    assert job.ratio == pytest.approx(1.1)
    assert [limit for _, limit in asked[3:]] == [80, 100, 100, 80]


def test_job_is_judged_by_the_median_of_paired_ratios():
    free = [Throttled(seconds, 99.0, 1.0) for seconds in (10.0, 20.0, 11.0)]
    held = [Throttled(seconds, 81.0, 2.0) for seconds in (12.0, 22.0, 22.0)]
    job = Job(10, 5_000, {100: free, 80: held})
    assert job.ratio == 1.2
    assert "1.20" in describe([job])
    assert "1 %, 2 %" in describe([job])


def test_visit_that_is_shed_after_two_seconds_is_found_to_be():
    watch = watched(lambda now: 2.0 if 60 <= now < 62 else 1.6, 120)
    looks = [
        Look(1000.0 + at, Readings(time=at), Decision(allowance, Reason.STEADY))
        for at, allowance in ((1, 1.6), (62, 0.6), (70, 0.6), (100, 1.1), (101, 1.6))
    ]
    found = judge(80, watch, looks, [1060.0], used=150.0)
    assert found.shed_s == pytest.approx(1.8, abs=0.3)
    assert found.off == pytest.approx(20 * 2 / 30, abs=0.1)
    assert found.turns == pytest.approx(0.5)
    assert found.others == pytest.approx(100 * (192.8 - 150) / 120 / 2, abs=0.5)


def test_load_that_was_not_seen_is_no_number():
    assert math.isnan(watched(lambda _: 1.0, 1).percent(2000, 2001))


def test_turns_are_changes_of_direction():
    assert turns_of([1.6, 1.6, 0.6, 0.6, 0.5, 1.0, 1.6]) == 1
    assert turns_of([1.0]) == 0
