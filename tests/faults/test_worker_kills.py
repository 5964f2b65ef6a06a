"""Workers killed by the dozen: no errand is lost, none done twice, and nobody pays for a kill that hit another."""

from pathlib import Path

import pytest

from .errands import Errands, kill_workers

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    ("errands", "kills"), [(40, 8), pytest.param(400, 75, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_workers_killed_among_errands_lose_and_double_none(tmp_path: Path, errands: int, kills: int) -> None:
    assert kill_workers(tmp_path, errands, kills, seed=1) == Errands(errands, kills, lost=0, doubled=0, innocent=0)
