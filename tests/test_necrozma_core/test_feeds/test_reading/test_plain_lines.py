"""The compiled loop against the reader of all of CSV: whatever the bytes, the same rows or the same words."""

import io
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.layout import Layout, read_head, read_layout
from necrozma_core.feeds.formats.registry import ReadOptions, recognise
from necrozma_core.feeds.reading import plain_lines
from necrozma_core.feeds.reading.times import TimeStyle
from necrozma_core.market.instruments import get_pair

EURUSD = get_pair("EURUSD")
EXNESS = b'"Exness","Symbol","Timestamp","Bid","Ask"\n'
Row = tuple[int, int, int, int, int, int, int, tuple[str, ...]]


def rows_of(content: bytes, layout: Layout, zone: str | None, *, compiled: bool) -> list[Row] | str:
    """All rows with their faults and their fields, the torn ones too, in order; or the error."""
    rows: list[Row] = []
    stream = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]
    try:
        for batch in read_layout(stream, layout, "a.csv", EURUSD, zone, compiled=compiled).batches:
            cells = (batch.time, batch.bid, batch.ask)
            arrays = [array.tolist() for one in cells for array in (one.values, one.faults)]
            originals = [tuple(batch.original(position)) for position in range(len(batch.row))]
            rows += list(zip(batch.row.tolist(), *arrays, originals, strict=True))
            rows += [(torn.row, 0, torn.fault.code, 0, 0, 0, 0, tuple(torn.fields())) for torn in batch.torn]
    except DataError as error:
        return str(error)
    return sorted(rows)


def layout_of(content: bytes) -> Layout:
    head = read_head(io.BufferedReader(io.BytesIO(content)), "a.csv", Path("a.csv"), "a.csv")  # type: ignore[arg-type]
    return recognise(head, ReadOptions())


def agree(content: bytes, layout: Layout, zone: str | None, block: int) -> None:
    with patch.object(plain_lines, "_BLOCK_BYTES", block):
        found = rows_of(content, layout, zone, compiled=True)
    assert found == rows_of(content, layout, zone, compiled=False)


digits = st.text("0123456789", max_size=3)
times = st.one_of(
    st.datetimes().map(lambda time: time.isoformat(sep=" ") + "Z"),
    st.from_regex(r"20(1[0-9]|24)-(0[1-9]|1[0-3])-[0-3]\d[ T][0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,10})?Z?", fullmatch=True),
    st.sampled_from(["", "never", "2024-02-29 00:00:00Z", "2023-02-29 00:00:00Z", "2024-01-15 00:00:00.032+00:00"]),
)
prices = st.one_of(
    st.from_regex(r"1\.\d{1,5}", fullmatch=True),
    st.from_regex(r"[0-9]{0,10}\.?[0-9]{0,10}", fullmatch=True),
    st.sampled_from(["", " 1.1", "1.1 ", "-1.1", "+1.1", "1e0", "nan", "1,1", "1.1.1", ".5", "1."]),
)
symbols = st.sampled_from(["EURUSD"] * 8 + ["EURUSDm", "eurusd", "GBPUSD", "", "EURUSÖ"])


@st.composite
def exness_files(draw: st.DrawFn) -> bytes:
    """A file that is plain for some lines, and then perhaps odd in any way."""
    lines = [b'"exness","EURUSD","2024-01-15 00:00:00.032Z",1.1,1.2\n'] * draw(st.integers(0, 3))
    for _ in range(draw(st.integers(0, 6))):
        quote = draw(st.sampled_from(['"', "", '"']))
        cells = ["exness", draw(symbols), draw(times), draw(prices), draw(prices)]
        cells = [f"{quote}{cell}{quote}" for cell in cells[:3]] + cells[3:]
        end = draw(st.sampled_from(["\n"] * 8 + ["\r\n", "\r", "\n\n", ""]))
        lines.append((",".join(cells) + end).encode())
    content = bytearray(b"".join(lines))
    for _ in range(draw(st.integers(0, 2))):
        position = draw(st.integers(0, max(0, len(content) - 1)))
        content[position : position + draw(st.integers(0, 1))] = draw(
            st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b" ", b"9", b""])
        )
    return EXNESS + bytes(content)


