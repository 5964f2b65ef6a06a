"""Single decisions: what is said, what danger does, what is done without readings."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.throttle.decisions import Decision, Reason, count_workers
from necrozma_core.throttle.governor import decide
from necrozma_core.throttle.limits import Limits
from necrozma_core.throttle.sensors.readings import Reading, Readings
from necrozma_core.throttle.state import State, initial_state

LIMITS = Limits(workers=4, cpu_limit=80)


def see(
    time: float,
    total: float | None,
    workers: float | None,
    cores: float | None = 4.0,
    busy: float = 4.0,
    memory: float | None = 8000.0,
    heat: float | None = 50.0,
    own: float = 0.0,
) -> Readings:
    def reading(value: float | None) -> Reading:
        return Reading.missing("gone", time) if value is None else Reading.taken(value, time)

    return Readings(
        time=time,
        capacity=reading(cores),
        total=reading(total),
        run_total=reading(None if workers is None else workers + own),
        workers=reading(workers),
        memory_available=reading(memory),
        temperature=reading(heat),
        busy_workers=busy,
    )


class Session:
    """A governor that is shown one reading after another, half a second apart."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.state: State = initial_state(limits, seed=1)
        self.time = 0.0
        self.messages: list[str] = []

    def show(
        self, looks: int = 1, total: float | None = 2.0, workers: float | None = 2.0, **rest: float | None
    ) -> Decision:
        for _ in range(looks):
            self.time += 0.5
            self.state, decision = decide(self.state, see(self.time, total, workers, **rest), self.limits)  # type: ignore[arg-type]
            if decision.message:
                self.messages.append(decision.message)
        return decision


def test_run_begins_with_what_the_limit_and_the_capacity_allow() -> None:
    assert Session(Limits(workers=4, cpu_limit=50)).show(total=None, workers=None).allowance == 2
    assert Session(Limits(workers=1, cpu_limit=50)).show(total=None, workers=None).allowance == 1
    assert Session(Limits(workers=4, cpu_limit=50)).show(total=None, workers=None, cores=None).allowance == 4
    assert Session(Limits(workers=4, cpu_limit=100)).show(total=0.1, workers=0.0, busy=0).allowance == 4


def test_fixed_workers_stay_whatever_the_readings_say() -> None:
    session = Session(Limits(workers=4, adaptive=False))
    decision = session.show(10, total=4.0, workers=0.0, memory=0.0, heat=149.0)
    assert decision == Decision(4.0, Reason.FIXED)


def test_too_many_workers_are_reduced_in_the_original_words() -> None:
    session = Session(Limits(workers=4, cpu_limit=80))
    session.show(10, total=3.2, workers=3.2)
    assert not session.messages
    # Somebody comes who wants two cores.
    session.show(4, total=4.0, workers=2.4)
    assert session.messages == ["🌡️  CPU 100.0% > 80% - reducing to 1.1 workers"]


def test_workers_that_come_back_are_told_in_the_original_words() -> None:
    session = Session()
    session.show(10, total=4.0, workers=2.0)
    assert session.state.allowance < 2
    session.messages.clear()
    session.show(60, total=session.state.allowance, workers=session.state.allowance)
    while session.state.allowance < 3:
        session.show(1, total=session.state.allowance, workers=session.state.allowance)
    assert session.messages
    assert all(text.startswith("❄️  CPU ") and " - increasing to " in text for text in session.messages)


def test_our_own_excess_is_cut_within_two_looks() -> None:
    session = Session(Limits(workers=4, cpu_limit=60))
    # Workers that read a disk use little, and then all of them compute.
    session.show(20, total=1.2, workers=1.2)
    assert session.state.allowance == 4
    decision = session.show(2, total=4.0, workers=3.9)
    assert decision.allowance <= 0.6 * 4 / 0.97
    assert decision.reason is Reason.OVER_LIMIT


def test_excess_that_is_only_foreseen_is_said_to_be() -> None:
    session = Session(Limits(workers=4, cpu_limit=50))
    decision = session.show(total=1.5, workers=0.5, busy=0.5)
    assert decision.reason is Reason.EXPECTED
    assert session.messages == ["🌡️  CPU 37.5%, 2 workers would exceed 50% - reducing to 1 worker"]


def test_others_over_the_limit_leave_the_floor_and_the_message_says_why() -> None:
    session = Session()
    session.show(30, total=4.0, workers=0.1)
    assert session.state.allowance == LIMITS.floor
    assert session.messages[-1] == (
        "🌡️  CPU 100.0% > 80% - reducing to 0.1 workers: others use 97.5%, it is slow until they stop"
    )


