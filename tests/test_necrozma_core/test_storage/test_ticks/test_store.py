"""Ticks at rest: what was stored is what is read, or an error."""

import hashlib
from pathlib import Path
from random import Random
from unittest.mock import patch

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tick_samples import make, same, utc_ms

from necrozma_core.errors import DamagedError, DataError, StorageError, UnknownPairError
from necrozma_core.market.instruments import get_pair
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks import encoding as tick_files
from necrozma_core.storage.ticks.encoding import ROW_GROUP_ROWS, encode_ticks
from necrozma_core.storage.ticks.manifest import MANIFEST_FILE, Source, TickManifest
from necrozma_core.storage.ticks.store import TickStore, no_ticks_error


@st.composite
def any_ticks(draw: st.DrawFn) -> Ticks:
    number = draw(st.integers(1, 40))
    waits = draw(st.lists(st.sampled_from([0, 1, 999, 86_400_000, 40 * 86_400_000]), min_size=number, max_size=number))
    prices = st.lists(st.integers(1, 999_999_999), min_size=number, max_size=number)
    sides = np.sort([draw(prices), draw(prices)], axis=0).astype(np.int32)
    time_ms = draw(st.integers(0, 4_000_000_000_000)) + np.cumsum(waits).astype(np.int64)
    return Ticks(get_pair("USDCHF"), draw(st.integers(0, 9)), time_ms, sides[0], sides[1])


# Each of these writes to the disk and waits for it.
@settings(max_examples=settings.default.max_examples // 3)
@given(ticks=any_ticks())
def test_store_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, ticks: Ticks) -> None:
    store = TickStore(tmp_path_factory.mktemp("any"))

    assert store.write(ticks)
    read = store.read("USDCHF")
    assert same(read, ticks)
    assert [array.dtype for array in (read.time_ms, read.bid, read.ask)] == [np.int64, np.int32, np.int32]
    assert store.pairs() == ["USDCHF"]
    assert not store.write(ticks)


def test_store_writes_a_file_a_year_in_utc(tmp_path: Path) -> None:
    ticks = make("2022-12-31T23:59:50", 100)

    TickStore(tmp_path).write(ticks)

    files = sorted(path.name for path in (tmp_path / "EURUSD").glob("*.parquet"))
    assert [name[:5] for name in files] == ["2022-", "2023-"]
    years = [pq.read_table(tmp_path / "EURUSD" / name)["time"].to_pylist() for name in files]
    assert {time.year for time in years[0]} == {2022}
    assert {time.year for time in years[1]} == {2023}
    assert sum(map(len, years)) == 100
    assert same(TickStore(tmp_path).read("EURUSD"), ticks)


def test_store_reads_many_row_groups_and_tells_how_far_it_is(tmp_path: Path) -> None:
    first, second = make("2021-01-01", 2 * ROW_GROUP_ROWS + 5, step_ms=3), make("2022-01-01", 10)
    store = TickStore(tmp_path)
    store.write(first)
    store.write(second)
    seen: list[int] = []

    read = store.read("EURUSD", on_chunk=seen.append)

    assert len(read) == len(first) + len(second)
    assert np.array_equal(read.time_ms, np.concatenate((first.time_ms, second.time_ms)))
    rows = [0, ROW_GROUP_ROWS, 2 * ROW_GROUP_ROWS, len(first), len(first), len(read)]
    assert [done for done, before in zip(seen, [None, *seen], strict=False) if done != before] == sorted(set(rows))
    assert seen == sorted(seen)