@given(exness_files(), st.integers(1, 400))
@example(EXNESS + b'"exness","EURUSD","2024-01-15 00:00:00.032Z",1.1,1.2\n\xef\xbb\xbf"exness","EURUSD","",1,1\n', 1)
def test_any_file_gives_the_rows_of_the_other_reader(content: bytes, block: int) -> None:
    agree(content, layout_of(EXNESS + b'"exness","EURUSD","2024-01-15 00:00:00.032Z",1.1,1.2\n'), None, block)


@given(st.binary(max_size=60), st.integers(1, 80))
def test_any_bytes_behind_a_plain_line_give_the_rows_of_the_other_reader(content: bytes, block: int) -> None:
    plain = b"2024-01-15T00:00:00Z,1.1,1.2\n"
    agree(b"timestamp,bid,ask\n" + plain + content, layout_of(b"timestamp,bid,ask\n" + plain), None, block)


@pytest.mark.parametrize(
    ("style", "zone", "line"),
    [
        (TimeStyle.ISO, "UTC", "2024-{month:02}-{day:02} {hour:02}:00:00.5,1.1,1.2\n"),
        (TimeStyle.ISO, "America/New_York", "2024-{month:02}-{day:02}T{hour:02}:00:00,1.1,1.2\n"),
        (TimeStyle.DOTTED, "America/New_York+7", "2024.{month:02}.{day:02} {hour:02}:59:59.999999999,1.1,1.2\n"),
        (TimeStyle.DOTTED, None, "2024.{month:02}.{day:02} {hour:02}:59:59,1.1,1.2\n"),
        (TimeStyle.COMPACT, "-05:00", "2024{month:02}{day:02} {hour:02}5959123,1.1,1.2\n"),
        (TimeStyle.MILLISECONDS, None, "17{month:02}{day:02}{hour:02}00032,1.1,1.2\n"),
        (TimeStyle.NANOSECONDS, None, "17{month:02}{day:02}{hour:02}00032000000,1.1,1.2\n"),
        (TimeStyle.DAY_FIRST, "UTC", "{day:02}.{month:02}.2024 {hour:02}:00:00,1.1,1.2\n"),
    ],
)
def test_every_style_and_zone_gives_the_times_of_the_other_reader(
    style: TimeStyle, zone: str | None, line: str
) -> None:
    moments = [(1, 15, 0), (2, 29, 23), (3, 10, 2), (3, 10, 3), (11, 3, 1), (12, 31, 23), (13, 1, 0), (2, 30, 0)]
    lines = [line.format(month=month, day=day, hour=hour) for month, day, hour in [*moments, (1, 1, 24)]]
    layout = Layout("columns", "", ("time", "bid", "ask"), False, (0,), 1, 2, style)

    for end in range(1, len(lines) + 1):
        agree("".join(lines[:end]).encode(), layout, zone, 64)


def test_a_clean_file_is_left_to_the_other_reader_for_its_last_line_alone() -> None:
    line = b'"exness","EURUSD","2024-01-15 00:00:00.032Z",1.1,1.2\n'
    layout = layout_of(EXNESS + line)
    stream = io.BufferedReader(io.BytesIO(EXNESS + 500 * line))  # type: ignore[arg-type]

    with patch.object(plain_lines, "_BLOCK_BYTES", 1_000):
        batches = list(read_layout(stream, layout, "a.csv", EURUSD, None, compiled=True).batches)

    assert [int(row) for batch in batches for row in batch.row] == list(range(2, 502))
    assert len(batches[-1].row) == 1
    assert max(len(batch.row) for batch in batches) > 10
