"""The whole command, Prefect and its server included: killed, interrupted, and begun again."""

import sys
from pathlib import Path

import pytest

from .command import POINTS, Point, command_program, interrupt, patient_program
from .moments import Undisturbed, kill_at_moments, run_undisturbed

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="a worker dies with its parent at once only on Linux"),
]


def test_command_killed_at_random_moments_ends_with_the_bytes_of_an_undisturbed_one(tmp_path: Path) -> None:
    program = command_program(tmp_path)
    tally = kill_at_moments(program, run_undisturbed(program, tmp_path), tmp_path, 4, seed=1)

    assert tally.kills == 4
    assert tally.flaws == []


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Undisturbed]:
    folder = tmp_path_factory.mktemp("patient")
    return folder, run_undisturbed(patient_program(folder), folder)


@pytest.mark.parametrize("point", POINTS, ids=[point.name for point in POINTS])
def test_command_interrupted_keeps_what_is_stored_and_the_next_completes_it(
    tmp_path: Path, patient: tuple[Path, Undisturbed], point: Point
) -> None:
    folder, undisturbed = patient

    assert interrupt(folder, point, 1, tmp_path / "results", undisturbed) == []


@pytest.mark.parametrize("point", POINTS, ids=[point.name for point in POINTS])
def test_command_interrupted_twice_ends_at_once_and_harms_nothing(
    tmp_path: Path, patient: tuple[Path, Undisturbed], point: Point
) -> None:
    assert interrupt(patient[0], point, 2, tmp_path / "results") == []
