"""Every layout that bars come in, from small files as their makers write them."""

import gzip
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from necrozma_core.errors import DataError, UsageError
from necrozma_core.feeds.bars.intake import import_bars
from necrozma_core.feeds.bars.reports import BarImportReport
from necrozma_core.feeds.bars.sides import Side, Spread
from necrozma_core.feeds.bars.sources import holds_bars
from necrozma_core.feeds.formats.registry import ReadOptions, symbol_in
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.bars.store import BarStore

ONE = Spread.parse("1")

SAMPLE = (
    "Date,open,high,low,close,tick_volume\n"
    "2012-11-16 10:00:00,103428.00000000001,103430.0,103176.0,103258.99999999999,4912\n"
    "2012-11-16 11:00:00,103255.99999999999,103292.99999999999,103146.0,103162.0,4388\n"
)
HISTDATA = (
    "20120201 000000;1.306600;1.306600;1.306560;1.306560;0\n20120201 000100;1.306570;1.306570;1.306470;1.306560;0\n"
)
MT4 = "2012.02.01,00:00,1.30660,1.30660,1.30656,1.30656,57\n2012.02.01,00:15,1.30657,1.30657,1.30647,1.30656,33\n"
MT5 = (
    "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    "2023.01.02\t00:00:00\t1.06970\t1.07010\t1.06950\t1.06960\t123\t0\t12\n"
    "2023.01.02\t01:00:00\t1.06960\t1.06990\t1.06940\t1.06980\t99\t0\t8\n"
)
MT5_DAILY = (
    "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    "2023.01.02\t1.06975\t1.07010\t1.06952\t1.06965\t123\t0\t12\n"
    "2023.01.03\t1.06965\t1.06990\t1.06940\t1.06980\t99\t0\t8\n"
)
TRADINGVIEW = (
    "time,open,high,low,close,Volume,Volume MA\n"
    "1704205800,1.09511,1.09540,1.09500,1.09530,1201,NaN\n"
    "1704207600,1.09530,1.09544,1.09520,1.09525,988,1100\n"
)
TRADINGVIEW_ISO = (
    "time,open,high,low,close\n"
    "2024-01-02T09:30:00-05:00,1.09511,1.09540,1.09500,1.09530\n"
    "2024-01-02T10:00:00-05:00,1.09530,1.09544,1.09520,1.09525\n"
)
TRADINGVIEW_DAILY = (
    "time,open,high,low,close\n2024-01-02,1.09511,1.0954,1.095,1.0953\n2024-01-03,1.0953,1.09544,1.0952,1.09525\n"
)
DUKASCOPY = (
    "Gmt time,Open,High,Low,Close,Volume\n"
    "26.03.2025 00:00:00.000,1.07894,1.07899,1.07888,1.07890,9899.999999999998\n"
    "26.03.2025 00:01:00.000,1.07890,1.07891,1.07886,1.07886,8100\n"
)
DUKASCOPY_LOCAL = (
    "Local time,Open,High,Low,Close,Volume\n"
    "04.03.2013 00:00:00.000 GMT-0500,1.30100,1.30200,1.30000,1.30150,1.5\n"
    "04.03.2013 01:00:00.000 GMT-0500,1.30150,1.30250,1.30050,1.30050,2.5\n"
)
JFOREX = (
    "Time (EET),Open,High,Low,Close,Volume \n"
    "2024.07.02 10:00:00,1.07894,1.07899,1.07888,1.07890,98.5\n"
    "2024.07.02 11:00:00,1.07890,1.07891,1.07886,1.07886,81\n"
)
DUKASCOPY_NODE = (
    "timestamp,open,high,low,close,volume\n"
    "1612137600000,1.21225,1.21363,1.2056,1.20676,165569.8187\n"
    "1612224000000,1.20676,1.20877,1.20115,1.20365,147916.4607\n"
)
CTRADER = (
    "DateTimeUTC,Instrument,Granularity,Open,High,Low,Close,Spread(pips),Volume\n"
    "2025-08-01 00:00:00.000,EURUSD,M1,1.1000,1.1010,1.0990,1.1005,0.2,100\n"
    "2025-08-01 00:01:00.000,EURUSD,M1,1.1005,1.1012,1.1000,1.1010,0.3,100\n"
)
CTRADER_SEMICOLON = (
    "timestamp;open;high;low;close;volume\n"
    "2025-01-02 00:00:00;1.09523;1.09610;1.09480;1.09590;1234\n"
    "2025-01-02 00:05:00;1.09590;1.09620;1.09550;1.09560;1111\n"
)
BOTH_SIDES = (
    "time,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close\n"
    "2024-01-02T00:00:00Z,1.1000,1.1010,1.0990,1.1005,1.1001,1.1012,1.0991,1.1006\n"
    "2024-01-02T01:00:00Z,1.1005,1.1012,1.1000,1.1010,1.1006,1.1013,1.1001,1.1012\n"
)
FXCM = (
    "DateTime,BidOpen,BidHigh,BidLow,BidClose,AskOpen,AskHigh,AskLow,AskClose\n"
    "02/03/2015 22:00:00.000,1.1000,1.1010,1.0990,1.1005,1.1001,1.1012,1.0991,1.1006\n"
    "02/03/2015 22:01:00.000,1.1005,1.1012,1.1000,1.1010,1.1006,1.1013,1.1001,1.1012\n"
)
FXCM_API = (
    "date,bidopen,bidclose,bidhigh,bidlow,askopen,askclose,askhigh,asklow,tickqty\n"
    "2019-05-09 08:05:00,1.12000,1.12010,1.12030,1.11990,1.12012,1.12022,1.12042,1.12002,158\n"
    "2019-05-09 08:10:00,1.12010,1.12010,1.12030,1.11990,1.12022,1.12022,1.12042,1.12002,92\n"
)
METASTOCK = (
    "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
    "EURUSD,1,20110505,000000,1.48300,1.48310,1.48250,1.48280,4\n"
    "EURUSD,1,20110505,000100,1.48290,1.48300,1.48230,1.48290,4\n"
)


