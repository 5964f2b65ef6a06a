"""Bars written in each layout and read back are the same bars, whatever their number, prices and timeframe."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quote_bar_samples import HOUR_MS, make_bars, same_bars
from tick_samples import utc_ms

from necrozma_core.errors import DataError, UsageError
from necrozma_core.feeds.bars.export import export_bars
from necrozma_core.feeds.bars.intake import import_bars
from necrozma_core.feeds.bars.sides import Spread
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.bars.manifest import BarSource
from necrozma_core.storage.bars.store import BarStore

NOW = 1_700_000_000 * 10**9
MINUTE_MS = 60_000
_NY_WINTER_HOURS = 2


@st.composite
def eurusd_bars(draw: st.DrawFn) -> QuoteBars:
    """Bars of a fixed spread in points, at times that no zone's clock change makes ambiguous."""
    number = draw(st.integers(3, 25))
    timeframe_ms = draw(st.sampled_from([MINUTE_MS, 5 * MINUTE_MS, 60 * MINUTE_MS]))
    # Of a few bars the timeframe is a distance that is there twice.
    waits = [1, 1, *draw(st.lists(st.sampled_from([1, 1, 1, 2, 7]), min_size=number - 3, max_size=number - 3))]
    steps = np.concatenate([[0], np.cumsum(waits)]).astype(np.int64)
    start = draw(st.integers(0, 40)) * 86_400_000 + 1_673_222_400_000  # 9 January 2023
    base = draw(st.integers(90_000, 149_000))
    moves = np.array(draw(st.lists(st.integers(0, 999), min_size=4 * number, max_size=4 * number)), np.int64)
    ordered = np.sort(moves.reshape(number, 4), axis=1)
    bid = (base + ordered[:, [1, 3, 0, 2]]).astype(np.int32)
    bid[0, 1] += 1 - bid[0, 1] % 2  # an odd high, so that five decimals are needed
    spread = draw(st.integers(0, 99))
    ticks = np.array(draw(st.lists(st.integers(1, 10**6), min_size=number, max_size=number)), np.int32)
    return QuoteBars(
        get_pair("EURUSD"), timeframe_ms, 5, start + timeframe_ms * steps, bid, bid + np.int32(spread), ticks
    )


def times(bars: QuoteBars, hours: int = 0) -> list[str]:
    return [
        str(time) for time in (bars.open_time_ms + hours * 3_600_000).view("datetime64[ms]").astype("datetime64[s]")
    ]


def prices(row: np.ndarray) -> list[str]:
    return [f"{points / 1e5:.5f}" for points in row]


