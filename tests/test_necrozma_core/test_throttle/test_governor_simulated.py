"""The governor's promises on simulated machines, over hundreds of seeded traces."""

import math
import random
from functools import cache
from itertools import pairwise

import pytest
from test_throttle.simulated_machine import Governed, Run, SeedRule, Trace, Workload, index, simulate
from test_throttle.traces import SETTLED_S, Others, Scene, draw_scene, steps, turns_of

from necrozma_core.throttle.limits import Limits

FEW = 12
MANY = 100

few_or_many = pytest.mark.parametrize(
    "seeds", [pytest.param(range(FEW), id="few"), pytest.param(range(FEW, MANY), id="many", marks=pytest.mark.slow)]
)


@cache
def play(kind: Others, seed: int) -> tuple[Scene, Trace, Run]:
    """Play a trace once for all the promises that are read off it."""
    scene = draw_scene(kind, seed)
    return scene, *scene.play()


@few_or_many
@pytest.mark.parametrize("kind", list(Others))
def test_total_of_any_load_keeps_to_the_limit_within_three_points(kind: Others, seeds: range) -> None:
    for seed in seeds:
        scene, trace, run = play(kind, seed)
        assert abs(trace.mean_percent(SETTLED_S) - scene.cpu_limit) < 3, seed
        assert all(scene.limits.floor <= allowed <= scene.workers for allowed in run.allowed), seed


@few_or_many
@pytest.mark.parametrize("kind", list(Others))
def test_nobody_is_left_at_the_floor_while_there_is_room(kind: Others, seeds: range) -> None:
    for seed in seeds:
        scene, trace, run = play(kind, seed)
        floor = scene.limits.floor
        needed = floor * scene.workload.intensity[1] + 0.05 * scene.cores
        stuck = longest = 0
        for allowed, others in zip(run.allowed, trace.others, strict=True):
            stuck = stuck + 1 if allowed <= floor and scene.limit_cores - others > needed else 0
            longest = max(longest, stuck)
        assert longest <= index(15), seed


@few_or_many
def test_load_that_arrives_is_made_room_for_within_three_seconds(seeds: range) -> None:
    for seed in seeds:
        scene, trace, _ = play(Others.STEPS, seed)
        for arrives in (40, 160):
            after = trace.mean_percent(arrives + 3, arrives + 5)
            assert after < scene.cpu_limit + 5, (seed, arrives)


@few_or_many
def test_load_that_leaves_is_made_up_for_within_fifteen_seconds(seeds: range) -> None:
    for seed in seeds:
        scene, trace, _ = play(Others.STEPS, seed)
        room = scene.cpu_limit - 100 * scene.load(110) / scene.cores
        regained = trace.mean_percent(100 + 15, 100 + 20) - 100 * scene.load(110) / scene.cores
        assert regained > room - max(0.1 * room, 5), seed


@few_or_many
def test_constant_load_lets_the_allowance_turn_at_most_once_a_minute(seeds: range) -> None:
    for seed in seeds:
        _, _, run = play(Others.CONSTANT, seed)
        assert all(later - earlier >= 60 for earlier, later in pairwise(turns_of(run.allowed))), seed


@few_or_many
def test_two_runs_settle_on_equal_shares(seeds: range) -> None:
    # Each trace is long, and a third of them says as much.
    for seed in seeds[::3]:
        scene = draw_scene(Others.CONSTANT, seed)
        later_s = random.Random(seed).uniform(0, 60)
        runs = [scene.governed(seed=2 * seed), scene.governed(later_s, seed=2 * seed + 1)]
        trace = simulate(scene.cores, runs, 540, seed=seed)
        first, second = (sum(run.used[index(420) :]) for run in runs)
        assert abs(first - second) < 0.15 * (first + second), (seed, first / (first + second))
        assert abs(trace.mean_percent(120) - scene.cpu_limit) < 3, seed


@few_or_many
def test_spikes_of_a_second_are_no_reason_to_act(seeds: range) -> None:
    for seed in seeds:
        scene = draw_scene(Others.CONSTANT, seed)
        chance = random.Random(seed)
        every, height = chance.uniform(20, 40), chance.uniform(0.2, 0.8) * scene.cores
        run = scene.governed()
        simulate(scene.cores, [run], 150, lambda now: height if now > 20 and now % every < 1 else 0.0, seed)  # noqa: B023
        allowed = run.allowed[index(SETTLED_S) :]
        assert max(allowed) - min(allowed) < 0.2 * max(allowed), seed
        assert not [text for time, text in run.rule.messages if time > SETTLED_S], seed


@few_or_many
def test_hog_that_comes_and_goes_each_second_moves_nothing(seeds: range) -> None:
    for seed in seeds:
        scene = draw_scene(Others.CONSTANT, seed)
        height = random.Random(seed).uniform(0.2, 0.5) * scene.limit_cores
        run = scene.governed()
        trace = simulate(scene.cores, [run], 150, lambda now: height if now % 2 < 1 else 0.0, seed)  # noqa: B023
        allowed = run.allowed[index(45) :]
        assert max(allowed) - min(allowed) < 0.2 * max(allowed), seed
        assert trace.mean_percent(45) < scene.cpu_limit + 1, seed