def bring(tmp_path: Path, text: str, name: str = "EURUSD.csv", **given) -> tuple[BarImportReport, QuoteBars]:  # type: ignore[no-untyped-def]
    path = tmp_path / name
    path.write_text(text)
    given.setdefault("spread", ONE)
    zone = given.pop("zone", None)
    report = import_bars([path], "EURUSD", tmp_path / "data", options=ReadOptions(zone=zone), **given)
    store = BarStore(tmp_path / "data")
    return report, store.read("EURUSD", report.imports[0].timeframe_ms)


@pytest.mark.parametrize(
    ("text", "zone", "first", "timeframe", "bid", "digits", "ticks"),
    [
        (SAMPLE, "UTC", "2012-11-16T10:00", 3600, [103428, 103430, 103176, 103259], 5, 4912),
        (HISTDATA, None, "2012-02-01T05:00", 60, [130660, 130660, 130656, 130656], 5, 0),
        (MT4, "America/New_York+7", "2012-01-31T22:00", 900, [130660, 130660, 130656, 130656], 5, 57),
        (MT5, "UTC", "2023-01-02T00:00", 3600, [10697, 10701, 10695, 10696], 4, 123),
        (MT5_DAILY, "America/New_York+7", "2023-01-01T22:00", 86400, [106975, 107010, 106952, 106965], 5, 123),
        (TRADINGVIEW, None, "2024-01-02T14:30", 1800, [109511, 109540, 109500, 109530], 5, 0),
        (TRADINGVIEW_ISO, None, "2024-01-02T14:30", 1800, [109511, 109540, 109500, 109530], 5, 0),
        (TRADINGVIEW_DAILY, "UTC", "2024-01-02", 86400, [109511, 109540, 109500, 109530], 5, 0),
        (DUKASCOPY, None, "2025-03-26T00:00", 60, [107894, 107899, 107888, 107890], 5, 0),
        (DUKASCOPY_LOCAL, None, "2013-03-04T05:00", 3600, [13010, 13020, 13000, 13015], 4, 0),
        (JFOREX, None, "2024-07-02T07:00", 3600, [107894, 107899, 107888, 107890], 5, 0),
        (DUKASCOPY_NODE, None, "2021-02-01T00:00", 86400, [121225, 121363, 120560, 120676], 5, 0),
        (CTRADER, "UTC", "2025-08-01T00:00", 60, [11000, 11010, 10990, 11005], 4, 0),
        (CTRADER_SEMICOLON, "UTC", "2025-01-02T00:00", 300, [109523, 109610, 109480, 109590], 5, 0),
        (BOTH_SIDES, None, "2024-01-02T00:00", 3600, [11000, 11010, 10990, 11005], 4, 0),
        (FXCM, None, "2015-02-03T22:00", 60, [11000, 11010, 10990, 11005], 4, 0),
        (FXCM_API, "UTC", "2019-05-09T08:05", 300, [112000, 112030, 111990, 112010], 5, 158),
        (METASTOCK, "UTC", "2011-05-05T00:00", 60, [14830, 14831, 14825, 14828], 4, 0),
    ],
    ids=[
        "sample", "histdata", "mt4", "mt5", "mt5 daily", "tradingview", "tradingview iso", "tradingview daily",
        "dukascopy",
        "dukascopy local", "jforex", "dukascopy-node", "ctrader", "ctrader semicolon", "both sides", "fxcm",
        "fxcm api", "metastock",
    ],
)  # fmt: skip
def test_layout_gives_its_first_bar(
    tmp_path: Path,
    text: str,
    zone: str | None,
    first: str,
    timeframe: int,
    bid: list[int],
    digits: int,
    ticks: int,
) -> None:
    _, bars = bring(tmp_path, text, zone=zone)

    assert len(bars) == 2
    assert bars.open_time_ms[0] == np.datetime64(first, "ms").astype(np.int64)
    assert bars.open_time_ms[1] - bars.open_time_ms[0] == bars.timeframe_ms == 1000 * timeframe
    assert (bars.bid[0].tolist(), bars.digits) == (bid, digits)
    assert bars.tick_count[0] == ticks


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (HISTDATA, "HistData minutes"),
        (MT4, "MetaTrader 4 bars"),
        (MT5, "MetaTrader 5 bars"),
        (DUKASCOPY, "Dukascopy candles"),
        (TRADINGVIEW, "columns"),
    ],
)
def test_import_says_what_it_saw_and_why(tmp_path: Path, text: str, name: str) -> None:
    report, _ = bring(tmp_path, text, zone="UTC")

    (described,) = report.formats.values()
    assert described.startswith(f"{name}: ")


