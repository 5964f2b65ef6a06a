"""Parquet, and CSV with timestamp, bid and ask."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.named import find_columns
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import import_files
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.store import TickStore

UTC_MS = pa.timestamp("ms", "UTC")


def table(**columns: object) -> pa.Table:
    default = {
        "timestamp": pa.array([1_705_276_800_000, 1_705_276_800_000, 1_705_276_801_500], UTC_MS),
        "bid": [1.08512, 1.08511, 1.0852],
        "ask": [1.08519, 1.08511, 1.08525],
    }
    return pa.table(default | columns)


def load(tmp_path: Path, content: pa.Table, **options: object) -> Ticks:
    path = tmp_path / "ticks.parquet"
    pq.write_table(content, path)
    import_files([path], "EURUSD", tmp_path / "data", **options)
    return TickStore(tmp_path / "data").read("EURUSD")


@pytest.mark.parametrize(
    "prices",
    [
        lambda values: pa.array(values, pa.float64()),
        lambda values: pa.array([str(value) for value in values]),
        lambda values: pa.array([str(value) for value in values]).dictionary_encode(),
        lambda values: pa.array([str(value) for value in values], pa.large_string()),
        lambda values: pa.array([Decimal(str(value)) for value in values], pa.decimal128(20, 7)),
    ],
)
def test_import_of_parquet_prices_of_any_exact_type_gives_the_same_points(tmp_path: Path, prices: object) -> None:
    plain = table()

    ticks = load(tmp_path, table(**{side: prices(plain[side].to_pylist()) for side in ("bid", "ask")}))

    assert ticks.digits == 5
    assert ticks.bid.tolist() == [108_512, 108_511, 108_520]
    assert ticks.ask.tolist() == [108_519, 108_511, 108_525]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([1_705_276_800, 1_705_276_800, 1_705_276_801], pa.timestamp("s", "America/New_York")),
        pa.array(["2024-01-15T00:00:00Z", "2024-01-15 01:00:00+01:00", "2024-01-15 00:00:01.000Z"]),
    ],
)
def test_import_of_parquet_times_with_a_zone_are_utc(tmp_path: Path, times: pa.Array) -> None:
    ticks = load(tmp_path, table(timestamp=times))

    assert ticks.time_ms.tolist() == [1_705_276_800_000, 1_705_276_800_000, 1_705_276_801_000]


def test_import_of_parquet_times_without_a_zone_needs_one(tmp_path: Path) -> None:
    naive = table(timestamp=table()["timestamp"].cast(pa.timestamp("ms")))

    with pytest.raises(DataError, match=r"ticks.parquet: row 1, column timestamp: expected a time with its zone"):
        load(tmp_path, naive)
    assert load(tmp_path, naive, options=ReadOptions(zone="-05:00")).time_ms[0] == 1_705_276_800_000 + 5 * 3_600_000


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("timestamp", pa.array([True, False, True])),
        ("bid", pa.array([1, 2, 3], pa.float32())),
        ("ask", pa.array([1, 2, 3], pa.int64())),
    ],
)
def test_import_of_parquet_types_that_cannot_be_trusted_are_refused(
    tmp_path: Path, column: str, values: pa.Array
) -> None:
    with pytest.raises(DataError, match=f"ticks.parquet: column {column}: expected .*, found the type {values.type}"):
        load(tmp_path, table(**{column: values}))


def test_import_of_parquet_rows_that_are_bad_are_counted_from_one(tmp_path: Path) -> None:
    dirty = table(bid=[1.08512, None, 1.0851234567])
    path = tmp_path / "ticks.parquet"
    pq.write_table(dirty, path)

    with pytest.raises(
        DataError, match=r"row 2, column bid: expected a value, found ''; 2 bad rows \(1 empty cell, 1 more"
    ):
        import_files([path], "EURUSD", tmp_path / "data")
    report = import_files([path], "EURUSD", tmp_path / "data", quarantine_share=1.0)

    assert report.quarantine_files[0].read_text(encoding="utf-8") == (
        "row,reason,timestamp,bid,ask\n"
        "2,empty cell,2024-01-15 00:00:00.000Z,,1.08511\n"
        "3,more digits than can be stored,2024-01-15 00:00:01.500Z,1.0851234567,1.08525\n"
    )


def test_import_of_parquet_reads_columns_by_name_and_leaves_others_alone(tmp_path: Path) -> None:
    mixed = table(volume=[1, 2, 3], nested=[{"a": 1}] * 3).select(["volume", "ask", "nested", "timestamp", "bid"])

    assert load(tmp_path, mixed.rename_columns(["volume", "Ask", "nested", "Timestamp", "BID"])).bid[0] == 108_512


def test_import_of_our_own_numbers_as_decimals_is_exact(tmp_path: Path) -> None:
    first = load(tmp_path, table())
    stored = next((tmp_path / "data/EURUSD").glob("*.parquet"))
    again = pq.read_table(stored).rename_columns(["timestamp", "bid", "ask"])

    (tmp_path / "again").mkdir()
    second = load(tmp_path / "again", again)

    assert first.digits == second.digits
    assert all((getattr(first, name) == getattr(second, name)).all() for name in ("time_ms", "bid", "ask"))


# Each of these writes to the disk and waits for it.
@settings(max_examples=settings.default.max_examples // 3)
@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 10**6), st.integers(0, 1_000)), min_size=1, max_size=60),
    st.integers(0, 5),
    st.booleans(),
)
def test_import_store_and_read_give_back_the_same_ticks(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, int]], digits: int, parquet: bool
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    times = sorted(1_700_000_000_000 + wait for wait, _, _ in rows)
    bids = [Decimal(bid).scaleb(-digits) for _, bid, _ in rows]
    asks = [Decimal(bid + spread).scaleb(-digits) for _, bid, spread in rows]
    if parquet:
        path = folder / "a.parquet"
        columns = {"timestamp": pa.array(times, UTC_MS), "bid": [*map(float, bids)], "ask": [*map(float, asks)]}
        pq.write_table(pa.table(columns), path)
    else:
        path = folder / "a.csv"
        moments = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time) for time in times)
        cells = (f"{moment.isoformat()},{bid:f},{ask:f}" for moment, bid, ask in zip(moments, bids, asks, strict=True))
        path.write_text("\n".join(["timestamp,bid,ask", *cells]), encoding="utf-8")

    import_files([path], "USDJPY", folder / "data")
    ticks = TickStore(folder / "data").read("USDJPY")

    assert ticks.time_ms.tolist() == times
    assert [Decimal(points).scaleb(-ticks.digits) for points in ticks.bid.tolist()] == bids
    assert [Decimal(points).scaleb(-ticks.digits) for points in ticks.ask.tolist()] == asks
    assert ticks.digits == max(max(0, -int(price.normalize().as_tuple().exponent)) for price in bids + asks)


@pytest.mark.faults
def test_import_of_damaged_parquet_is_refused_or_reads_nothing_impossible(tmp_path: Path) -> None:
    path = tmp_path / "ticks.parquet"
    pq.write_table(table(), path)
    good, chance = path.read_bytes(), Random(3)
    for attempt in range(300):
        damaged = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(8, len(damaged))])])
        with suppress(DataError):
            import_files([path], "EURUSD", tmp_path / f"{attempt}")
            assert len(TickStore(tmp_path / f"{attempt}").read("EURUSD")) == 3


def test_import_of_parquet_with_more_rows_than_bytes_can_hold_is_refused(tmp_path: Path) -> None:
    rows = 3_000_000
    one = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), pa.array([1.5]))
    path = tmp_path / "bomb.parquet"
    times = pa.array([0] * rows, UTC_MS)
    pq.write_table(pa.table({"timestamp": times, "bid": one, "ask": one}), path, compression="zstd")

    with pytest.raises(DataError, match=r"bomb.parquet: 3,000,000 rows in [\d,]+ bytes: no quotes can be that alike"):
        import_files([path], "EURUSD", tmp_path / "data")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            ["moment", "bid", "ask"],
            "expected a header with the columns timestamp, bid, ask, found 'moment, bid, ask'; say which they are with",
        ),
        (["timestamp;bid;ask"], "found 'timestamp;bid;ask'"),
        (["2024-01-15T00:00:00Z", "1.1", "1.2"], "found '2024-01-15T00:00:00Z, 1.1, 1.2'"),
        ([], "found 'nothing'"),
        (
            ["time", "datetime", "bid", "ask"],
            "time and datetime could both be the time; say which with --columns time=",
        ),
        (
            ["time", "open", "high", "low", "close"],
            "these are bars (time, open, high, low, close), not ticks; import them as bars",
        ),
        (["timestamp", "bid", "ask", "Bid"], "expected every column once, found 'bid' 2 times"),
    ],
)
def test_header_without_the_columns_is_refused(header: list[str], message: str) -> None:
    with pytest.raises(DataError, match=r"^a.csv: ") as caught:
        find_columns([name.lower() for name in header], "a.csv", header)
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_import_of_a_table_whose_names_are_no_text_is_refused_as_damage(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"ticks.{kind}"
    table = pa.table({"timestamp": pa.array([1], pa.timestamp("ms", "UTC")), "bid": [1.1], "ask": [1.2]})
    pq.write_table(table, path) if kind == "parquet" else feather.write_feather(table, path)
    # Arrow hands the names on as they stand in the file.
    path.write_bytes(path.read_bytes().replace(b"ask", b"a\xffk"))

    with pytest.raises(DataError, match=rf"ticks.{kind}: "):
        import_files([path], "EURUSD", tmp_path / "data")


def test_import_of_parquet_whose_column_names_are_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticks.parquet"
    pq.write_table(table(), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"timestamp", b"\x9eimestamp"))

    with pytest.raises(DataError, match=r"ticks.parquet: could not be read as Parquet: 'utf-8' codec .*; get it again"):
        import_files([path], "EURUSD", tmp_path / "data")


def test_feather_whose_lengths_reach_beyond_it_is_refused(tmp_path: Path) -> None:
    times = [f"2024-01-15T00:00:0{second}Z" for second in range(3)]
    table = pa.table({"timestamp": times, "bid": [1.1] * 3, "ask": [1.2] * 3})
    path = tmp_path / "a.feather"
    feather.write_feather(table, path, compression="uncompressed")
    content = path.read_bytes()
    offsets = b"".join((20 * number).to_bytes(4, "little") for number in range(4))
    assert content.count(offsets) == 1
    # The library would read a text of a gigabyte there, and end the process.
    path.write_bytes(content.replace(offsets, offsets[:4] + (2**30).to_bytes(4, "little") + offsets[8:]))

    with pytest.raises(DataError, match=r"a.feather: could not be read as Feather"):
        import_files([path], "EURUSD", tmp_path / "data")
