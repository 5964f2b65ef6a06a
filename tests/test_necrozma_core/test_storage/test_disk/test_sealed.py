"""Records that carry their own hash."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.storage.disk.sealed import canonical_json, content_key, publish_sealed, read_sealed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.text().filter(lambda name: name != "sha256"), VALUES, max_size=5)


def test_content_key_of_a_known_value_never_changes() -> None:
    # printf '{"a":[1,2.5,null],"b":"\\u00e9"}' | sha256sum
    expected = "45584828a616e524473fb887d415f828918fb9676efdaa57c062231771111499"

    assert canonical_json({"b": "é", "a": [1, 2.5, None]}) == b'{"a":[1,2.5,null],"b":"\\u00e9"}'
    assert content_key({"b": "é", "a": (1, 2.5, None)}) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_content_key_of_what_json_lacks_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_key({"value": value})


@given(RECORDS, RECORDS)
def test_content_key_differs_where_the_parts_do(first: dict[str, object], second: dict[str, object]) -> None:
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)

    assert (content_key(first) == content_key(second)) == same  # type: ignore[arg-type]


@settings(max_examples=30)
@given(RECORDS)
def test_read_sealed_returns_what_was_published(tmp_path_factory: pytest.TempPathFactory, record: dict) -> None:
    path = tmp_path_factory.mktemp("sealed") / "record.json"
    publish_sealed(path, record)

    assert json.dumps(read_sealed(path), sort_keys=True) == json.dumps(record, sort_keys=True)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b"{}", b'{"a": 1}', b'{"a": 1, "sha256": "00"}', b'{"a": NaN, "sha256": ""}',
     b"\xff\xfe", b"[" * 100_000, b'{"a": 1' + b"0" * 5_000 + b"}"],
    ids=["empty", "cut", "list", "number", "no seal", "sealless", "wrong seal", "nan", "binary", "deep", "huge number"],
)  # fmt: skip
def test_read_sealed_of_anything_else_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "record.json").write_bytes(content)

    with pytest.raises(DamagedError, match=r"record\.json: the record does not match its own hash"):
        read_sealed(tmp_path / "record.json")


def test_read_sealed_of_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"record\.json: could not read: No such file"):
        read_sealed(tmp_path / "record.json")