def tradingview(bars: QuoteBars) -> tuple[str, ReadOptions]:
    seconds = (bars.open_time_ms // 1000).tolist()
    rows = [f"{time},{','.join(prices(bid))}" for time, bid in zip(seconds, bars.bid, strict=True)]
    return "\n".join(["time,open,high,low,close", *rows]), ReadOptions()


def histdata(bars: QuoteBars) -> tuple[str, ReadOptions]:
    clock = [time.replace("-", "").replace("T", " ").replace(":", "") for time in times(bars, -5)]
    rows = [f"{time};{';'.join(prices(bid))};0" for time, bid in zip(clock, bars.bid, strict=True)]
    return "\n".join(rows), ReadOptions()


def metatrader_4(bars: QuoteBars) -> tuple[str, ReadOptions]:
    clock = [time.replace("-", ".").replace("T", ",")[:16] for time in times(bars, _NY_WINTER_HOURS)]
    whole = zip(clock, bars.bid, bars.tick_count, strict=True)
    return "\n".join(f"{time},{','.join(prices(bid))},{count}" for time, bid, count in whole), ReadOptions(
        zone="America/New_York+7"
    )


def metatrader_5(bars: QuoteBars) -> tuple[str, ReadOptions]:
    header = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    spread = int(bars.ask[0, 0] - bars.bid[0, 0])
    rows = []
    for time, bid, count in zip(times(bars), bars.bid, bars.tick_count, strict=True):
        clock = time.replace("-", ".").split("T")
        rows.append("\t".join([*clock, *prices(bid), str(count), "0", str(spread)]))
    return "\r\n".join([header, *rows]), ReadOptions(zone="UTC")


def dukascopy(bars: QuoteBars) -> tuple[str, ReadOptions]:
    rows = []
    for time, bid in zip(times(bars), bars.bid, strict=True):
        day, clock = time.split("T")
        rows.append(f"{'.'.join(reversed(day.split('-')))} {clock}.000,{','.join(prices(bid))},1.5")
    return "\n".join(["Gmt time,Open,High,Low,Close,Volume", *rows]), ReadOptions()


def whole_points(bars: QuoteBars) -> tuple[str, ReadOptions]:
    rows = [
        f"{time.replace('T', ' ')},{','.join(f'{points}.0' for points in bid)},{count}"
        for time, bid, count in zip(times(bars), bars.bid, bars.tick_count, strict=True)
    ]
    return "\n".join(["Date,open,high,low,close,tick_volume", *rows]), ReadOptions(zone="UTC")


LAYOUTS = [tradingview, histdata, metatrader_4, metatrader_5, dukascopy, whole_points]
COUNTING = {metatrader_4, metatrader_5, whole_points}


@settings(max_examples=settings.default.max_examples // 4)
@pytest.mark.parametrize("layout", LAYOUTS)
@given(bars=eurusd_bars())
def test_layout_read_back_gives_the_same_bars(
    tmp_path_factory: pytest.TempPathFactory, layout: Callable[[QuoteBars], tuple[str, ReadOptions]], bars: QuoteBars
) -> None:
    folder = tmp_path_factory.mktemp("layout")
    text, options = layout(bars)
    (folder / "x.csv").write_text(text)
    spread = Spread.parse(f"{int(bars.ask[0, 0] - bars.bid[0, 0]) / 10:g}")

    import_bars([folder / "x.csv"], "EURUSD", folder / "d", spread=spread, options=options, now_ns=lambda: NOW)

    read = BarStore(folder / "d").read("EURUSD", bars.timeframe_ms)
    if layout not in COUNTING:
        bars.tick_count[:] = 0
    assert same_bars(read, bars)


@settings(max_examples=settings.default.max_examples // 4)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@given(bars=eurusd_bars())
def test_export_imported_again_gives_the_same_bars(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, bars: QuoteBars
) -> None:
    folder = tmp_path_factory.mktemp("export")
    path = folder / f"bars{suffix}"
    BarStore(folder / "a").add([(BarSource("a", "a" * 64), bars)], "bid and ask")

    assert export_bars(BarStore(folder / "a"), "EURUSD", bars.timeframe_ms, path) == len(bars)
    import_bars([path], "EURUSD", folder / "b", now_ns=lambda: NOW)

    fingerprints = {BarStore(folder / name).fingerprint("EURUSD", bars.timeframe_ms) for name in "ab"}
    assert len(fingerprints) == 1
    other = pa_csv.read_csv(path) if suffix == ".csv" else pq.read_table(path)
    assert [float(price) for price in other["ask_high"].to_pylist()] == (bars.ask[:, 1] / 1e5).tolist()


@settings(max_examples=settings.default.max_examples // 4)
@given(bars=eurusd_bars(), cut=st.integers(2, 23), seed=st.integers(0, 99))
def test_split_files_are_one_and_rows_out_of_order_are_refused(
    tmp_path_factory: pytest.TempPathFactory, bars: QuoteBars, cut: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("split")
    text, options = tradingview(bars)
    header, *rows = text.split("\n")
    given = {"spread": Spread.parse("1"), "options": options, "now_ns": lambda: NOW}
    (folder / "whole.csv").write_text(text)
    import_bars([folder / "whole.csv"], "EURUSD", folder / "whole", **given)  # type: ignore[arg-type]
    whole = BarStore(folder / "whole").fingerprint("EURUSD", bars.timeframe_ms)

    steps = np.diff(bars.open_time_ms) // bars.timeframe_ms
    if all(np.count_nonzero(part == 1) > 1 for part in (steps[: cut - 1], steps[cut:])):
        (folder / "1.csv").write_text("\n".join([header, *rows[:cut]]))
        (folder / "2.csv").write_text("\n".join([header, *rows[cut:]]))
        import_bars([folder / "2.csv", folder / "1.csv"], "EURUSD", folder / "parts", **given)  # type: ignore[arg-type]
        assert BarStore(folder / "parts").fingerprint("EURUSD", bars.timeframe_ms) == whole

    shuffled = np.random.default_rng(seed).permutation(len(rows))
    (folder / "shuffled.csv").write_text("\n".join([header, *(rows[row] for row in shuffled)]))
    if (shuffled == np.arange(len(rows))).all():
        return
    with pytest.raises(DataError, match="sort the file by time"):
        import_bars([folder / "shuffled.csv"], "EURUSD", folder / "shuffled", **given)  # type: ignore[arg-type]


def test_export_takes_a_range_and_refuses_what_cannot_be(tmp_path: Path) -> None:
    store = BarStore(tmp_path / "d")
    store.add([(BarSource("a", "a" * 64), make_bars("2023-01-02", 48))], "bid and ask")

    whole_day = export_bars(store, "EURUSD", HOUR_MS, tmp_path / "x.csv", utc_ms("2023-01-03"), utc_ms("2023-01-04"))
    assert whole_day == 24
    assert (tmp_path / "x.csv").read_text().splitlines()[1].startswith("2023-01-03T00:00:00.000Z,")
    with pytest.raises(UsageError, match="exists already"):
        export_bars(store, "EURUSD", HOUR_MS, tmp_path / "x.csv")
    with pytest.raises(UsageError, match=r"ends in .csv or .parquet"):
        export_bars(store, "EURUSD", HOUR_MS, tmp_path / "x.xlsx")
    with pytest.raises(DataError, match="no bars of 1h in that range"):
        export_bars(store, "EURUSD", HOUR_MS, tmp_path / "y.csv", utc_ms("2024-01-03"))
    assert not (tmp_path / "y.csv").exists()