def test_store_raises_coarse_years_to_the_finest_digits(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    coarse, fine = make("2021-03-01", 50, digits=4), make("2022-03-01", 50, digits=5)
    store.write(fine)
    store.write(coarse)

    read = store.read("EURUSD")

    assert read.digits == 5
    assert np.array_equal(read.bid[:50], coarse.bid * 10)
    assert np.array_equal(read.ask[50:], fine.ask)
    spreads = np.concatenate(((coarse.ask - coarse.bid) * 10, fine.ask - fine.bid))
    assert store.summary("EURUSD").median_spread_pips == pytest.approx(np.median(spreads) / 10)


@settings(max_examples=settings.default.max_examples // 4)
@given(st.permutations(range(6)), st.data())
def test_store_does_not_depend_on_the_order_in_which_spans_come(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], data: st.DataObject
) -> None:
    whole = make("2022-12-31T23:58:00", 300)
    cuts = sorted(data.draw(st.lists(st.integers(1, 299), min_size=5, max_size=5, unique=True)))
    parts = [
        Ticks(whole.pair, 5, whole.time_ms[part], whole.bid[part], whole.ask[part])
        for part in (slice(start, end) for start, end in zip([0, *cuts], [*cuts, 300], strict=True))
    ]
    # Two spans may meet in one millisecond, but one that begins and ends there has no place of its own.
    if any(part.time_ms[0] == part.time_ms[-1] for part in parts):
        return
    store, at_once = (TickStore(tmp_path_factory.mktemp("order")) for _ in range(2))

    for position in order:
        store.write(parts[position])
    at_once.add([(Source(f"{position}", f"{position}"), parts[position]) for position in order])

    assert same(store.read("EURUSD"), whole)
    assert store.fingerprint("EURUSD") == at_once.fingerprint("EURUSD")
    assert len(list((store.data_dir / "EURUSD").glob("*.parquet"))) == len(store.manifest("EURUSD").years)
    before, after = store.summary("EURUSD"), at_once.summary("EURUSD")
    assert (before.ticks, before.gaps, before.median_spread_pips) == (after.ticks, after.gaps, after.median_spread_pips)


@pytest.mark.parametrize(("first", "last"), [(0, 10), (5, 15), (2, 8), (0, 5), (9, 10)])
def test_store_refuses_a_span_that_overlaps_another_and_differs(tmp_path: Path, first: int, last: int) -> None:
    def span(start: int, end: int) -> Ticks:
        time_ms = utc_ms("2024-01-01") + 1_000 * np.arange(start, end + 1, dtype=np.int64)
        prices = np.full(len(time_ms), 100 + start, dtype=np.int32)
        return Ticks(get_pair("EURUSD"), 2, time_ms, prices, prices)

    store = TickStore(tmp_path)
    store.write(span(0, 10))
    before = store.fingerprint("EURUSD")

    if first == 0:  # the same ticks
        store.write(span(first, last))
        assert store.fingerprint("EURUSD") == before
    else:
        with pytest.raises(DataError, match=r"and what is stored of ticks both cover .* and differ there: 1.\d\d/"):
            store.write(span(first, last))
    store.write(span(10, 20))
    assert len(store.read("EURUSD")) == 22
    assert store.fingerprint("EURUSD") != before


def test_store_refuses_what_is_no_ticks(tmp_path: Path) -> None:
    good = make("2024-01-01", 10)
    spoiled = {
        "none": Ticks(good.pair, 5, good.time_ms[:0], good.bid[:0], good.ask[:0]),
        "crossed": Ticks(good.pair, 5, good.time_ms, good.ask + np.int32(1), good.ask),
        "backwards": Ticks(good.pair, 5, good.time_ms[::-1] - np.arange(10), good.bid, good.ask),
        "negative": Ticks(good.pair, 5, good.time_ms, good.bid - np.int32(200_000), good.ask),
        "large": Ticks(good.pair, 5, good.time_ms, good.bid, np.full(10, 1_000_000_000, np.int32)),
    }

    for ticks in spoiled.values():
        with pytest.raises(DataError):
            TickStore(tmp_path).write(ticks)
    assert not TickStore(tmp_path).pairs()


def test_store_refuses_digits_that_the_stored_prices_have_no_room_for(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    store.write(make("2021-01-01", 10, digits=2))
    high = make("2022-01-01", 10, digits=2)
    store.write(Ticks(high.pair, 2, high.time_ms, high.bid + np.int32(9_000_000), high.ask + np.int32(9_000_000)))

    with pytest.raises(
        DataError, match=r"expected at most nine digits, found prices of 8 decimals beside one of 90001"
    ):
        store.write(make("2023-01-01", 10, digits=8))
    assert store.read("EURUSD").digits == 2


def test_store_without_ticks_says_how_to_get_some(tmp_path: Path) -> None:
    store = TickStore(tmp_path / "nothing")

    assert store.pairs() == []
    assert store.summaries() == []
    for ask in (store.read, store.fingerprint, store.summary):
        with pytest.raises(DataError) as refusal:
            ask("EURUSD")
        assert str(refusal.value) == str(no_ticks_error(store.data_dir, "EURUSD"))
        with pytest.raises(UnknownPairError):
            ask("../../etc")


def test_no_ticks_error_names_the_whole_path_and_commands_that_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert str(no_ticks_error(Path("my data"))) == (
        f"{tmp_path}/my data: no ticks there; import some with `necrozma data import FILES --pair EURUSD --to "
        f"'{tmp_path}/my data'` or make samples with `necrozma data sample --to '{tmp_path}/my data'`"
    )
    assert "no ticks of GBPUSD there; import some with `necrozma data import FILES --pair GBPUSD --to" in str(
        no_ticks_error(Path("data"), "GBPUSD")
    )


# --- other readers


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Ticks, Path]:
    ticks = make("2024-05-01", 500)
    TickStore(tmp_path).write(ticks)
    return ticks, next((tmp_path / "EURUSD").glob("*.parquet"))


def test_file_shows_duckdb_true_prices(stored: tuple[Ticks, Path]) -> None:
    ticks, path = stored

    rows = duckdb.sql(f"SELECT epoch_ms(time), bid, ask, bid::DOUBLE FROM '{path}'").fetchall()

    assert [row[0] for row in rows] == ticks.time_ms.tolist()
    assert [int(row[1].scaleb(5)) for row in rows] == ticks.bid.tolist()
    assert [int(row[2].scaleb(5)) for row in rows] == ticks.ask.tolist()
    assert [row[3] for row in rows] == (ticks.bid / 10**5).tolist()


def test_file_shows_pandas_true_prices(stored: tuple[Ticks, Path]) -> None:
    ticks, path = stored

    frame = pd.read_parquet(path)

    assert frame.columns.tolist() == ["time", "bid", "ask"]
    assert str(frame["time"].dtype) == "datetime64[ms, UTC]"
    assert (frame["ask"].astype(float) == ticks.ask / 10**5).all()


def test_file_says_what_it_is_and_takes_three_bytes_a_tick(tmp_path: Path) -> None:
    ticks = make("2024-05-01", 100_000)
    TickStore(tmp_path).write(ticks)
    path = next((tmp_path / "EURUSD").glob("*.parquet"))
    metadata = pq.read_schema(path).metadata

    assert metadata[b"necrozma.schema"] == b"ticks/1"
    assert (metadata[b"necrozma.pair"], metadata[b"necrozma.digits"]) == (b"EURUSD", b"5")
    assert path.name == f"2024-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}.parquet"
    assert path.stat().st_size < 3.5 * len(ticks)
    assert encode_ticks(ticks) == path.read_bytes()


def test_file_of_our_own_is_not_decoded_by_the_library(stored: tuple[Ticks, Path]) -> None:
    ticks, path = stored
    with patch.object(tick_files.pq.ParquetFile, "read_row_group", side_effect=AssertionError("asked")):
        assert same(TickStore(path.parents[1]).read("EURUSD"), ticks)


# --- damage


@pytest.mark.faults
def test_store_never_reads_changed_bytes_as_other_ticks(tmp_path: Path) -> None:
    ticks = make("2023-12-31T23:59:00", 300)
    store = TickStore(tmp_path)
    store.write(ticks)
    chance, refused = Random(11), 0
    for path in sorted(path for path in (tmp_path / "EURUSD").iterdir() if path.name != ".lock"):
        good = path.read_bytes()
        for _ in range(300):
            bad = bytearray(good)
            for _ in range(chance.randint(1, 3)):
                bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
            path.write_bytes(bad[: chance.choice([len(bad), len(bad), chance.randrange(len(bad))])])
            try:
                read = store.read("EURUSD")
            except (DamagedError, StorageError):
                refused += 1
            else:
                assert same(read, ticks)
        path.write_bytes(good)
    assert refused > 800
    assert same(store.read("EURUSD"), ticks)


@pytest.mark.parametrize("spoil", ["gone", "short"])
def test_store_notices_a_missing_or_shorter_file_without_reading_it(stored: tuple[Ticks, Path], spoil: str) -> None:
    _, path = stored
    if spoil == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    store = TickStore(path.parents[1])

    for ask in (store.fingerprint, store.read):
        with pytest.raises(DamagedError, match=r"missing|expected .* bytes, found"):
            ask("EURUSD")
    assert store.summary("EURUSD").ticks == 500


def test_store_refuses_to_add_to_a_damaged_year(stored: tuple[Ticks, Path]) -> None:
    _, path = stored
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)

    with pytest.raises(DamagedError):
        TickStore(path.parents[1]).write(make("2024-08-01", 10))


