"""Numbers kept as differences: read as they were written, or left to the library, and nothing out of bounds."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from necrozma_core.kernels.deltas import OTHER, decode_deltas

_WRITING = {"compression": "none", "use_dictionary": False, "column_encoding": {"x": "DELTA_BINARY_PACKED"}}


def written(values, **changed):
    """Return a file with one column, without nulls, and where its pages are."""
    schema = pa.schema([pa.field("x", pa.from_numpy_dtype(values.dtype), nullable=False)])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays([pa.array(values)], schema=schema), sink, **{**_WRITING, **changed})
    content = bytes(sink.getvalue())
    column = pq.ParquetFile(pa.BufferReader(content)).metadata.row_group(0).column(0)
    return content, column.data_page_offset, column.data_page_offset + column.total_compressed_size


def decoded(content, start, stop, out):
    words = np.frombuffer(content, "<u8", len(content) // 8)
    return decode_deltas(np.frombuffer(content, np.uint8), words, start, stop, out)


def read(values, **changed):
    out = np.zeros_like(values)
    found = decoded(*written(values, **changed), out)
    return found, out


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@given(st.data())
def test_any_numbers_read_as_they_were_written(kind, data):
    info = np.iinfo(kind)
    count = data.draw(st.integers(1, 700))
    # From steps of a bit or two to ones that go round the whole width.
    most = data.draw(st.sampled_from([1, 3, 200, 70_000, 2**30, int(info.max)]))
    steps = data.draw(arrays(np.int64, count, elements=st.integers(-most, most), fill=st.just(most)))
    with np.errstate(over="ignore"):
        values = np.cumsum(steps).astype(kind)
    found, out = read(values)
    assert found == count
    np.testing.assert_array_equal(out, values)


@pytest.mark.parametrize("count", [1, 2, 32, 33, 64, 65, 128, 129, 256, 257, 20_000, 20_001, 50_000])
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_any_number_of_numbers_in_any_number_of_pages(kind, count):
    values = np.random.default_rng(count).integers(-1_000, 1_000, count).cumsum().astype(kind)
    for changed in ({}, {"data_page_size": 100}, {"write_statistics": False}, {"write_page_checksum": True}):
        found, out = read(values, **changed)
        assert found == count
        np.testing.assert_array_equal(out, values)


@pytest.mark.parametrize(
    "changed",
    [
        {"column_encoding": {"x": "PLAIN"}},
        {"column_encoding": None, "use_dictionary": True},
        {"data_page_version": "2.0"},
    ],
    ids=["plain", "dictionary", "version 2"],
)
def test_another_layout_is_left_to_the_library(changed):
    found, _ = read(np.arange(1_000, dtype=np.int64), **changed)
    assert found == OTHER


def test_another_number_than_is_wanted_is_refused():
    content, start, stop = written(np.arange(100, dtype=np.int64))
    for count in (0, 1, 99, 101, 200):
        assert decoded(content, start, stop, np.zeros(count, np.int64)) == OTHER


def varint(number):
    groups = [number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


def signed(number):
    return varint(2 * number if number >= 0 else -2 * number - 1)


def page(count, steps=b"", first=b"\x0e", block=128):
    """A page of so many numbers, if its steps are: all the same, in blocks without a bit for each."""
    data = varint(block) + varint(4) + varint(count) + first + steps
    head = [b"\x15" + signed(number) for number in (0, len(data), len(data))]
    body = [b"\x15" + signed(number) for number in (count, 5, 3, 3)]
    return b"".join([*head, b"\x2c", *body, b"\0\0", data])


def decoded_pages(pages, kind, count):
    """Decode between fences that must stand."""
    fenced = np.full(count + 1_000, 7, kind)
    found = decoded(pages + bytes(64), 0, len(pages), fenced[500 : 500 + count])
    assert (np.delete(fenced, np.s_[500 : 500 + count]) == 7).all()
    return found, fenced[500 : 500 + count]


_STEP = signed(1) + bytes(4)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_pages_made_by_hand_are_read(kind):
    found, out = decoded_pages(page(50, _STEP) + page(1) + page(129, _STEP), kind, 180)
    assert found == 180
    np.testing.assert_array_equal(out, [*range(7, 57), 7, *range(7, 136)])


@pytest.mark.parametrize(
    "pages",
    [
        page(50, _STEP) + page(2**63 - 1) + page(60, _STEP),
        page(2**64 - 1, _STEP),
        page(200, _STEP),
        page(100),
        page(100, _STEP, block=64),
        page(100, _STEP, first=signed(2**31)),
        page(100, _STEP, first=b"\xff" * 9 + b"\x02"),
        page(100, signed(-(2**31) - 1) + bytes(4)),
        page(100, signed(1) + bytes([33, 0, 0, 0]) + bytes(200)),
        page(100, signed(1) + bytes([32, 0, 0, 0]) + bytes(100)),
    ],
    ids=["goes round", "negative", "more than asked", "no steps", "block", "first", "varint", "step", "width", "short"],
)
def test_pages_that_are_not_what_they_say_are_left_to_the_library(pages):
    assert decoded_pages(pages, np.int32, 100)[0] == OTHER


@given(st.data())
@example(None)
def test_damaged_bytes_harm_nothing(data):
    """Run with NUMBA_BOUNDSCHECK=1 too, this fails where a byte outside is touched."""
    values = np.random.default_rng(1).integers(-50, 50, 3_000).cumsum().astype(np.int32)
    content, start, stop = written(values, data_page_size=1_000)
    damaged = bytearray(content)
    if data is None:
        damaged[start:stop] = b"\xff" * (stop - start)
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            damaged[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.sampled_from([len(content), len(content) - 1, stop, start + 20, 15, 1, 0]))
        damaged = damaged[:cut]
        start = data.draw(st.sampled_from([start, 0, -1, -(2**62), stop, 2**62]))
        stop = data.draw(st.sampled_from([stop, len(content), 2**62, -1, start]))
    fenced = np.full(len(values) + 200, 7, np.int32)
    found = decoded(bytes(damaged), start, stop, fenced[100:-100])
    assert found in {OTHER, len(values)}
    assert (fenced[:100] == 7).all()
    assert (fenced[-100:] == 7).all()
