"""CSV as text: every row with the line it stands on, whatever stands between them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necrozma_core.errors import DataError
from necrozma_core.feeds.reading.delimited import read_blocks, read_head_lines


def stream(content: bytes | str) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(content if isinstance(content, bytes) else content.encode()))


def rows_of(content: bytes | str, fields: int = 2) -> tuple[dict[int, list[str]], dict[int, str]]:
    """Whole rows and torn ones, each by its line."""
    whole: dict[int, list[str]] = {}
    torn: dict[int, str] = {}
    for block in read_blocks(stream(content), "a.csv", fields):
        cells = zip(*(column.to_pylist() for column in block.table.columns), strict=True)
        whole |= dict(zip(block.row.tolist(), map(list, cells), strict=True))
        torn |= {row.row: row.text for row in block.torn}
    return whole, torn


@given(
    st.lists(st.sampled_from(["1,2", "1", "", "1,2,3", ",", "x,", '"a,b",c', '"q""q",']), max_size=40),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_rows_keep_the_line_they_stand_on(texts: list[str], newline: str, ends: bool) -> None:
    while texts and not texts[-1]:
        texts.pop()
    whole, torn = rows_of(newline.join(["a,b", *texts]) + (newline if ends or not texts else ""))

    expected = {
        "1,2": ["1", "2"],
        "": ["", ""],
        ",": ["", ""],
        "x,": ["x", ""],
        '"a,b",c': ["a,b", "c"],
        '"q""q",': ['q"q', ""],
    }
    # A line without content is told to be torn or to be a row of empty cells, as it happens: bad either way.
    empty = {line: [""] * 2 for line, text in torn.items() if text in ("", ",")}
    assert {line: text for line, text in torn.items() if line not in empty} == {
        line: text for line, text in enumerate(texts, 2) if text in ("1", "1,2,3")
    }
    assert whole | empty == {line: expected[text] for line, text in enumerate(texts, 2) if text in expected}


def test_rows_of_many_blocks_keep_the_line_they_stand_on() -> None:
    texts = [f"{number},{'x' * 60}" if number % 1_000 else "torn" for number in range(1, 60_001)]

    whole, torn = rows_of("\n".join(["a,b", *texts]))

    assert list(torn) == [line for line, text in enumerate(texts, 2) if text == "torn"]
    assert all(int(cells[0]) == line - 1 for line, cells in whole.items())
    assert len(whole) + len(torn) == 60_000


def test_empty_lines_count_only_where_a_row_follows() -> None:
    assert rows_of("a,b\n1,2\n\n\n") == ({2: ["1", "2"]}, {})
    assert rows_of("a,b\n1,2\n\n3,4\n") == ({2: ["1", "2"], 3: ["", ""], 4: ["3", "4"]}, {})


def test_commas_alone_are_a_row_even_at_the_end() -> None:
    assert rows_of("a,b\n1,2\n,\n") == ({2: ["1", "2"]}, {3: ","})
    assert rows_of('a,b\r\n1,2\r\n\r\n"",""\r\n\r\n') == ({2: ["1", "2"]}, {3: "", 4: '"",""'})
    with pytest.raises(DataError, match="row 3: expected rows, found more than 10,000 empty lines"):
        rows_of("a,b\n1,2\n" + "\n" * 70_000)


def test_lines_without_the_headers_fields_are_given_up_where_they_fill_a_block() -> None:
    with pytest.raises(DataError, match="row 3: expected 2 fields, found another number in it and in 10,000 rows"):
        rows_of("a,b\n1,2\n" + "x\n" * 70_000)


def test_empty_lines_at_the_end_of_a_block_are_torn_rows_once_another_block_follows() -> None:
    filler = "1," + "2" * 97 + "\n"  # a hundred bytes
    block = filler * (2**20 // 100)
    content = "a,b\n" + block + "\n" * 200 + filler * 10

    whole, torn = rows_of(content)

    assert len(whole) + len(torn) == content.count("\n") - 1
    assert set(torn.values()) <= {""}
    assert list(whole)[-1] == content.count("\n")


@pytest.mark.parametrize(
    "content",
    [
        'a,b\n"1,2\n3,4\n5,6\n',
        'a,b\n1,"2\n3,4\n"5,6\n',
        'a,b\n"1\n2",3\n4,5\n',
        'a,b\n1,2\n"3,4\n5",6,"7\n',
        'a,b\n"1\r2",3\n',
        'a,b\n1,2\n3,4,"5\n6,7\n',
    ],
)
def test_a_quote_that_swallows_lines_is_refused(content: str) -> None:
    with pytest.raises(DataError, match=r"a.csv: row \d: expected a row on one line, found a quote not closed on it"):
        rows_of(content)


def test_torn_row_in_another_encoding_is_refused_like_a_whole_one(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match=r"a.csv: row 3: expected UTF-8 text, found another encoding; save it as UTF-8"):
        rows_of(b"a,b\n1,2\n1,\xe9,3,4\n1,2\n")
    assert capfd.readouterr() == ("", "")


def test_text_in_another_encoding_names_its_row() -> None:
    with pytest.raises(DataError, match=r"a.csv: row 3: expected UTF-8 text, found another encoding; save it as UTF-8"):
        rows_of("a,b\n1,2\n\xe9,2\n".encode("latin-1"))


def test_a_line_longer_than_a_block_is_refused() -> None:
    with pytest.raises(DataError, match="expected lines of text, found one of more than 1,048,576 bytes"):
        rows_of("a,b\n" + "x" * 3_000_000 + ",1\n")


def test_header_is_read_and_left_in_place() -> None:
    source = stream('\ufeff"Exness", Symbol ,"Time, of day"\r\n1,2,3\r\n')

    assert read_head_lines(source, "a.csv") == ['"Exness", Symbol ,"Time, of day"', "1,2,3", ""]
    assert source.read(3) == b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a,b\n1,2\n".encode("utf-16-be"), "binary data"),
        (b"\x00\x01\x02", "binary data"),
        ("\xe9,b\n".encode("latin-1"), "another encoding"),
    ],
)
def test_header_in_another_encoding_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(DataError, match=f"a.csv: .*expected UTF-8 text, found {found}.*; save it as UTF-8"):
        read_head_lines(stream(content), "a.csv")


@pytest.mark.parametrize(
    ("content", "row", "found"),
    [
        ('a,b\n1,2\n"4"5,6\n', 3, "a quote in the middle of one"),
        ('"a","b"\n"1","2"\n1"3,2\n', 3, "a quote in the middle of one"),
        ('a,b\n1,"4" \n', 2, "a quote in the middle of one"),
        ('a,b\n1,2\n3,"4', 3, "a quote that is never closed"),
        ('a,b\n1,2\n3,4\n"', 4, "a quote that is never closed"),
        ("a,b\n" + '"1",2\n' * 400_000 + '"3"1,2\n', 400_002, "a quote in the middle of one"),
    ],
)
def test_quote_that_stands_where_none_can_be_is_refused(content: str, row: int, found: str) -> None:
    with pytest.raises(DataError, match=f"a.csv: row {row}: expected quotes around whole cells, found {found}; mend"):
        rows_of(content)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_quotes_around_any_cells_are_no_part_of_them(newline: str) -> None:
    content = newline.join(['\ufeff"a","b"', '"1",2', '"",""', '"3","4"'])

    assert rows_of(content) == rows_of(content.replace('"', ""))


@pytest.mark.parametrize("place", [*range(32_760, 32_776), 65_535, 65_536, 65_537])
def test_quote_in_the_middle_of_a_cell_is_found_wherever_it_lies(place: int) -> None:
    # Rows of eight bytes, behind a header of so many that the third digit of a row lies there.
    header = 8 + (place - 10) % 8
    content = bytearray(b"a" * (header - 4) + b",bb\n" + b"1234,56\n" * 10_000)
    content[place] = ord('"')

    with pytest.raises(DataError, match=f"row {(place - header) // 8 + 2}: expected quotes around whole cells"):
        rows_of(bytes(content))