def test_store_refuses_a_manifest_of_a_later_version(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    store.write(make("2024-05-01", 10))
    with patch("necrozma_core.storage.ticks.manifest._SCHEMA", "ticks-manifest/2"):
        folder = tmp_path / "EURUSD"
        (folder / MANIFEST_FILE).unlink()
        store.write(make("2024-05-01", 10))

    with pytest.raises(StorageError, match="expected ticks-manifest/1, found 'ticks-manifest/2'; use the version"):
        store.read("EURUSD")


def test_store_refuses_the_manifest_of_another_pair(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    store.write(make("2024-05-01", 10))
    (tmp_path / "EURUSD").rename(tmp_path / "GBPUSD")

    with pytest.raises(DamagedError, match="does not describe GBPUSD"):
        store.read("GBPUSD")


def test_store_reads_on_when_an_import_replaces_a_year_meanwhile(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    store.write(make("2024-05-01", 10))
    old = store.manifest("EURUSD")
    store.write(make("2024-08-01", 10))
    read_manifest = TickStore.manifest
    given_out = iter([old])

    def manifest(self: TickStore, pair_name: str) -> TickManifest:
        return next(given_out, None) or read_manifest(self, pair_name)

    with patch.object(TickStore, "manifest", manifest):
        assert len(store.read("EURUSD")) == 20


def test_store_removes_what_a_killed_import_left_behind(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    store.write(make("2024-05-01", 10))
    stray = tmp_path / "EURUSD" / "2019-0123456789ab.parquet"
    kept = tmp_path / "EURUSD" / "notes.parquet"
    for path in (stray, kept):
        path.write_bytes(b"left behind")

    store.write(make("2024-08-01", 10))

    assert not stray.exists()
    assert kept.exists()


@pytest.mark.parametrize(("start", "end"), [(None, None), (3, 7), (0, 5), (5, None), (None, 5), (9, 10), (20, 30)])
def test_remove_takes_the_range_out_and_it_can_be_brought_again(
    tmp_path: Path, start: int | None, end: int | None
) -> None:
    ticks = make("2023-12-31T23:59:55", 10)
    first = int(ticks.time_ms[0])
    store = TickStore(tmp_path)
    store.write(ticks)
    before = store.fingerprint("EURUSD")
    limits = [None if edge is None else first + 1_000 * edge for edge in (start, end)]
    outside = (ticks.time_ms < (limits[0] if limits[0] is not None else 0)) | (
        ticks.time_ms >= (limits[1] if limits[1] is not None else 2**62)
    )

    removed = store.remove("EURUSD", *limits)

    assert removed == len(ticks) - outside.sum()
    if outside.any():
        assert (store.read("EURUSD").time_ms == ticks.time_ms[outside]).all()
    else:
        assert store.pairs() == []
    store.write(ticks)
    assert store.fingerprint("EURUSD") == before