def test_histdata_is_eastern_standard_time_in_july_too(tmp_path: Path) -> None:
    _, bars = bring(tmp_path, HISTDATA.replace("20120201", "20120702"))

    assert str(bars.open_time_ms[:1].view("datetime64[ms]")[0]) == "2012-07-02T05:00:00.000"


def test_histdata_for_metatrader_is_told_by_its_name_and_keeps_its_zone(tmp_path: Path) -> None:
    report, bars = bring(tmp_path, MT4, "DAT_MT_EURUSD_M1_201202.csv")

    assert next(iter(report.formats.values())).startswith("HistData minutes: the name DAT_MT_EURUSD_M1_201202.csv")
    assert bars.open_time_ms[0] == np.datetime64("2012-02-01T05:00", "ms").astype(np.int64)


@pytest.mark.parametrize("text", [SAMPLE, MT4, MT5, CTRADER_SEMICOLON])
def test_times_without_a_zone_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"row [12], column \S+: expected a time with its zone, .* --zone: UTC"):
        bring(tmp_path, text)


def test_spread_of_metatrader_is_in_points_of_the_written_decimals(tmp_path: Path) -> None:
    # All prices end in a zero: the point is still the fifth decimal, as it is written.
    report, bars = bring(tmp_path, MT5, zone="UTC", spread=Spread.parse("file"))

    assert report.imports[0].spread == "the file's own"
    assert bars.digits == 5
    assert (bars.ask - bars.bid).tolist() == [[12] * 4, [8] * 4]