def test_own_start_up_beside_nobody_takes_nothing_from_the_workers() -> None:
    session = Session(Limits(workers=2, cpu_limit=80))
    decision = session.show(20, total=2.0, workers=0.5, own=1.5, cores=2.0, busy=0.0)
    assert decision.allowance == pytest.approx(1.6, abs=0.05)
    assert not [text for text in session.messages if "others use" in text]


def test_own_start_up_that_goes_on_beside_the_workers_is_made_room_for_and_given_back_in_silence() -> None:
    session = Session(Limits(workers=2, cpu_limit=80))
    session.show(10, total=1.6, workers=0.6, own=1.0, cores=2.0, busy=0.0)
    session.messages.clear()
    for _ in range(6):
        workers = min(1.0, session.state.allowance)
        session.show(total=1.0 + workers, workers=workers, own=1.0, cores=2.0, busy=2.0)
    assert session.state.allowance == pytest.approx(0.6, abs=0.05)
    assert session.state.reason is Reason.RUN_OVERHEAD
    session.show(3, total=0.6, workers=0.6, own=0.0, cores=2.0, busy=1.0)
    assert session.state.allowance > 1.2
    assert not session.messages


def test_own_burst_of_a_second_is_no_reason_to_act() -> None:
    session = Session(Limits(workers=2, cpu_limit=80))
    session.show(30, total=1.6, workers=1.55, own=0.05, cores=2.0, busy=2.0)
    before = session.state.allowance
    session.show(2, total=2.0, workers=1.4, own=0.6, cores=2.0, busy=2.0)
    assert session.show(20, total=1.6, workers=1.55, own=0.05, cores=2.0, busy=2.0).allowance >= before - 0.1


def test_own_load_that_others_take_the_place_of_is_no_longer_named() -> None:
    session = Session(Limits(workers=2, cpu_limit=80))
    session.show(4, total=2.0, workers=0.5, own=1.5, cores=2.0, busy=1.0)
    assert session.state.reason is Reason.RUN_OVERHEAD
    session.show(30, total=2.0, workers=0.1, own=0.0, cores=2.0, busy=1.0)
    assert session.messages[-1].endswith("others use 95.0%, it is slow until they stop")
    assert not [text for text in session.messages if "our own" in text]


def lowered(limits: Limits) -> Session:
    """A session whose allowance was lowered to one worker."""
    session = Session(limits)
    state = session.state
    session.state = replace(state, allowance=1.0, announced=1.0, given=1.0, begun_at=0.0)
    return session


def test_whole_worker_is_added_only_far_below_the_limit() -> None:
    def first_rise(total: float) -> float:
        session = lowered(Limits(workers=8, cpu_limit=80))
        while session.state.allowance == 1.0:
            session.show(total=total, workers=1.0, cores=8.0, busy=1.0)
        return session.state.allowance - 1

    assert first_rise(total=1.8) == 1
    assert first_rise(total=5.0) <= 0.5


def test_room_is_taken_at_once_where_nobody_else_is() -> None:
    session = lowered(Limits(workers=8, cpu_limit=80))
    assert session.show(total=1.2, workers=1.0, cores=8.0, busy=1.0).allowance == pytest.approx(6.2, abs=0.3)


def test_room_is_taken_in_steps_after_a_danger_also_where_nobody_else_is() -> None:
    session = Session(Limits(workers=8, cpu_limit=80))
    session.show(4, total=6.0, workers=6.0, cores=8.0, busy=8.0)
    session.show(heat=99.0, cores=8.0)
    session.show(heat=60.0, cores=8.0)
    decision = session.show(10, total=3.0, workers=3.0, cores=8.0, busy=8.0)
    assert decision.allowance < 6


def test_room_of_a_load_that_left_seconds_ago_is_taken_in_steps() -> None:
    session = Session(Limits(workers=8, cpu_limit=80))
    session.show(30, total=6.4, workers=1.4, cores=8.0, busy=8.0)
    allowed = [session.show(total=1.4, workers=1.4, cores=8.0, busy=8.0).allowance for _ in range(8)]
    assert max(later - earlier for earlier, later in pairwise(allowed)) <= 1


def test_rises_are_seconds_apart() -> None:
    session = lowered(Limits(workers=8, cpu_limit=80))
    risen = []
    for _ in range(40):
        before = session.state.allowance
        session.show(total=before + 1.0, workers=before, cores=8.0, busy=8.0)
        if session.state.allowance > before:
            risen.append(session.time)
    assert len(risen) > 3
    assert min(later - earlier for earlier, later in pairwise(risen)) >= 1.5


