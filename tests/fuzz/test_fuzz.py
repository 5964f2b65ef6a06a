"""Files spoiled in three thousand ways are refused, or read as what they say; `make fuzz` spoils a hundred thousand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.intake import ImportReport, import_files

from . import oracle
from .campaign import all_samples, run_here, run_in_processes
from .oracle import Fate, run_case
from .samples import Sample, generated_samples

Import = Callable[..., ImportReport]
CASES = 3_000
SEED = 20

SAMPLES = all_samples()


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_clean_sample_is_read_as_its_plain_reader_reads_it(tmp_path: Path, sample: Sample) -> None:
    fate, text = oracle.import_content(sample, sample.clean, 0.0, tmp_path / "case")

    is_attack = sample.name.removeprefix("case ").startswith(("big", "bomb", "diff", "zip_"))
    assert fate is (Fate.REFUSED if is_attack else Fate.SAME), text


@pytest.mark.parametrize("part", range(4))
def test_mutated_file_is_never_read_as_what_it_does_not_say(tmp_path: Path, part: int) -> None:
    findings = run_here(generated_samples(), CASES // 4, SEED + part, tmp_path)

    assert not findings.wrong
    assert all(findings.fates[name].total() > 20 for name in findings.fates)


def drop_bad_rows(*args: object, **options: object) -> ImportReport:
    """Import what is good and keep quiet about the rest."""
    report = import_files(*args, **(options | {"quarantine_share": 0.99}))
    return replace(report, quarantined={}, quarantine_files=(), rows=report.kept)


def read_commas_as_points(files: list[Path], *args: object, **options: object) -> ImportReport:
    """Take a decimal comma for what it was meant to be, and lose a semicolon's meaning with it."""
    files[0].write_bytes(files[0].read_bytes().replace(b";", b","))
    return import_files(files, *args, **options)


def take_the_last_row_before_a_break(files: list[Path], *args: object, **options: object) -> ImportReport:
    """Read as far as it goes."""
    try:
        return import_files(files, *args, **options)
    except DataError:
        files[0].write_bytes(b"".join(files[0].read_bytes().splitlines(keepends=True)[:5]))
        return import_files(files, *args, **options)


@pytest.mark.parametrize("careless", [drop_bad_rows, read_commas_as_points, take_the_last_row_before_a_break])
def test_careless_import_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, careless: Import) -> None:
    monkeypatch.setattr(oracle, "import_files", careless)

    assert run_here(generated_samples(), 200, SEED, tmp_path).wrong


def test_case_is_the_same_whatever_was_run_before_it(tmp_path: Path) -> None:
    sample = generated_samples()[3]

    first, second = (run_case(sample, 17, SEED, tmp_path / "case") for _ in range(2))

    assert replace(first, text="") == replace(second, text="")


@pytest.mark.slow
@pytest.mark.faults
def test_campaign_in_processes_finds_nothing(tmp_path: Path) -> None:
    findings = run_in_processes(400, SEED, 2, lambda text: None)

    assert not findings.wrong
    assert sum(counter.total() for counter in findings.fates.values()) == 400