def test_spread_of_a_column_in_pips(tmp_path: Path) -> None:
    _, bars = bring(tmp_path, CTRADER, zone="UTC", spread=Spread.parse("file"))

    assert bars.digits == 5
    assert (bars.ask - bars.bid).tolist() == [[2] * 4, [3] * 4]


@pytest.mark.parametrize(("role", "cell", "points"), [("points", "3", 3), ("pips", "3", 30), ("price", "0.0003", 30)])
def test_column_called_spread_is_what_the_user_says(tmp_path: Path, role: str, cell: str, points: int) -> None:
    rows = [f"2024-01-02T0{hour}:00:00Z,1.10001,1.2,1.1,1.1,{cell}" for hour in range(2)]
    text = "\n".join(["when,o,h,l,c,Spread", *rows])
    path = tmp_path / "x.csv"
    path.write_text(text)
    columns = {"time": "when", "open": "o", "high": "h", "low": "l", "close": "c", f"spread_{role}": "Spread"}

    import_bars([path], "EURUSD", tmp_path / "d", spread=Spread.parse("file"), options=ReadOptions(columns=columns))

    bars = BarStore(tmp_path / "d").read("EURUSD", 3_600_000)
    assert set((bars.ask - bars.bid).flat) == {points * 10 ** (bars.digits - 5)}