@pytest.mark.parametrize(
    ("danger", "ease", "reason", "said"),
    [
        ({"heat": 95.0}, {"heat": 84.0}, Reason.HEAT, "95 °C >= 90 °C - resting, then 2 workers"),
        ({"memory": 100.0}, {"memory": 330.0}, Reason.MEMORY, "memory 100 MB < 256 MB - resting, then 2 workers"),
    ],
)
def test_danger_halves_at_once_and_rests_until_it_is_over(
    danger: dict[str, float], ease: dict[str, float], reason: Reason, said: str
) -> None:
    session = Session()
    session.show(4, cores=8.0)
    decision = session.show(cores=8.0, **danger)
    assert (decision.allowance, decision.resting, decision.reason) == (2, True, reason)
    assert said in session.messages[-1]
    assert session.show(20, cores=8.0, **danger).resting
    # Just below where it began is not over yet.
    almost = {"heat": 87.0} if "heat" in danger else {"memory": 300.0}
    assert session.show(cores=8.0, **almost).resting
    assert len(session.messages) == 1
    decision = session.show(cores=8.0, **ease)
    assert (decision.allowance, decision.resting) == (2, False)


def test_danger_that_does_not_pass_ends_the_rest_at_the_floor() -> None:
    session = Session()
    session.show(heat=99.0)
    session.show(119, heat=99.0)
    decision = session.show(2, heat=99.0)
    assert (decision.allowance, decision.resting) == (LIMITS.floor, False)
    assert session.show(200, heat=99.0).allowance == LIMITS.floor
    session.show(60, heat=60.0)
    assert session.state.allowance > 1


def test_shortage_of_memory_that_does_not_pass_leaves_one_worker() -> None:
    session = Session()
    session.show(150, memory=10.0)
    assert session.state.allowance == 1
    assert not session.show(memory=10.0).resting


def test_sensor_that_falls_silent_in_a_danger_does_not_end_it_at_once_nor_keep_it() -> None:
    session = Session()
    session.show(heat=99.0)
    assert session.show(60, heat=None).resting
    session.show(70, heat=None)
    assert not session.show(heat=None).resting
    assert session.state.danger is None


def test_dangers_that_are_not_asked_for_are_none() -> None:
    session = Session(Limits(workers=4, max_temperature_c=None, memory_floor_mb=None))
    assert not session.show(10, heat=149.0, memory=0.0).resting


def test_missing_readings_are_never_taken_for_a_free_machine() -> None:
    session = Session()
    session.show(30, total=4.0, workers=1.0)
    before = session.state.allowance
    assert before < 1
    assert session.show(200, total=None, workers=None).allowance == before


def test_no_reading_at_all_leaves_no_more_workers_than_cores_under_the_limit() -> None:
    session = Session(Limits(workers=16, cpu_limit=50))
    assert session.show(10, total=None, workers=None).allowance == 2
    assert not session.messages
    decision = session.show(20, total=None, workers=None)
    assert decision.allowance == 2
    assert session.messages == ["🌡️  CPU unavailable (gone) - keeping to 2 workers"]


def test_unknown_capacity_changes_nothing() -> None:
    assert Session().show(30, total=None, workers=None, cores=None).allowance == 4


def test_look_without_news_is_not_counted_twice() -> None:
    readings = see(1.0, 3.9, 3.9)
    state, _ = decide(initial_state(LIMITS), readings, LIMITS)
    again, _ = decide(state, replace(readings, time=1.1), LIMITS)
    assert again.estimates == state.estimates


def test_idle_workers_are_no_measure_of_a_busy_one() -> None:
    session = Session(Limits(workers=4, cpu_limit=90))
    session.show(100, total=0.1, workers=0.0, busy=0.0)
    assert session.state.estimates.per_worker.cores == 1


number = st.one_of(st.none(), st.floats(0, 64))


@given(
    st.lists(st.tuples(st.floats(0.0, 20), number, number, number, st.floats(0, 64), number, number), max_size=60),
    st.integers(1, 64),
    st.floats(1, 100),
    st.floats(0.01, 1),
)
def test_allowance_is_within_its_bounds_whatever_the_sensors_say(
    looks: list[tuple[float, float | None, float | None, float | None, float, float | None, float | None]],
    workers: int,
    cpu_limit: float,
    floor: float,
) -> None:
    limits = Limits(workers=workers, cpu_limit=cpu_limit, floor=floor, memory_floor_mb=10, max_temperature_c=40)
    state, time = initial_state(limits), 0.0
    for elapsed, total, ours, cores, busy, memory, heat in looks:
        time += elapsed
        state, decision = decide(state, see(time, total, ours, cores, busy, memory, heat), limits)
        assert floor <= decision.allowance <= workers
        assert math.isfinite(state.estimates.per_worker.cores)
        if decision.message:
            assert "\n" not in decision.message


@pytest.mark.parametrize(
    ("number", "text"),
    [(1.0, "1 worker"), (0.96, "1 worker"), (3.0, "3 workers"), (1.58, "1.6 workers"), (0.05, "0.05 workers")],
)
def test_workers_are_counted_in_words(number: float, text: str) -> None:
    assert count_workers(number) == text