def play_start_up(seed: int) -> tuple[Scene, Trace, Run, float]:
    """A scene in which the run's parent and server use the machine until some time, and a little from then on."""
    scene = draw_scene(Others.CONSTANT, seed)
    chance = random.Random(seed)
    ready_s, busy, rest = chance.uniform(3, 15), chance.uniform(0.5, 2.0), chance.uniform(0, 0.05) * scene.cores
    run = scene.governed()
    run.own, run.ready_s = (lambda now: busy if now < ready_s else rest), ready_s
    trace, _ = scene.play(run)
    return scene, trace, run, ready_s


@few_or_many
def test_own_start_up_is_over_for_the_workers_seconds_after_it_is_over(seeds: range) -> None:
    for seed in seeds:
        scene, trace, run, ready_s = play_start_up(seed)
        others, own = scene.load(0), run.own(100)
        fits = min(scene.workers, (scene.limit_cores - others - own) / scene.workload.intensity[0])
        assert max(run.allowed[index(ready_s + 2) : index(ready_s + 4)]) > min(0.6 * fits, fits - 0.5), seed
        assert trace.mean_percent(ready_s + 8, ready_s + 30) > scene.cpu_limit - 5, seed
        assert abs(trace.mean_percent(ready_s + 5) - scene.cpu_limit) < 3, seed


@few_or_many
def test_own_start_up_is_never_said_to_be_others(seeds: range) -> None:
    for seed in seeds:
        _, _, run, ready_s = play_start_up(seed)
        said = [text for time, text in run.rule.messages if time < ready_s + 5]
        assert not [text for text in said if "others use" in text], (seed, said)
        assert not [text for text in said if "0.1 workers" in text], (seed, said)


@few_or_many
def test_own_load_in_mid_run_is_made_room_for_and_given_back(seeds: range) -> None:
    for seed in seeds:
        scene = draw_scene(Others.CONSTANT, seed)
        # There is room for a worker at the floor, and a little more.
        room = scene.limit_cores - scene.load(0) - 0.12
        height = random.Random(seed).uniform(0.2, 1.0) * room
        run = scene.governed()
        run.own = steps(0.0, height, (60, 90))
        trace, _ = scene.play(run)
        assert trace.mean_percent(63, 65) < scene.cpu_limit + 5, seed
        assert abs(trace.mean_percent(65, 90) - scene.cpu_limit) < 3, seed
        assert trace.mean_percent(90 + 15, 90 + 20) > scene.cpu_limit - 5, seed


def test_own_load_that_lasts_is_told_by_its_name() -> None:
    run = Run(Governed(Limits(workers=4, cpu_limit=80), 1), noise=0.01, own=steps(0.0, 1.0, (30, 200)))
    simulate(2, [run], 60, seed=1)
    told = [(time, text) for time, text in run.rule.messages if time > 30]
    assert len(told) == 1
    assert told[0][0] >= 35
    assert "reducing to 0.6 workers: our own processes" in told[0][1]


def test_hog_over_the_limit_leaves_the_floor_and_its_end_is_noticed() -> None:
    run = Run(Governed(Limits(workers=4, cpu_limit=60), 1), noise=0.01)
    trace = simulate(2, [run], 200, steps(0.0, 2.0, (20, 140)), seed=1)
    assert set(run.allowed[index(30) : index(140)]) == {0.1}
    assert sum(run.used[index(30) : index(140)]) > 0
    assert trace.mean_percent(155) == pytest.approx(60, abs=3)
    floored = next(text for time, text in run.rule.messages if "reducing to 0.1 workers" in text)
    assert "others use" in floored
    assert "slow until they stop" in floored


def test_more_workers_than_cores_are_held_to_what_fits() -> None:
    run = Run(Governed(Limits(workers=64, cpu_limit=80), 1))
    trace = simulate(2, [run], 60, seed=1)
    assert trace.mean_percent(5) == pytest.approx(80, abs=3)


def test_free_machine_is_used_by_all_workers() -> None:
    run = Run(Governed(Limits(workers=4, cpu_limit=80), 1), noise=0.01)
    simulate(8, [run], 60, seed=1)
    assert set(run.allowed) == {4.0}
    assert not run.rule.messages


def test_readings_that_are_dropped_now_and_then_change_nothing() -> None:
    run = Run(Governed(Limits(workers=4, cpu_limit=80), 1), dropped=0.3, noise=0.01)
    trace = simulate(2, [run], 120, seed=1)
    assert trace.mean_percent(SETTLED_S) == pytest.approx(80, abs=3)


def test_equal_seeds_give_equal_runs_and_others_do_not() -> None:
    def play_with(seed: int) -> list[float]:
        run = Run(Governed(Limits(workers=4, cpu_limit=80), seed))
        simulate(4, [run], 120, steps(0.5, 2.0, (30, 60)), seed=7)
        return run.allowed

    assert play_with(1) == play_with(1)
    assert play_with(1) != play_with(2)


def test_original_rule_swings_where_ours_holds() -> None:
    tasks = Workload(work_s=(2, 4))
    limits = Limits(workers=2, cpu_limit=80)
    theirs, ours = Run(SeedRule(limits), tasks), Run(Governed(limits, 1), tasks)
    swinging, held = simulate(2, [theirs], 300, seed=3), simulate(2, [ours], 300, seed=3)

    def spread(total: list[float]) -> float:
        mean = sum(total) / len(total)
        return math.sqrt(sum((value - mean) ** 2 for value in total) / len(total)) / 2 * 100

    assert spread(held.total[150:]) < 3
    assert spread(swinging.total[150:]) > 10 or abs(swinging.mean_percent(SETTLED_S) - 80) > 10
