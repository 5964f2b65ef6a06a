"""Stored bytes that were changed in any way are refused, or read as what was stored; never as something else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_samples import KEY, random_ranking, tree, write_entry

from necrozma_core.errors import StorageError
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder, read_ranking
from necrozma_core.storage.runs.manifest import read_manifest

ENTRY = f"store/EURUSD/{KEY}"
CHANGES = ("flip", "set", "insert", "delete", "cut", "double", "swap")


def read_entry(results: Path) -> tuple[object, ...]:
    """Everything that the store tells of the entry."""
    store = ResultsFolder(results).store
    return (
        store.commit_of("EURUSD", KEY),
        store.read_metrics("EURUSD", KEY).to_pylist(),
        store.read_moments("EURUSD", KEY).to_pylist(),
        store.read_returns("EURUSD", KEY).to_pylist(),
        store.read_trades("EURUSD", KEY).to_pylist(),
    )


def read_run(results: Path) -> tuple[object, ...]:
    """Everything that the run's folder tells of it."""
    (path,) = ResultsFolder(results).runs.iterdir()
    manifest = read_manifest(path)
    return manifest, read_ranking(path, manifest).to_pylist()


def change(content: bytes, how: str, at: int, other: int, byte: int) -> bytes:
    """Change some bytes; `at` and `other` count from the start, wrapped."""
    at, other = sorted((at % len(content), other % len(content)))
    return {
        "flip": content[:at] + bytes([content[at] ^ (1 << byte % 8)]) + content[at + 1 :],
        "set": content[:at] + bytes([byte]) + content[at + 1 :],
        "insert": content[:at] + bytes([byte]) + content[at:],
        "delete": content[:at] + content[at + 1 :],
        "cut": content[:at],
        "double": content[:other] + content[at:],
        "swap": content[:at] + content[other : other + 1] + content[at + 1 : other] + content[at : at + 1]
        + content[other + 1 :],
    }[how]  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_entry(ResultsFolder(folder).store)
    RunFolder.create(folder, settings={"lots": 0.1}, inputs={}, keys={"EURUSD": KEY}).publish_ranking(random_ranking(9))
    return folder


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("metrics.parquet", read_entry),
        ("moments.parquet", read_entry),
        ("returns.parquet", read_entry),
        ("trades.parquet", read_entry),
        ("commit.json", read_entry),
        ("manifest.json", read_run),
        ("ranking.parquet", read_run),
    ],
)
@settings(max_examples=100)
@given(
    how=st.sampled_from(CHANGES),
    at=st.integers(0, 100_000),
    other=st.integers(0, 100_000),
    byte=st.integers(0, 255),
)
def test_changed_file_is_refused_or_reads_as_it_was(
    results: Path, name: str, read: Callable[[Path], tuple[object, ...]], how: str, at: int, other: int, byte: int
) -> None:
    (path,) = results.rglob(name)
    whole, stored = path.read_bytes(), read(results)
    try:
        path.write_bytes(change(whole, how, at, other, byte))
        try:
            found = read(results)
        except StorageError:
            return
        assert found == stored
    finally:
        path.write_bytes(whole)


def test_every_stored_file_is_among_those_that_are_changed(results: Path) -> None:
    assert {Path(name).name for name in tree(results)} == {
        "metrics.parquet", "moments.parquet", "returns.parquet", "trades.parquet", "commit.json", "manifest.json",
        "ranking.parquet",
    }  # fmt: skip
