"""Quotes of a real broker, where the folder with them is at hand."""

import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from necrozma_core.feeds.intake import import_files
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
