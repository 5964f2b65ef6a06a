"""A document and what is made of it: no value is another one, whatever JSON holds; else it stays what it is."""

import json
import math
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from migrated_samples import backtest, is_same_number_or_text, rebuild
from storage_samples import tree

from necrozma_core.storage.disk.layer import FileLayer
from necrozma_core.storage.migrated import json_stream
from necrozma_core.storage.migrated.comparing import UnfaithfulError
from necrozma_core.storage.migrated.documents import Stored, find_stored, store_document
from necrozma_core.storage.migrated.json_stream import JsonStream, UnreadableError
from necrozma_core.storage.migrated.plan import plan_document

NUMBERS = st.integers() | st.integers(-(2**63) - 3, 2**63 + 3) | st.floats()
TEXTS = st.text(st.characters(codec=None)) | st.sampled_from(["\ud800", "\x00", "NaN", "_row", "a.b"])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
KEYS = st.sampled_from(["a", "b", "a.b", "_row", "_absent", "", "trades", "metrics", "É", "\udfff", "A"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=5), max_size=5)
TRADES = st.dictionaries(st.sampled_from(["trades_detailed", "trades", "x"]), RECORDS | st.none(), max_size=3)
MEMBERS = st.sampled_from(["results", "strategies", "trades", "document", "metrics", "x", "../x", "CON", "é", "\udc80"])
NAMES = KEYS | st.sampled_from(["level", "direction"])
LEVELS = st.dictionaries(
    NAMES, st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=2), max_size=2
)
UNIVERSES = st.fixed_dictionaries({"results": LEVELS}, optional={"levels": RECORDS, "trades": RECORDS, "x": VALUES})
DOCUMENTS = (
    VALUES | RECORDS | UNIVERSES | st.dictionaries(MEMBERS, VALUES | RECORDS | st.lists(TRADES, max_size=4), max_size=5)
)


def write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document, indent=2))
    return path


def store(path: Path, folder: Path, files: FileLayer | None = None) -> Stored:
    plan = plan_document(path)
    return store_document(path, plan, folder, path.name, **({"files": files} if files else {}))


@given(DOCUMENTS)
def test_any_document_comes_back_from_its_parquet_files(document: Any) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        store(write(folder / "a.json", document), folder / "a")
        assert is_same_number_or_text(rebuild(folder / "a"), document)


def test_results_of_the_original_become_a_table_of_strategies_and_one_of_trades(tmp_path: Path) -> None:
    document = backtest("universe_001_5m_5lb", strategies=6, trades=3)

    stored = store(write(tmp_path / "a.json", document), tmp_path / "a")

    assert stored.rows == {"metrics.parquet": 6, "trades.parquet": 9, "document.parquet": 5}
    metrics = pq.read_table(tmp_path / "a" / "metrics.parquet")
    assert metrics.schema.field("sharpe_ratio").type == pa.float64()
    assert metrics["trades_detailed"].to_pylist() == [3, 3, 3, None, None, None]
    assert math.isnan(metrics["sharpe_ratio"][0].as_py())
    assert metrics["profit_factor"][0].as_py() == math.inf
    assert math.copysign(1, metrics["max_drawdown"][0].as_py()) == -1
    trades = pq.read_table(tmp_path / "a" / "trades.parquet")
    assert trades["_row"].to_pylist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert trades.schema.field("market_context.hour_of_day").type == pa.int64()
    assert is_same_number_or_text(rebuild(tmp_path / "a"), document)


@pytest.mark.parametrize(
    "number",
    ["1e400", "-1e400", "1e-400", "123456789012345678901234567890", "0.12345678901234567890123", "-0", "1" * 5_000],
)
def test_number_that_no_double_holds_keeps_its_digits(tmp_path: Path, number: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(f'{{"single": {number}, "results": [{{"x": {number}}}, {{"x": 1.5}}]}}')

    store(path, tmp_path / "a")

    (single,) = pq.read_table(tmp_path / "a" / "document.parquet", filters=[("member", "=", "single")])["json"]
    assert single.as_py() == ("-0.0" if number == "-0" else number)
    x = pq.read_table(tmp_path / "a" / "metrics.parquet")["x"].to_pylist()[0]
    assert x == number or (number == "-0" and math.copysign(1, x) == -1)


def test_seventeen_digits_as_c_writes_them_are_a_double(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"x": 0.10000000000000001, "y": 1.0E5}]')

    store(path, tmp_path / "a")

    assert pq.read_table(tmp_path / "a" / "metrics.parquet").to_pylist() == [{"x": 0.1, "y": 100_000.0}]


def test_universe_becomes_a_table_of_levels_and_directions(tmp_path: Path) -> None:
    stats = {f"feature_{number}_mean": number / 7 for number in range(300)}
    up, down = {"total_occurrences": 15, "feature_stats": stats}, {"total_occurrences": 3, "feature_stats": stats}
    document = {"name": "universe_001", "results": {"Médio": {"up": up, "down": down}, "Grande": {"up": up}}}

    stored = store(write(tmp_path / "a.json", document), tmp_path / "a")

    assert stored.rows == {"levels.parquet": 3, "document.parquet": 2}
    table = pq.read_table(tmp_path / "a" / "levels.parquet")
    assert table["level"].to_pylist() == ["Médio", "Médio", "Grande"]
    assert table["direction"].to_pylist() == ["up", "down", "up"]
    assert table["feature_stats.feature_299_mean"].to_pylist() == [299 / 7] * 3
    assert is_same_number_or_text(rebuild(tmp_path / "a"), document)


