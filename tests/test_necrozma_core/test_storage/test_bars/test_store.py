"""Bars at rest: what was stored is what is read, or an error."""

from dataclasses import replace
from pathlib import Path
from random import Random

import duckdb
import numpy as np
import pytest
from dying_disk import Died, DyingFiles
from hypothesis import given, settings
from hypothesis import strategies as st
from quote_bar_samples import HOUR_MS, make_bars, same_bars
from tick_samples import make, utc_ms

from necrozma_core.errors import DamagedError, DataError, LockedError, StorageError, UnknownPairError
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.bars.encoding import ROW_GROUP_ROWS
from necrozma_core.storage.bars.manifest import MANIFEST_FILE, BarSource
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.ticks.store import TickStore

SPREAD = "fixed 1.2 pips"


def source(name: str) -> BarSource:
    return BarSource(name, (name.encode().hex() * 64)[:64], "UTC", "bid")


def folder_of(data: Path) -> Path:
    return data / "EURUSD" / "bars" / "1h"


@st.composite
def any_bars(draw: st.DrawFn) -> QuoteBars:
    number = draw(st.integers(1, 30))
    timeframe_ms = draw(st.sampled_from([1_000, 60_000, HOUR_MS, 86_400_000]))
    waits = draw(st.lists(st.sampled_from([1, 2, 50]), min_size=number, max_size=number))
    prices = np.array(draw(st.lists(st.integers(1, 999_999_999), min_size=8 * number, max_size=8 * number)), np.int64)
    # Of eight prices the four lower ones are the bid, and of each four the ends are low and high.
    ordered = np.sort(prices.reshape(number, 8), axis=1)
    low_first = [1, 3, 0, 2]
    counts = draw(st.lists(st.integers(0, 2**31 - 1), min_size=number, max_size=number))
    return QuoteBars(
        pair=get_pair("USDCHF"),
        timeframe_ms=timeframe_ms,
        digits=draw(st.integers(0, 9)),
        open_time_ms=timeframe_ms * (draw(st.integers(0, 20_000)) + np.cumsum(waits)).astype(np.int64),
        bid=ordered[:, :4][:, low_first].astype(np.int32),
        ask=ordered[:, 4:][:, low_first].astype(np.int32),
        tick_count=np.array(counts, np.int32),
    )


