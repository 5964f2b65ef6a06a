"""The governor in runs of seconds: starts as they were recorded, and the same on slower and faster machines."""

from functools import cache

import pytest
from test_throttle.simulated_machine import Governed, OwnStart, Perfect, Run, Trace, index
from test_throttle.traces import STARTS, StartScene, steps

from necrozma_core.throttle.limits import Limits

FEW = 3
MANY = 20
CPU_LIMIT = 80.0
RECORDED = ["ten pairs", "two pairs"]

few_or_many = pytest.mark.parametrize(
    "seeds", [pytest.param(range(FEW), id="few"), pytest.param(range(FEW, MANY), id="many", marks=pytest.mark.slow)]
)
of_every_start = pytest.mark.parametrize("name", list(STARTS))
of_recorded_starts = pytest.mark.parametrize("name", RECORDED)


@cache
def play(name: str, seed: int, cpu_limit: float = CPU_LIMIT, is_told: bool = True) -> tuple[Trace, Run, OwnStart]:
    scene = STARTS[name]
    return scene.play(Governed(Limits(workers=scene.workers, cpu_limit=cpu_limit), seed), seed, is_told)


@cache
def play_perfectly(name: str) -> tuple[Trace, Run, OwnStart]:
    scene = STARTS[name]
    return scene.play(Perfect(Limits(workers=scene.workers, cpu_limit=CPU_LIMIT), scene.cores))


def computing_percent(trace: Trace, run: Run) -> float:
    """The mean total from the second second of the pairs to their end."""
    begun_s = next(step for step, used in enumerate(run.used) if used) / index(1)
    return trace.mean_percent(begun_s + 1, run.done_s)


@few_or_many
@of_every_start
def test_job_takes_hardly_longer_than_under_a_rule_that_knows_everything(name: str, seeds: range) -> None:
    _, best, _ = play_perfectly(name)
    for seed in seeds:
        _, run, _ = play(name, seed)
        assert run.done_s < 1.05 * best.done_s + 0.5, (seed, run.done_s, best.done_s)


@few_or_many
@of_recorded_starts
def test_job_of_ten_seconds_takes_at_most_a_fifth_longer_than_without_a_limit(name: str, seeds: range) -> None:
    _, free, _ = play(name, 0, cpu_limit=100.0)
    for seed in seeds:
        _, run, _ = play(name, seed)
        assert run.done_s < 1.2 * free.done_s, (seed, run.done_s, free.done_s)


@few_or_many
@of_every_start
def test_machine_is_as_busy_while_pairs_are_computed_as_can_be(name: str, seeds: range) -> None:
    best = computing_percent(*play_perfectly(name)[:2])
    for seed in seeds:
        trace, run, _ = play(name, seed)
        assert abs(computing_percent(trace, run) - best) < 5, seed


@few_or_many
@of_every_start
def test_what_the_start_took_is_given_back_within_a_second(name: str, seeds: range) -> None:
    for seed in seeds:
        scene = STARTS[name]
        _, run, start = play(name, seed)
        fits = min(scene.workers, CPU_LIMIT / 100 * scene.cores - scene.unexplained - scene.beside)
        if run.done_s > start.ended_s + 1:
            assert run.allowed[index(start.ended_s + 1)] > 0.9 * fits, seed


@few_or_many
@of_every_start
def test_start_is_told_by_name_and_alarms_nobody(name: str, seeds: range) -> None:
    for seed in seeds:
        _, run, start = play(name, seed)
        said = [text for _, text in run.rule.messages]
        assert not [text for text in said if "reducing" in text or "others" in text], (seed, said)
        assert len(said) in {0, 2}, (seed, said)
        if said:
            assert said[0].startswith("⏳  starting up (")
            assert "Prefect: CPU" in said[0]
            assert said[1].startswith("⏳  started up - ")
            assert run.rule.messages[1][0] == pytest.approx(start.ended_s, abs=0.3)


@of_recorded_starts
def test_start_that_nobody_tells_of_costs_seconds(name: str) -> None:
    # What a rule does that sees nothing but processes of ours: it holds the workers for them, and then climbs.
    _, free, _ = play(name, 0, cpu_limit=100.0)
    _, run, _ = play(name, 0, is_told=False)
    assert run.done_s > 1.25 * free.done_s


def test_run_without_prefect_is_at_the_limit_from_its_first_pair_on() -> None:
    rule = Governed(Limits(workers=2, cpu_limit=CPU_LIMIT), 1)
    scene = StartScene(server_s=0.0, prefect_s=0.0, flow_s=0.0, load_s=0.5, pairs=20)
    trace, run, start = scene.play(rule)
    assert trace.mean_percent(2, run.done_s - 1) == pytest.approx(80, abs=3)
    assert start.ended_s < 2


@few_or_many
@pytest.mark.parametrize("arrives_s", [0.0, 3.0, 8.0])
def test_somebody_elses_load_beside_a_start_is_made_room_for(arrives_s: float, seeds: range) -> None:
    for seed in seeds:
        scene = STARTS["ten pairs"]
        rule = Governed(Limits(workers=2, cpu_limit=CPU_LIMIT), seed)
        trace, run, start = scene.play(rule, seed, others=steps(0.0, 1.0, (arrives_s, 1000.0)))
        known_s = max(arrives_s, start.ended_s) + 3
        assert trace.mean_percent(known_s, known_s + 2) < CPU_LIMIT + 5, (seed, start.ended_s)
        assert abs(trace.mean_percent(known_s + 2, run.done_s - 1) - CPU_LIMIT) < 3, seed
