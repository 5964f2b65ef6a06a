"""The windows of a fractional allowance: equal, staggered, and exact however long the pieces of work are."""

import math

from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.throttle.schedule import PERIOD_NS, Window, find_window

windows = st.builds(Window, start_ns=st.integers(0, PERIOD_NS - 1), open_ns=st.integers(PERIOD_NS // 1000, PERIOD_NS))
times = st.integers(0, 10**15)


def is_open(window: Window, now: int) -> bool:
    return (now - window.start_ns) % PERIOD_NS < window.open_ns


@given(st.floats(0.01, 16), st.integers(1, 16), times)
def test_windows_leave_the_allowance_rounded_down_or_up_running_at_any_time(
    allowance: float, workers: int, now: int
) -> None:
    running = sum(is_open(find_window(allowance, workers, position), now) for position in range(workers))
    exact = min(allowance, workers)
    # A window is cut to a nanosecond, so at the seams one may be missing.
    assert math.floor(exact) - 1 <= running <= math.ceil(exact)
    if allowance >= workers:
        assert running == workers


@given(st.floats(0.01, 16), st.integers(1, 16))
def test_windows_are_equal_and_add_up_to_the_allowance(allowance: float, workers: int) -> None:
    opened = [find_window(allowance, workers, position).open_ns for position in range(workers)]
    assert len(set(opened)) == 1
    assert sum(opened) / PERIOD_NS == math.floor(min(allowance, workers) * 1e6) / 1e6 or math.isclose(
        sum(opened) / PERIOD_NS, min(allowance, workers), rel_tol=1e-5
    )


@given(windows, times, st.integers(0, 20))
def test_window_is_open_for_its_share_of_every_period(window: Window, now: int, periods: int) -> None:
    assert window.open_until(now + periods * PERIOD_NS) - window.open_until(now) == periods * window.open_ns


@given(windows, times)
def test_window_without_debt_resumes_now_if_open_and_else_at_the_next_beginning(window: Window, now: int) -> None:
    resume = window.resume_at(now)
    if is_open(window, now):
        assert resume == now
    else:
        assert now < resume <= now + PERIOD_NS
        assert (resume - window.start_ns) % PERIOD_NS == 0


@given(windows, times, st.integers(0, 10**10))
def test_window_with_debt_resumes_when_it_was_open_for_that_long(window: Window, now: int, debt: int) -> None:
    resume = window.resume_at(now, debt)
    assert resume >= now
    assert is_open(window, resume)
    assert window.open_until(resume) - window.open_until(now) == debt
