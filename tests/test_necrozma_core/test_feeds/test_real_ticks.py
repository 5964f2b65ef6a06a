"""Quotes of a real broker, where the folder with them is at hand."""

import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import import_files
from necrozma_core.feeds.sorting import sort_files
from necrozma_core.storage.ticks.store import TickStore

DATA = Path(__file__).parents[3].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real market data is not at {DATA}")


@pytest.mark.parametrize(("pair", "rows"), [("EURUSD", 532_903), ("NZDUSD", 457_699)])
def test_real_ticks_are_imported_without_loss(tmp_path: Path, pair: str, rows: int) -> None:
    path = DATA / "ticks" / f"{pair}_oanda_2014-05.parquet"

    report = import_files([path], pair, tmp_path)
    ticks = TickStore(tmp_path).read(pair)

    source = pq.read_table(path)
    assert (report.rows, report.kept, report.digits, report.quarantined) == (rows, rows, 5, {})
    assert (ticks.time_ms == source["timestamp"].cast("int64").to_numpy()).all()
    assert (ticks.bid / 10**5 == source["bid"].to_numpy()).all()
    assert (ticks.ask / 10**5 == source["ask"].to_numpy()).all()
    assert TickStore(tmp_path).summary(pair).size < 3 * rows


def test_real_ticks_are_those_of_the_archive_they_were_made_from(tmp_path: Path) -> None:
    import_files([DATA / "ticks" / "EURUSD_oanda_2014-05.parquet"], "EURUSD", tmp_path)
    ticks = TickStore(tmp_path).read("EURUSD")

    with zipfile.ZipFile(DATA / "raw/lean/20140501_eurusd_quote.zip") as archive:
        published = np.loadtxt(archive.open(archive.namelist()[0]), delimiter=",")
    first_day = slice(0, len(published))
    midnight_ms = np.datetime64("2014-05-01", "ms").astype(np.int64)
    assert (ticks.time_ms[first_day] - midnight_ms == published[:, 0]).all()
    assert (ticks.bid[first_day] / 10**5 == published[:, 1]).all()
    assert (ticks.ask[first_day] / 10**5 == published[:, 2]).all()


def test_real_hours_of_dukascopy_begin_with_the_known_tick(tmp_path: Path) -> None:
    hours = sorted((DATA / "raw/dukascopy/GBPJPY").rglob("*.bi5"))

    report = import_files(hours, "GBPJPY", tmp_path)
    ticks = TickStore(tmp_path).read("GBPJPY")

    one = np.searchsorted(ticks.time_ms, np.datetime64("2012-12-03T01:00", "ms").astype(np.int64))
    two = np.searchsorted(ticks.time_ms, np.datetime64("2012-12-03T02:00", "ms").astype(np.int64))
    assert (two - one, report.digits) == (2_484, 3)
    assert (ticks.time_ms[one] % 3_600_000, ticks.bid[one], ticks.ask[one]) == (3_581, 131_945, 131_966)


def test_real_folder_of_published_files_is_sorted_by_pair(tmp_path: Path) -> None:
    found = sort_files([DATA / "raw/dukascopy", DATA / "raw/lean", DATA / "ticks"], None, ReadOptions())

    assert {pair: len(files) for pair, files in found.by_pair.items()} == {"EURUSD": 3, "GBPJPY": 5, "NZDUSD": 1}


def test_real_lean_day_is_the_first_day_of_the_parquet_made_from_it(tmp_path: Path) -> None:
    import_files([DATA / "ticks/EURUSD_oanda_2014-05.parquet"], "EURUSD", tmp_path / "parquet")
    import_files([DATA / "raw/lean/20140501_eurusd_quote.zip"], "EURUSD", tmp_path / "lean")
    whole, day = TickStore(tmp_path / "parquet").read("EURUSD"), TickStore(tmp_path / "lean").read("EURUSD")

    assert all((getattr(whole, name)[: len(day)] == getattr(day, name)).all() for name in ("time_ms", "bid", "ask"))


def test_real_histdata_ticks_begin_at_the_known_time(tmp_path: Path) -> None:
    report = import_files([DATA / "raw/histdata/histdata_ticks_2020-01-01.csv"], "EURUSD", tmp_path)

    assert (report.kept, report.span) == (9_500, "2020-01-01 22:00:00 to 2020-01-02 04:00:52")


CASES = DATA.parent / "cases"


@pytest.mark.parametrize(
    "name",
    [
        "bigcell.parquet",
        "bigdict.parquet",
        "bombbz.zip",
        "zip_storage_6.zip",
        *(f"diff_crc_1_{n}.parquet" for n in (121, 151, 17, 173, 180, 193)),
    ],
)
def test_real_attack_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"get it again|check|unpack it") as caught:
        import_files([CASES / "attack" / name], "EURUSD", tmp_path)
    assert "\n" not in str(caught.value)