# Each of these writes to the disk and waits for it.
@settings(max_examples=settings.default.max_examples // 3)
@given(bars=any_bars())
def test_store_gives_back_what_was_added(tmp_path_factory: pytest.TempPathFactory, bars: QuoteBars) -> None:
    store = BarStore(tmp_path_factory.mktemp("any"))

    (added,) = store.add([(source("a.csv"), bars)], SPREAD)

    assert added.bars == len(bars)
    read = store.read("USDCHF", bars.timeframe_ms)
    assert same_bars(read, bars)
    assert [read.open_time_ms.dtype, read.bid.dtype, read.ask.dtype, read.tick_count.dtype] == [
        np.int64,
        np.int32,
        np.int32,
        np.int32,
    ]
    assert store.pairs() == ["USDCHF"]
    assert store.timeframes("USDCHF") == [bars.timeframe_ms]


def test_store_that_is_empty_has_nothing(tmp_path: Path) -> None:
    store = BarStore(tmp_path / "missing")

    assert store.pairs() == []
    assert store.timeframes("EURUSD") == []
    assert store.summaries() == []
    with pytest.raises(DataError, match="no bars of EURUSD of 1h there; import some"):
        store.read("EURUSD", HOUR_MS)
    with pytest.raises(UnknownPairError):
        store.timeframes("../EURUSD")


def test_store_keeps_timeframes_and_ticks_of_a_pair_apart(tmp_path: Path) -> None:
    store, ticks = BarStore(tmp_path), TickStore(tmp_path)
    hours, days = make_bars("2024-01-01", 48), make_bars("2024-01-01", 5, timeframe_ms=86_400_000)
    ticks.write(make("2024-01-01", 100))

    store.add([(source("h.csv"), hours)], SPREAD)
    store.add([(source("d.csv"), days)], "bid and ask")

    assert store.timeframes("EURUSD") == [HOUR_MS, 86_400_000]
    assert same_bars(store.read("EURUSD", HOUR_MS), hours)
    assert same_bars(store.read("EURUSD", 86_400_000), days)
    assert ticks.pairs() == ["EURUSD"]
    assert len(ticks.read("EURUSD")) == 100
    ticks.write(make("2025-01-01", 100))
    assert len(store.summaries()) == 2


def test_summary_comes_from_the_record(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.add([(source("a.csv"), make_bars("2024-01-01", 10))], SPREAD)

    (summary,) = store.summaries()

    assert (summary.pair, summary.timeframe_ms, summary.bars, summary.digits) == ("EURUSD", HOUR_MS, 10, 5)
    assert (summary.first_ms, summary.last_ms) == (utc_ms("2024-01-01"), utc_ms("2024-01-01T09:00"))
    assert summary.spread == SPREAD
    (file,) = folder_of(tmp_path).glob("*.parquet")
    assert summary.size_bytes == file.stat().st_size


def test_file_shows_true_prices_to_other_readers(tmp_path: Path) -> None:
    bars = make_bars("2024-01-01", 3)
    BarStore(tmp_path).add([(source("a.csv"), bars)], SPREAD)
    (file,) = folder_of(tmp_path).glob("*.parquet")

    (row,) = duckdb.sql(f"select time::text, bid_open, ask_close, ticks from '{file}' limit 1").fetchall()

    assert row[0].startswith("2024-01-01 00:00:00")
    assert [float(price) for price in row[1:3]] == [bars.bid[0, 0] / 1e5, bars.ask[0, 3] / 1e5]
    assert row[3] == bars.tick_count[0]


def test_adding_the_same_again_changes_nothing(tmp_path: Path) -> None:
    store, bars = BarStore(tmp_path), make_bars("2024-01-01", 48)
    store.add([(source("a.csv"), bars)], SPREAD)
    before = {path: path.read_bytes() for path in folder_of(tmp_path).glob("*") if path.name != ".lock"}

    assert store.holds("EURUSD", HOUR_MS, source("a.csv"))
    assert store.add([(source("a.csv"), bars)], SPREAD) == []

    assert {path: path.read_bytes() for path in folder_of(tmp_path).glob("*") if path.name != ".lock"} == before


def test_longer_download_extends_what_is_stored(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.add([(source("january.csv"), make_bars("2024-01-10", 48))], SPREAD)
    before = store.fingerprint("EURUSD", HOUR_MS)

    (added,) = store.add([(source("longer.csv"), make_bars("2024-01-09", 96))], SPREAD)

    assert added.bars == 48
    assert same_bars(store.read("EURUSD", HOUR_MS), make_bars("2024-01-09", 96))
    assert store.fingerprint("EURUSD", HOUR_MS) != before
    assert len(list(folder_of(tmp_path).glob("*.parquet"))) == 1


@pytest.mark.parametrize("seed", range(5))
def test_order_of_imports_does_not_show(tmp_path: Path, seed: int) -> None:
    parts = [
        (source(f"{day}.csv"), make_bars(f"2024-01-{day:02}", 24 * length))
        for day, length in ((1, 3), (2, 1), (3, 4), (9, 2), (8, 2))
    ]
    once = BarStore(tmp_path / "once")
    once.add(parts, SPREAD)
    Random(seed).shuffle(parts)
    one_by_one = BarStore(tmp_path / "one by one")
    for part in parts:
        one_by_one.add([part], SPREAD)

    assert once.fingerprint("EURUSD", HOUR_MS) == one_by_one.fingerprint("EURUSD", HOUR_MS)


def test_bars_that_differ_are_named_with_both_readings(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.add([(source("old.csv"), make_bars("2024-01-01", 24))], SPREAD)
    other = make_bars("2024-01-01", 48)
    other.ask[5, 1] += 1

    with pytest.raises(DataError) as refused:
        store.add([(source("new.csv"), other)], SPREAD)

    high = other.ask[5, 1] / 1e5
    assert (
        "new.csv and what is stored of old.csv differ in 1 of the bars that both cover, first at 2024-01-01 05:00"
        in (str(refused.value))
    )
    assert f"{high:.5f}" in str(refused.value)
    assert "`necrozma data remove EURUSD --timeframe 1h`" in str(refused.value)
    assert same_bars(store.read("EURUSD", HOUR_MS), make_bars("2024-01-01", 24))


def test_bar_that_only_one_of_two_has_is_a_difference(tmp_path: Path) -> None:
    store, whole = BarStore(tmp_path), make_bars("2024-01-01", 24)
    keep = np.arange(24) != 7
    holed = replace(
        whole,
        open_time_ms=whole.open_time_ms[keep],
        bid=whole.bid[keep],
        ask=whole.ask[keep],
        tick_count=whole.tick_count[keep],
    )
    store.add([(source("holed.csv"), holed)], SPREAD)

    with pytest.raises(DataError, match="first at 2024-01-01 07:00"):
        store.add([(source("whole.csv"), whole)], SPREAD)


def test_two_of_one_import_that_differ_store_nothing(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    other = make_bars("2024-01-01", 24, seed=2)

    with pytest.raises(DataError, match=r"b.csv and a.csv differ in 24 of the bars"):
        store.add([(source("a.csv"), make_bars("2024-01-01", 24)), (source("b.csv"), other)], SPREAD)

    assert store.pairs() == []


def test_another_spread_is_refused(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.add([(source("a.csv"), make_bars("2024-01-01", 24))], SPREAD)

    with pytest.raises(DataError, match=r"have the spread fixed 1.2 pips, these the file's own; import them"):
        store.add([(source("b.csv"), make_bars("2024-02-01", 24))], "the file's own")


def test_coarse_bars_are_raised_to_the_finest_digits(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    coarse, fine = make_bars("2023-01-01", 5, digits=4), make_bars("2024-01-01", 5)
    store.add([(source("coarse.csv"), coarse)], SPREAD)

    store.add([(source("fine.csv"), fine)], SPREAD)

    read = store.read("EURUSD", HOUR_MS)
    assert read.digits == 5
    assert np.array_equal(read.bid, np.concatenate([coarse.bid * 10, fine.bid]))
    with pytest.raises(DataError, match="at most nine digits"):
        store.add([(source("huge.csv"), make_bars("2025-01-01", 5, digits=9))], SPREAD)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda bars: bars.bid[2].__setitem__(2, 0), "a bid above zero"),
        (lambda bars: bars.ask[2].__setitem__(1, 2**30), "at most nine digits"),
        (lambda bars: bars.bid[2].__setitem__(1, 1), "the high the highest"),
        (lambda bars: bars.ask[2].__setitem__(0, 10**8), "the high the highest"),
        (lambda bars: bars.ask[2].__isub__(500), "an ask at or above the bid"),
        (lambda bars: bars.tick_count.__setitem__(2, -1), "a number of ticks"),
        (lambda bars: bars.open_time_ms.__setitem__(2, bars.open_time_ms[1] + 1), "rise by at least 1h"),
    ],
)
def test_arrays_that_are_no_bars_are_refused(tmp_path: Path, change, expected: str) -> None:  # type: ignore[no-untyped-def]
    bars = make_bars("2024-01-01", 5)
    change(bars)

    with pytest.raises(DataError, match=expected):
        BarStore(tmp_path).add([(source("a.csv"), bars)], SPREAD)


def test_no_bars_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a.csv: expected bars of EURUSD, found none"):
        BarStore(tmp_path).add([(source("a.csv"), make_bars("2024-01-01", 0))], SPREAD)


def test_range_is_removed_and_can_come_back(tmp_path: Path) -> None:
    store, bars = BarStore(tmp_path), make_bars("2024-01-01", 72)
    store.add([(source("a.csv"), bars)], SPREAD)
    before = store.fingerprint("EURUSD", HOUR_MS)

    assert store.remove("EURUSD", HOUR_MS, utc_ms("2024-01-02"), utc_ms("2024-01-03")) == 24

    assert len(store.read("EURUSD", HOUR_MS)) == 48
    assert not store.holds("EURUSD", HOUR_MS, source("a.csv"))
    (added,) = store.add([(source("a.csv"), bars)], SPREAD)
    assert added.bars == 24
    assert store.fingerprint("EURUSD", HOUR_MS) == before


def test_all_bars_of_a_timeframe_are_removed(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.add([(source("a.csv"), make_bars("2024-01-01", 72))], SPREAD)

    assert store.remove("EURUSD", HOUR_MS) == 72

    assert store.pairs() == []
    assert list(folder_of(tmp_path).glob("*.parquet")) == []
    with pytest.raises(DataError, match="no bars of EURUSD"):
        store.remove("EURUSD", HOUR_MS)


def test_changed_byte_is_seen_before_it_is_parsed(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.add([(source("a.csv"), make_bars("2024-01-01", 72))], SPREAD)
    (file,) = folder_of(tmp_path).glob("*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(DamagedError, match="expected sha256"):
        store.read("EURUSD", HOUR_MS)
    with pytest.raises(DamagedError, match="expected sha256"):
        store.add([(source("b.csv"), make_bars("2025-01-01", 72))], SPREAD)
    assert store.remove("EURUSD", HOUR_MS) == 72


def test_missing_and_torn_files_are_damage(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.add([(source("a.csv"), make_bars("2024-01-01", 72))], SPREAD)
    (file,) = folder_of(tmp_path).glob("*.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    for ask in (store.read, store.fingerprint):
        with pytest.raises(DamagedError, match="bytes, found"):
            ask("EURUSD", HOUR_MS)
    file.unlink()
    for ask in (store.read, store.fingerprint):
        with pytest.raises(DamagedError, match="missing; restore it, or remove"):
            ask("EURUSD", HOUR_MS)


def test_manifest_of_another_folder_or_with_a_changed_byte_is_damage(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.add([(source("a.csv"), make_bars("2024-01-01", 72))], SPREAD)
    manifest = folder_of(tmp_path) / MANIFEST_FILE
    elsewhere = tmp_path / "GBPUSD" / "bars" / "1h"
    elsewhere.mkdir(parents=True)
    (elsewhere / MANIFEST_FILE).write_bytes(manifest.read_bytes())
    with pytest.raises(DamagedError, match="does not describe the bars of"):
        store.summary("GBPUSD", HOUR_MS)
    manifest.write_text(manifest.read_text().replace('"bars": 72', '"bars": 71'))
    with pytest.raises(DamagedError, match="does not match its own hash"):
        store.summary("EURUSD", HOUR_MS)


def test_import_into_the_same_bars_is_refused_while_another_runs(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    with lock_results(folder_of(tmp_path)), pytest.raises(LockedError, match="another import into it is running"):
        store.add([(source("a.csv"), make_bars("2024-01-01", 72))], SPREAD)


def test_reading_tells_how_far_it_is(tmp_path: Path) -> None:
    number = ROW_GROUP_ROWS + 5
    bars = make_bars("2024-01-01", 1, timeframe_ms=1_000)
    many = replace(
        bars,
        open_time_ms=bars.open_time_ms[0] + 1_000 * np.arange(number, dtype=np.int64),
        bid=np.repeat(bars.bid, number, axis=0),
        ask=np.repeat(bars.ask, number, axis=0),
        tick_count=np.repeat(bars.tick_count, number),
    )
    store, seen = BarStore(tmp_path), []  # type: ignore[var-annotated]
    store.add([(source("a.csv"), many)], SPREAD)

    assert same_bars(store.read("EURUSD", 1_000, seen.append), many)
    assert seen == [0, ROW_GROUP_ROWS, number]


def test_death_at_any_call_leaves_old_or_new_bars(tmp_path: Path) -> None:
    old, new = make_bars("2024-01-01", 24), make_bars("2024-01-01", 48)
    survived, dies_at = False, 0
    while not survived:
        data = tmp_path / str(dies_at)
        BarStore(data).add([(source("old.csv"), old)], SPREAD)
        files = DyingFiles(dies_at)
        try:
            BarStore(data, files=files).add([(source("new.csv"), new)], SPREAD)
            survived = True
        except Died:
            files.cut_power(Random(dies_at))
        read = BarStore(data).read("EURUSD", HOUR_MS)
        assert same_bars(read, old) or same_bars(read, new)
        BarStore(data).add([(source("new.csv"), new)], SPREAD)
        assert same_bars(BarStore(data).read("EURUSD", HOUR_MS), new)
        assert len(list(folder_of(data).glob("*.parquet"))) == 1
        dies_at += 1
    assert dies_at > 8


def test_full_disk_leaves_the_old_bars(tmp_path: Path) -> None:
    old = make_bars("2024-01-01", 24)
    BarStore(tmp_path).add([(source("old.csv"), old)], SPREAD)

    class FullFiles(DyingFiles):
        def sync(self, path: Path) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="free some space"):
        BarStore(tmp_path, files=FullFiles(-1)).add([(source("new.csv"), make_bars("2024-01-01", 48))], SPREAD)

    assert same_bars(BarStore(tmp_path).read("EURUSD", HOUR_MS), old)
