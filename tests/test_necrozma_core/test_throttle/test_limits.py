"""Limits that cannot be meant are refused in one line."""

import math
from typing import Any

import pytest

from necrozma_core.errors import UsageError
from necrozma_core.throttle.limits import Limits


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", 0),
        ("workers", 5000),
        ("cpu_limit", 0),
        ("cpu_limit", 101),
        ("cpu_limit", math.nan),
        ("cooldown_s", -1),
        ("cooldown_s", math.inf),
        ("batch_size", 0),
        ("floor", 0),
        ("floor", 1.5),
        ("cpu_check_interval", 0),
        ("sample_interval_s", 0.01),
        ("memory_floor_mb", math.nan),
        ("max_temperature_c", 10),
        ("cooling_limit_s", 0),
    ],
)
def test_limits_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    arguments: dict[str, Any] = {"workers": 2} | {name: value}
    with pytest.raises(UsageError, match=f"^{name}={value!r}: expected .* and at most .*$") as caught:
        Limits(**arguments)
    assert "\n" not in str(caught.value)


def test_limits_without_dangers_are_accepted() -> None:
    limits = Limits(workers=1, memory_floor_mb=None, max_temperature_c=None, batch_size=None)
    assert limits.tasks_per_batch == 1


@pytest.mark.parametrize(("explicit", "rest_s"), [(True, 5.0), (False, 1.5)])
def test_rest_after_a_short_batch_is_as_long_as_it_unless_asked_for(explicit: bool, rest_s: float) -> None:
    limits = Limits(workers=2, cooldown_s=5, cooldown_explicit=explicit)
    assert limits.rest_after(1.5) == rest_s
    assert limits.rest_after(60) == 5
