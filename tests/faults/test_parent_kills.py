"""A run whose process is killed at random moments, and begun again until it is complete: as if nothing had happened."""

import sys
from pathlib import Path

import pytest

from .moments import Program, Undisturbed, kill_at_moments, run_undisturbed, session_program

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="a worker dies with its parent at once only on Linux"),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Undisturbed]:
    folder = tmp_path_factory.mktemp("undisturbed")
    program = session_program(folder)
    return program, run_undisturbed(program, folder)


@pytest.mark.parametrize("kills", [6, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_run_killed_at_random_moments_ends_with_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, undisturbed: tuple[Program, Undisturbed], kills: int
) -> None:
    tally = kill_at_moments(*undisturbed, tmp_path, kills, seed=kills)

    assert tally.kills == kills
    assert tally.flaws == []


def test_naive_run_killed_at_random_moments_does_not(tmp_path: Path, undisturbed: tuple[Program, Undisturbed]) -> None:
    # The control: what writes in place and takes what is there for finished must fail the very same test.
    program = session_program(tmp_path / "naive", "naively")
    _, expected = undisturbed
    assert run_undisturbed(program, tmp_path / "naive").store == expected.store

    # A few kills do, as a rule; only that none of many does would be a finding.
    assert any(kill_at_moments(program, expected, tmp_path, 4, seed).wrong for seed in range(1, 9))