UNREADABLE = {
    b"": "it is empty",
    b" \n": "it is empty",
    b'{"a": 1,\n "b": [1, 2': "it ends in line 2, before it is whole",
    b'{"a": "b': "it ends in line 1, before it is whole",
    b'{"a": 1}\0': "line 1, column 9: expected nothing more, found '\\x00'",
    b'{"a": 1}\n{"a": 2}': "line 2, column 1: expected nothing more, found '{'",
    b'{"a": 1,}': "line 1, column 9: expected a key, found '}'",
    b'{"a": 1, "a": 2}': 'the key "a" stands twice in one object',
    b'{"b": [{"a": 1, "a": 2}]}': 'the key "a" stands twice in one object',
    b'{"a" 1}': "line 1, column 6: expected ':', found '1'",
    b"[1 2]": "line 1, column 4: expected ',', found '2'",
    b'{"a": nan}': "line 1, column 7: expecting value, found 'n'",
    b'{"a": "\xff"}': "byte 7: expected utf-8, found 0xff",
    b'{"a": "\x01"}': "line 1, column 8: invalid control character at, found '\\x01'",
    b"[" * 100_000: "its values are nested too deep to be compared",
    b'{"a": ' * 100_000: "its values are nested too deep to be compared",
}


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda content: content[:20])
def test_document_that_is_not_whole_is_refused_with_the_place(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)

    with pytest.raises(UnreadableError) as refused:
        plan_document(path)

    assert str(refused.value) == UNREADABLE[content]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_document_is_read_in_the_encodings_of_json(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('[{"Médio": "🌟"}]'.encode(encoding))

    store(path, tmp_path / "a")

    assert pq.read_table(tmp_path / "a" / "metrics.parquet").to_pylist() == [{"Médio": "🌟"}]


def test_parts_do_not_depend_on_how_the_file_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = backtest("universe_001", strategies=3, trades=1) | {"text": 'é\\"🌟' * 9, "curve": [1.5, -2e-9, True]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document, ensure_ascii=False))
    whole = [repr(part) for part in JsonStream(path).parts()]

    for size in (1, 2, 7, 64):
        monkeypatch.setattr(json_stream, "_CHUNK_BYTES", size)
        assert [repr(part) for part in JsonStream(path).parts()] == whole


def test_value_larger_than_may_be_held_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LONGEST_PART", 1_000)
    monkeypatch.setattr(json_stream, "_CHUNK_BYTES", 64)
    one = write(tmp_path / "one.json", {"a": "x" * 3_000})
    many = write(tmp_path / "many.json", {"results": [{"a": "x" * 100}] * 300})

    with pytest.raises(UnreadableError, match="one value of it has more than 1,000 characters"):
        plan_document(one)
    assert plan_document(many).tables[0].rows == 300


class FlippingFiles(FileLayer):
    """A disk that takes every byte and keeps one of them wrong."""

    def __init__(self, file: str, place: int) -> None:
        self._file, self._place = file, place

    def sync(self, path: Path) -> None:
        if path.name.startswith(f".{self._file}."):
            content = bytearray(path.read_bytes())
            content[self._place % len(content)] ^= 0x10
            path.write_bytes(content)
        super().sync(path)


def test_byte_that_the_disk_changed_is_found_before_anything_is_published(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", backtest("universe_001", trades=2))
    whole = store(path, tmp_path / "whole")
    chance = Random(1)
    found = 0
    for file, published in whole.files.items():
        for place in [0, published.size - 1, *(chance.randrange(published.size) for _ in range(60))]:
            folder = tmp_path / f"{file}-{place}"
            try:
                store(path, folder, FlippingFiles(file, place))
            except UnfaithfulError:
                found += 1
                assert tree(folder) == {}
            else:
                # The byte means nothing to a reader of the values, such as one of an encoder's name.
                assert is_same_number_or_text(rebuild(folder), json.loads(path.read_text()))
    assert found > 100


def test_folder_of_another_document_is_never_written_over(tmp_path: Path) -> None:
    first = write(tmp_path / "a.json", backtest("universe_001"))
    store(first, tmp_path / "out")
    before = tree(tmp_path / "out")
    second = plan_document(write(tmp_path / "b.json", backtest("universe_002")))

    folder, stored = find_stored(tmp_path / "out", second.sha256)
    assert (folder.name, stored) == (f"out-{second.sha256[:12]}", None)
    (tmp_path / "out" / "manifest.json").write_text("damaged")
    assert find_stored(tmp_path / "out", plan_document(first).sha256)[0] != tmp_path / "out"
    assert tree(tmp_path / "out").keys() == before.keys()


def test_same_document_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", backtest("universe_001", trades=2))
    store(path, tmp_path / "a")
    store(path, tmp_path / "b")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_what_an_unfinished_migration_left_is_not_taken_for_part_of_the_next(tmp_path: Path) -> None:
    store(write(tmp_path / "a.json", backtest("universe_001", trades=2)), tmp_path / "a")
    (tmp_path / "a" / "manifest.json").unlink()

    store(write(tmp_path / "a.json", backtest("universe_001")), tmp_path / "a")

    assert set(tree(tmp_path / "a")) == {"metrics.parquet", "document.parquet", "manifest.json"}


@pytest.mark.parametrize("depth", [50, 300, 900, 1_200])
def test_nested_value_comes_back_or_is_refused(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"x": {"y": ' + '[{"a": ' * depth + "-0.0" + "}]" * depth + "}}")
    try:
        store(path, tmp_path / "a")
    except (UnreadableError, RecursionError):
        assert depth > 100
        assert tree(tmp_path / "a") == {}
    else:
        (value,) = pq.read_table(tmp_path / "a" / "document.parquet")["json"].to_pylist()
        assert value == '{"y":' + '[{"a":' * depth + "-0.0" + "}]" * depth + "}"
