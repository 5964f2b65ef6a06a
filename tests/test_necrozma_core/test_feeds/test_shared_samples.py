"""Every published sample and every case that went wrong, where they are at hand: imported, or refused as is right."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import ImportReport, import_files
from necrozma_core.storage.ticks.store import TickStore

SHARED = Path(__file__).parents[3].parent / "shared"
CASES, DATA = SHARED / "cases", SHARED / "data"
pytestmark = pytest.mark.skipif(not CASES.is_dir() or not DATA.is_dir(), reason=f"no samples at {SHARED}")


@dataclass(frozen=True)
class Imported:
    """How many rows come in, and the first of them."""

    pair: str
    kept: int
    first: str
    bid: str
    ask: str
    zone: str | None = None
    rounded: int = 0
    repeated: int = 0
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """What the message says."""

    pair: str
    message: str
    zone: str | None = None


NEEDS_ZONE = "expected a time with its zone, found .* --zone"
BARS = "bars"
RIGHT = {
    "cases/01-dukascopy-float-dust/renamed.csv": Imported(
        "XAUUSD", 3, "2013-03-04 00:00:00.605", "1580.787", "1581.15", rounded=2
    ),
    "cases/01-dukascopy-float-dust/renamed.parquet": Imported(
        "XAUUSD", 3, "2013-03-04 00:00:00.605", "1580.787", "1581.15", rounded=2
    ),
    "cases/01-dukascopy-float-dust/web.csv": Imported(
        "XAUUSD", 3, "2013-03-04 00:00:00.605", "1580.787", "1581.15", rounded=2
    ),
    "cases/01-dukascopy-float-dust/xau100.csv": Refused("XAUUSD", "prices around 15.82 are not XAUUSD's"),
    "cases/02-dukascopy-node/ticks.csv": Imported("EURUSD", 3, "2024-02-01 00:00:00.123", "1.08194", "1.08197"),
    "cases/02-dukascopy-node/duka.csv": Imported("EURUSD", 3, "2018-07-27 00:00:00.254", "1.16436", "1.16438"),
    "cases/02-dukascopy-node/duka-guess.csv": Refused(
        "EURUSD", "at or above the bid .* every row so far: if bid and ask are exchanged, .*--columns", "UTC"
    ),
    "cases/02-dukascopy-node/minutes.csv": Imported("EURUSD", 4, "2024-11-01 02:00:00", "1.08794", "1.08797", "UTC"),
    "cases/02-dukascopy-node/nosuffix.csv": Imported("EURUSD", 2, "2024-11-01 02:00:00", "1.08794", "1.08797", "UTC"),
    "cases/03-truefx/AUDUSD-2014-01.csv": Imported("AUDUSD", 3, "2014-01-01 21:55:34.404", "0.88796", "0.88922"),
    "cases/03-truefx/with-header.csv": Imported("AUDUSD", 3, "2014-01-01 21:55:34.404", "0.88796", "0.88922", "UTC"),
    "cases/03-truefx/with-header2.csv": Imported("AUDUSD", 3, "2014-01-01 21:55:34.404", "0.88796", "0.88922", "UTC"),
    "cases/05-overlap/doubled.csv": Imported("EURUSD", 400, "2024-01-15 00:00:00", "1.09", "1.09008", repeated=200),
    "cases/05-overlap/monday-until-noon.csv": Imported("EURUSD", 200, "2024-01-15 00:00:00", "1.09", "1.09008"),
    "cases/05-overlap/monday-whole.csv": Imported("EURUSD", 400, "2024-01-15 00:00:00", "1.09", "1.09008"),
    "cases/05-overlap/rest-overlaps-one.csv": Imported("EURUSD", 201, "2024-01-15 00:23:13", "1.09049", "1.09057"),
    "cases/05-overlap/unsorted.csv": Refused("EURUSD", r"row 202: .*200 bad rows \(200 out of order\); sort the file"),
    "cases/06-empty-day/2024-01-12.csv": Imported("EURUSD", 2, "2024-01-12 10:00:00", "1.09", "1.0901"),
    "cases/06-empty-day/2024-01-13.csv": Refused("EURUSD", "expected rows of EURUSD, found none"),
    "cases/06-empty-day/2024-01-13.zip": Refused("EURUSD", "expected rows of EURUSD, found none"),
    "cases/06-empty-day/2024-01-14a.csv": Refused("EURUSD", "expected rows of EURUSD, found none"),
    "cases/06-empty-day/2024-01-15.csv": Imported("EURUSD", 2, "2024-01-15 10:00:00", "1.09", "1.0901"),
    "cases/13-metrics/AUDUSD.csv": Imported("AUDUSD", 200, "2026-01-12 10:00:00", "1.1", "1.1"),
    "cases/13-metrics/EURUSD.csv": Imported("EURUSD", 200, "2026-01-12 10:00:00", "1.1", "1.1"),
    "cases/13-metrics/GBPUSD.csv": Imported("GBPUSD", 20, "2026-01-12 10:00:00", "1.1", "1.1"),
    "cases/20-spike/EURUSD.csv": Imported(
        "EURUSD", 600, "2026-01-12 00:00:00", "1.1", "1.1001", doubts=("11.00000", "5,000 pips")
    ),
    "cases/21-drawdown-inside/dd.csv": Imported(
        "EURUSD", 3_000, "2024-01-15 00:00:00", "1.1", "1.1", doubts=("none changed: for 24.0 hours on 2024-01-16",)
    ),
    "cases/22-governor-start/two-pairs.csv": Refused(
        "EURUSD", "expected a header with the columns timestamp, bid, ask"
    ),
    "cases/22-governor-start/year-job.csv": Refused("EURUSD", "expected a header with the columns timestamp, bid, ask"),
    "cases/attack/bigcell.parquet": Refused("EURUSD", "column bid, byte 136: the file unpacks to more than"),
    "cases/attack/bigdict.parquet": Refused("EURUSD", "column bid: .* found a cell of 50,000 bytes"),
    "cases/attack/bombbz.zip": Refused("EURUSD", "a zip packed with bzip2 is not read here"),
    "cases/attack/zip_storage_6.zip": Refused("EURUSD", "the zip is damaged .*; get it again"),
    **{
        f"cases/attack/diff_crc_1_{number}.parquet": Refused("EURUSD", "page integrity, CRC checksum .*; get it again")
        for number in (121, 151, 17, 173, 180, 193)
    },
    **{
        f"data/h1/{pair}_H1.csv.gz": Refused(pair, BARS)
        for pair in ("AUDJPY", "AUDUSD", "EURGBP", "GBPUSD", "USDCAD", "USDCHF", "USDJPY")
    },
    **{f"data/m1/GBPUSD_fxcm_2012_{side}.csv.gz": Refused("GBPUSD", BARS) for side in ("bid", "ask")},
    "data/raw/dukascopy/EURUSD_2015-01-01--22h_ticks.csv": Imported(
        "EURUSD", 781, "2015-01-01 22:00:01.413", "1.21038", "1.21066"
    ),
    "data/raw/dukascopy/GBPJPY/2012/11/03/00h_ticks.bi5": Imported(
        "GBPJPY", 2_054, "2012-12-03 00:00:01.883", "132.141", "132.158"
    ),
    "data/raw/dukascopy/GBPJPY/2012/11/03/01h_ticks.bi5": Imported(
        "GBPJPY", 2_484, "2012-12-03 01:00:03.581", "131.945", "131.966"
    ),
    "data/raw/dukascopy/GBPJPY/2012/11/03/02h_ticks.bi5": Imported(
        "GBPJPY", 1_489, "2012-12-03 02:00:00.097", "132.154", "132.176"
    ),
    "data/raw/dukascopy/GBPJPY/2012/11/03/12h_ticks.bi5": Imported(
        "GBPJPY", 4_413, "2012-12-03 12:00:00.778", "131.866", "131.884"
    ),
    "data/raw/dukascopy/GBPJPY/2012/11/03/13h_ticks.bi5": Imported(
        "GBPJPY", 3_903, "2012-12-03 13:00:00.194", "132.261", "132.279"
    ),
    "data/raw/histdata/histdata_ticks_2020-01-01.csv": Imported(
        "EURUSD", 9_500, "2020-01-01 22:00:00.065", "1.1212", "1.12172"
    ),
    "data/raw/lean/20140501_eurusd_quote.zip": Imported(
        "EURUSD", 24_179, "2014-05-01 00:00:00.292", "1.38676", "1.38686"
    ),
    "data/ticks/EURUSD_oanda_2014-05.parquet": Imported(
        "EURUSD", 532_903, "2014-05-01 00:00:00.292", "1.38676", "1.38686", repeated=1
    ),
    "data/ticks/NZDUSD_oanda_2014-05.parquet": Imported(
        "NZDUSD", 457_699, "2014-05-01 00:00:02.230", "0.86074", "0.86101"
    ),
}
"""What is right, by the path of the file."""

TABLES = {".csv", ".zip", ".gz", ".parquet", ".bi5"}


def test_every_sample_at_hand_is_known_here() -> None:
    there = {path.relative_to(SHARED).as_posix() for path in SHARED.rglob("*") if path.suffix in TABLES}

    assert {path for path in there if path.startswith(("cases/", "data/"))} <= RIGHT.keys()


@pytest.mark.parametrize("name", RIGHT)
def test_sample_is_imported_or_refused_as_is_right(tmp_path: Path, name: str) -> None:
    path, right = SHARED / name, RIGHT[name]
    if not path.exists():
        pytest.skip(f"{name} is not at hand")
    if isinstance(right, Refused):
        with pytest.raises(DataError, match=right.message) as caught:
            import_files([path], right.pair, tmp_path, options=ReadOptions(zone=right.zone))
        assert "\n" not in str(caught.value)
        assert path.name in str(caught.value)
        assert not TickStore(tmp_path).pairs()
        return

    report = import_files([path], right.pair, tmp_path, options=ReadOptions(zone=right.zone))

    ticks = TickStore(tmp_path).read(right.pair)
    first = datetime.fromisoformat(right.first).replace(tzinfo=UTC)
    assert (report.kept, report.rounded, report.repeated) == (right.kept, right.rounded, right.repeated)
    assert ticks.time_ms[0] == round(first.timestamp() * 1000)
    assert [Decimal(int(side[0])).scaleb(-ticks.digits) for side in (ticks.bid, ticks.ask)] == [
        Decimal(right.bid),
        Decimal(right.ask),
    ]
    assert len(report.findings) == len(right.doubts)
    assert all(doubt in " ".join(report.findings) for doubt in right.doubts)


@pytest.mark.parametrize(
    "name", [name for name, right in RIGHT.items() if isinstance(right, Imported) and right.zone is not None]
)
def test_sample_without_a_zone_asks_for_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=NEEDS_ZONE):
        import_files([SHARED / name], RIGHT[name].pair, tmp_path)


def load(folder: Path, *names: str) -> ImportReport:
    return import_files([CASES / name for name in names], "EURUSD", folder)


def test_longer_download_of_a_stored_day_extends_it(tmp_path: Path) -> None:
    load(tmp_path / "twice", "05-overlap/monday-until-noon.csv")
    report = load(tmp_path / "twice", "05-overlap/monday-whole.csv")
    load(tmp_path / "once", "05-overlap/monday-whole.csv")

    assert (report.kept, report.known) == (400, 200)
    assert TickStore(tmp_path / "twice").fingerprint("EURUSD") == TickStore(tmp_path / "once").fingerprint("EURUSD")


def test_tick_at_which_two_downloads_meet_is_stored_once(tmp_path: Path) -> None:
    load(tmp_path, "05-overlap/monday-until-noon.csv")
    load(tmp_path, "05-overlap/rest-overlaps-one.csv")

    times = TickStore(tmp_path).read("EURUSD").time_ms.tolist()
    assert len(times) == len(set(times)) == 400


def test_empty_days_among_others_are_named_and_left_out(tmp_path: Path) -> None:
    days = ("2024-01-12.csv", "2024-01-13.csv", "2024-01-13.zip", "2024-01-14a.csv", "2024-01-15.csv")

    report = load(tmp_path, *(f"06-empty-day/{day}" for day in days))

    assert (report.kept, report.empty) == (4, ("2024-01-13.csv", "2024-01-13.zip", "2024-01-14a.csv"))
