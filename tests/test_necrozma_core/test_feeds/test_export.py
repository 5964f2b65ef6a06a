"""Stored ticks written out and brought in again."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from necrozma_core.errors import DataError, UsageError
from necrozma_core.feeds.export import export_ticks
from necrozma_core.feeds.intake import import_files
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.market.moments import parse_moment
from necrozma_core.storage.ticks.store import TickStore


@pytest.fixture
def store(tmp_path: Path) -> TickStore:
    write_samples(tmp_path / "data", 1, 5_000, 3)
    return TickStore(tmp_path / "data")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_export_imported_again_is_the_same_ticks(tmp_path: Path, store: TickStore, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"

    assert export_ticks(store, "EURUSD", path) == 5_000
    import_files([path], "EURUSD", tmp_path / "again")

    assert TickStore(tmp_path / "again").fingerprint("EURUSD") == store.fingerprint("EURUSD")


def test_export_of_a_range_begins_with_its_start_and_ends_before_its_end(tmp_path: Path, store: TickStore) -> None:
    ticks = store.read("EURUSD")
    first, last = int(ticks.time_ms[10]), int(ticks.time_ms[20])

    assert export_ticks(store, "EURUSD", tmp_path / "part.parquet", first, last) == 10
    times = pq.read_table(tmp_path / "part.parquet")["timestamp"].cast("int64").to_numpy()

    assert (times == ticks.time_ms[10:20]).all()


def test_export_as_csv_is_plain_text(tmp_path: Path, store: TickStore) -> None:
    export_ticks(store, "EURUSD", tmp_path / "a.csv")

    header, first, *_ = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    ticks = store.read("EURUSD")
    time = str(np.datetime64(int(ticks.time_ms[0]), "ms"))
    assert header == "timestamp,bid,ask"
    assert (
        first == f"{time}Z,{ticks.bid[0] / ticks.scale:.{ticks.digits}f},{ticks.ask[0] / ticks.scale:.{ticks.digits}f}"
    )


def test_export_that_cannot_be_leaves_nothing(tmp_path: Path, store: TickStore) -> None:
    (tmp_path / "there.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already; choose another name"):
        export_ticks(store, "EURUSD", tmp_path / "there.csv")
    with pytest.raises(UsageError, match=r"a name that ends in .csv or .parquet"):
        export_ticks(store, "EURUSD", tmp_path / "a.json")
    with pytest.raises(DataError, match="no ticks in that range"):
        export_ticks(store, "EURUSD", tmp_path / "a.csv", 0, 1)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "there.csv"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15", 1_705_276_800_000),
        ("2024-01-15T00:00:00Z", 1_705_276_800_000),
        ("2024-01-15T01:00:00.5+01:00", 1_705_276_800_500),
    ],
)
def test_moment_is_a_day_in_utc_or_a_time_with_its_zone(text: str, expected: int) -> None:
    assert parse_moment(text, "--from") == expected


@pytest.mark.parametrize("text", ["2024-01-15T00:00:00", "2024-01-15 12:00", "yesterday", "", "2024-13-01", "1e9"])
def test_moment_that_is_not_clear_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--from .*expected a"):
        parse_moment(text, "--from")
