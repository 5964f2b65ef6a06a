"""A publish that dies at any call, with and without a power cut, in one process: every point, in seconds."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from dying_disk import Died, DyingFiles, ForgetfulFiles
from storage_samples import KEY, tree, write_entry

from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.disk.publish import publish_bytes
from necrozma_core.storage.results.store import ResultStore
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import PairRecord, PairState, read_manifest

OLD, NEW = b"old " * 5_000, b"new " * 7_000
CUTS = 5


def deaths(
    folder: Path,
    prepare: Callable[[Path], None],
    act: Callable[[Path, DyingFiles], None],
    disk: type[DyingFiles] = DyingFiles,
) -> Iterator[Path]:
    """Act on a prepared folder, dying at each call in turn; give the folder as left by a kill and by power cuts."""
    died = True
    for dies_at in itertools.count():
        if not died:
            return
        for cut in range(CUTS):
            left = folder / f"{dies_at}-{cut}"
            left.mkdir()
            prepare(left)
            files = disk(dies_at)
            with suppress(Died):
                act(left, files)
            if cut:
                files.cut_power(Random(cut))
            yield left
            died = files.dead


def replace_file(left: Path, files: DyingFiles) -> None:
    publish_bytes(left / "a", NEW, files=files)


def test_file_whose_writer_dies_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    found: Counter[bytes] = Counter()
    for left in deaths(tmp_path, lambda left: publish_bytes(left / "a", OLD) and None, replace_file):
        found[(left / "a").read_bytes()] += 1

    assert set(found) == {OLD, NEW}


def test_file_whose_forgetful_writer_dies_is_torn_by_a_power_cut(tmp_path: Path) -> None:
    # The control: a publish that never syncs must be caught by the very same test.
    found: Counter[bytes] = Counter()
    for left in deaths(tmp_path, lambda left: publish_bytes(left / "a", OLD) and None, replace_file, ForgetfulFiles):
        found[(left / "a").read_bytes()] += 1

    assert set(found) - {OLD, NEW}


@pytest.mark.parametrize("damaged", [None, "metrics.parquet", "trades.parquet"])
def test_entry_whose_writer_dies_is_there_whole_or_not_at_all(tmp_path: Path, damaged: str | None) -> None:
    reference = ResultStore(tmp_path / "reference")
    write_entry(reference)

    def prepare(left: Path) -> None:
        if damaged:
            store = ResultsFolder(left).store
            write_entry(store)
            path = store.folder("EURUSD", KEY) / damaged
            path.write_bytes(path.read_bytes()[:-1] + b"2")

    def act(left: Path, files: DyingFiles) -> None:
        write_entry(ResultsFolder(left, files).store)

    there = 0
    for left in deaths(tmp_path, prepare, act):
        store = ResultsFolder(left).store
        if not damaged and store.has("EURUSD", KEY):
            store.check("EURUSD", KEY)
            there += 1
        with lock_results(left):
            write_entry(store)
        assert tree(store.root) == tree(reference.root)
    assert damaged or there > CUTS


def test_whole_entry_stays_whole_whatever_a_second_writer_dies_of(tmp_path: Path) -> None:
    def act(left: Path, files: DyingFiles) -> None:
        write_entry(ResultsFolder(left, files).store, seed=2)

    for left in deaths(tmp_path, lambda left: write_entry(ResultsFolder(left).store), act):
        ResultsFolder(left).store.check("EURUSD", KEY)


def test_run_whose_recorder_dies_tells_the_old_or_the_new(tmp_path: Path) -> None:
    def prepare(left: Path) -> None:
        RunFolder.create(left, settings={}, inputs={}, keys={"EURUSD": KEY}).publish_report("old")

    def act(left: Path, files: DyingFiles) -> None:
        (path,) = ResultsFolder(left).runs.iterdir()
        run = RunFolder(ResultsFolder(left, files), path.name, read_manifest(path))
        run.record("EURUSD", PairRecord(KEY, PairState.COMPUTED))
        run.publish_report("new")

    reports: Counter[str] = Counter()
    for left in deaths(tmp_path, prepare, act):
        (path,) = ResultsFolder(left).runs.iterdir()
        manifest = read_manifest(path)
        assert manifest.pairs["EURUSD"].state in {PairState.PENDING, PairState.COMPUTED}
        if "report.html" in manifest.files:
            report = (path / "report.html").read_text()
            assert len(report) == manifest.files["report.html"].size
            reports[report] += 1
    assert set(reports) == {"old", "new"}


def test_entry_that_is_being_removed_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def act(left: Path, files: DyingFiles) -> None:
        ResultsFolder(left, files).store.remove("EURUSD", KEY)

    for left in deaths(tmp_path, lambda left: write_entry(ResultsFolder(left).store), act):
        store = ResultsFolder(left).store
        if store.has("EURUSD", KEY):
            store.check("EURUSD", KEY)
        store.remove("EURUSD", KEY)
        assert list(store.entries()) == []