def test_columns_without_a_header_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("2024-01-02T00:00:00Z;9;1.1;1.2;1.0;1.1\n2024-01-02T01:00:00Z;9;1.1;1.2;1.0;1.1\n")
    columns = {"time": "1", "open": "3", "high": "4", "low": "5", "close": "6"}

    report = import_bars([path], "EURUSD", tmp_path / "d", spread=ONE, options=ReadOptions(columns=columns))

    assert report.imports[0].bars == 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"time": "1", "open": "2"}, "expected time, open, high, low and close"),
        ({"open": "2", "high": "3", "low": "4", "close": "5"}, "expected time, open, high, low and close"),
        ({"time": "1", "open": "2", "high": "3", "low": "4", "close": "77"}, "close=77: .* has no such column"),
        ({"time": "1", "open": "2", "colour": "3"}, "found 'colour'"),
    ],
)
def test_map_of_columns_that_cannot_be_is_refused(tmp_path: Path, columns: dict[str, str], message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(TRADINGVIEW)

    with pytest.raises(UsageError, match=message):
        import_bars([path], "EURUSD", tmp_path / "d", spread=ONE, options=ReadOptions(columns=columns))


def test_packed_files_and_other_encodings_are_the_same_bars(tmp_path: Path) -> None:
    (tmp_path / "gz.csv.gz").write_bytes(gzip.compress(MT5.encode()))
    (tmp_path / "xz.csv.xz").write_bytes(lzma.compress(MT5.encode()))
    (tmp_path / "zst.csv.zst").write_bytes(pa.compress(MT5.encode(), "zstd", asbytes=True))
    with zipfile.ZipFile(tmp_path / "zip.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("EURUSD_H1.csv", MT5)
    (tmp_path / "utf16.csv").write_bytes(MT5.encode("utf-16"))
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf" + MT5.replace("\n", "\r\n").encode())
    options = ReadOptions(zone="UTC")

    for path in sorted(tmp_path.glob("*.*")):
        assert holds_bars(path, options)
        import_bars([path], "EURUSD", tmp_path / path.stem, spread=ONE, options=options)

    stores = [BarStore(tmp_path / path.stem) for path in sorted(tmp_path.glob("*.*")) if path.is_file()]
    assert len(stores) == 6
    assert len({store.fingerprint("EURUSD", 3_600_000) for store in stores}) == 1


@pytest.mark.parametrize("kind", ["parquet", "feather"])
@pytest.mark.parametrize("times", ["timestamps", "text", "milliseconds", "naive"])
def test_tables_of_arrow_are_read_likewise(tmp_path: Path, kind: str, times: str) -> None:
    index = pd.date_range("2024-01-02", periods=3, freq="1h", tz="UTC")
    frame = pd.DataFrame(
        {
            "Open": [1.1, 1.10001, 1.1],
            "High": [1.2, 1.2, 1.2],
            "Low": [1.0, 1.0, 1.0],
            "Close": [1.1, 1.1, 1.1],
            "tick_volume": [1, 2, 3],
            "note": ["a", "b", "c"],
        }
    )
    column = {
        "timestamps": index,
        "text": index.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "milliseconds": index.as_unit("ms").asi8,
        "naive": index.tz_localize(None),
    }[times]
    frame.insert(0, "Time", column)
    path = tmp_path / f"bars.{kind}"
    getattr(frame, f"to_{kind}")(path)
    options = ReadOptions(zone="UTC" if times == "naive" else None)

    assert holds_bars(path, options)
    import_bars([path], "EURUSD", tmp_path / "d", spread=ONE, options=options)

    bars = BarStore(tmp_path / "d").read("EURUSD", 3_600_000)
    assert bars.open_time_ms.tolist() == index.as_unit("ms").asi8.tolist()
    assert bars.bid[1].tolist() == [110001, 120000, 100000, 110000]
    assert bars.tick_count.tolist() == [1, 2, 3]


@pytest.mark.parametrize("kind", ["csv", "parquet", "feather"])
@pytest.mark.parametrize("times", ["dates", "text", "dotted", "timestamps"])
def test_daily_bars_of_dates_alone_begin_at_midnight_of_the_zone_that_is_said(
    tmp_path: Path, kind: str, times: str
) -> None:
    index = pd.date_range("2024-01-02", periods=3, freq="1D")
    column = {
        "dates": index.date,
        "text": index.strftime("%Y-%m-%d"),
        "dotted": index.strftime("%Y.%m.%d"),
        "timestamps": index,
    }[times]
    frame = pd.DataFrame({"time": column, "open": [1.1] * 3, "high": [1.2] * 3, "low": [1.0] * 3, "close": [1.1] * 3})
    path = tmp_path / f"bars.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else getattr(frame, f"to_{kind}")(path)

    with pytest.raises(DataError, match=r"row [12], column time: expected a time with its zone, .* --zone: UTC"):
        import_bars([path], "EURUSD", tmp_path / "d", spread=ONE)
    import_bars([path], "EURUSD", tmp_path / "d", spread=ONE, options=ReadOptions(zone="UTC"))

    bars = BarStore(tmp_path / "d").read("EURUSD", 86_400_000)
    assert bars.open_time_ms.tolist() == index.as_unit("ms").asi8.tolist()


def test_columns_of_a_table_are_what_the_user_says(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    times = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    pd.DataFrame({"w": times, "a": [1.1, 1.1], "b": [1.2, 1.2], "c": [1.0, 1.0], "d": [1.1, 1.1]}).to_parquet(path)
    options = ReadOptions(columns={"time": "w", "open": "a", "high": "b", "low": "c", "close": "d"})

    assert not holds_bars(path, ReadOptions())
    assert import_bars([path], "EURUSD", tmp_path / "d", spread=ONE, options=options).imports[0].bars == 2
    with pytest.raises(DataError, match=r"--columns close=e: no such column; found w, a, b, c, d"):
        import_bars(
            [path],
            "EURUSD",
            tmp_path,
            spread=ONE,
            options=ReadOptions(columns={**(options.columns or {}), "close": "e"}),
        )


def test_flat_bars_without_volume_are_no_bars_and_are_counted(tmp_path: Path) -> None:
    closed = "26.03.2025 00:02:00.000,1.07886,1.07886,1.07886,1.07886,0\n"

    report, bars = bring(tmp_path, DUKASCOPY + closed)

    assert len(bars) == 2
    assert "1 flat bars without volume were left out: nothing was traded in them" in report.imports[0].notes


def test_volumes_that_are_all_zero_say_nothing(tmp_path: Path) -> None:
    flat = "20120201 000200;1.306560;1.306560;1.306560;1.306560;0\n"

    _, bars = bring(tmp_path, HISTDATA + flat)

    assert len(bars) == 3


@pytest.mark.parametrize(
    ("text", "is_bars"),
    [
        (MT5, True),
        (HISTDATA, True),
        (BOTH_SIDES, True),
        (TRADINGVIEW.replace("Volume,", "close,"), True),
        ("timestamp,bid,ask\n2024-01-15T00:00:00Z,1.1,1.2\n", False),
        ("timestamp,open,high,low,close,bid,ask\n2024-01-15T00:00:00Z,1,1,1,1,1.1,1.2\n", False),
        ("20120201 000003660,1.3066,1.30677,0\n", False),
        ("<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n", False),
        ("", False),
        ("a,b\n1,2\n", False),
    ],
)
def test_bars_are_told_from_ticks(tmp_path: Path, text: str, is_bars: bool) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)

    assert holds_bars(path, ReadOptions()) is is_bars


def test_format_that_is_asked_for_is_the_only_one_that_is_tried(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(DUKASCOPY)

    assert holds_bars(path, ReadOptions(format="dukascopy"))
    assert holds_bars(path, ReadOptions(format="columns"))
    assert not holds_bars(path, ReadOptions(format="histdata"))


def test_pair_of_bars_is_told_by_their_symbols(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(CTRADER)
    assert symbol_in(path, ReadOptions()) == "EURUSD"

    with pytest.raises(DataError, match="row 2, column Instrument: expected GBPUSD, found 'EURUSD'"):
        import_bars([path], "GBPUSD", tmp_path / "d", spread=ONE, options=ReadOptions(zone="UTC"))


def test_side_is_told_by_the_name_or_by_the_flag(tmp_path: Path) -> None:
    named, _ = bring(tmp_path, DUKASCOPY, "EURUSD_Candlestick_1_M_ASK_26.03.2025.csv")
    assert named.imports[0].sides == "ask"
    (tmp_path / "m").mkdir()
    said, _ = bring(tmp_path / "m", DUKASCOPY, "EURUSD_ASK.csv", side=Side.MID)
    assert said.imports[0].sides == "mid"


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_table_whose_names_are_no_text_is_damage(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"bars.{kind}"
    frame = pd.DataFrame({name: [1.1, 1.1] for name in ("open", "high", "low", "close")})
    frame.insert(0, "time", pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC"))
    getattr(frame, f"to_{kind}")(path)
    # Arrow hands the names on as they stand in the file.
    path.write_bytes(path.read_bytes().replace(b"close", b"cl\xffse"))

    assert not holds_bars(path, ReadOptions())
    with pytest.raises(DataError, match=r"bars.*: (could not be read|expected columns of time)"):
        import_bars([path], "EURUSD", tmp_path / "d", spread=ONE)


def test_text_that_ends_within_a_character_is_told_as_another_encoding(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(DUKASCOPY.encode() + b"26.03.2025 00:02:00.000,1.0\xef")

    with pytest.raises(DataError, match="row 4: expected UTF-8 text, found another encoding"):
        import_bars([path], "EURUSD", tmp_path / "d", spread=ONE)

    assert capfd.readouterr().err == ""
