"""What people bring that is no clean file of ticks: each is told in one line, or is read as what it is."""
# ruff: noqa: E501 - messages are easier to compare where they are not broken.

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from necrozma_core.errors import DataError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import ImportReport, import_files
from necrozma_core.storage.ticks.store import TickStore

HEADER = "timestamp,bid,ask\n"
ROWS = "".join(f"2024-01-15T00:00:0{second}Z,1.0851{second},1.0852{second}\n" for second in range(4))
GOOD = HEADER + ROWS
KIND = "check that this is the right kind of file"
NAMES = "UTC, America/New_York, America/New_York+7 (most MetaTrader brokers) or -05:00"
NO_HEADER = "expected a header with the columns timestamp, bid, ask, found"
SAY_COLUMNS = "say which they are with --columns time=...,bid=...,ask=..."


@dataclass(frozen=True)
class Bad:
    """A file, and what is said of it behind its name."""

    content: str | bytes
    message: str
    options: dict[str, str] = field(default_factory=dict)


def one_bad_row(row: str) -> str:
    return GOOD + row + "\n"


MEND = "20 % of all; mend the file"
BAD = {
    "empty": Bad("", "expected rows of EURUSD, found none: the file has no quotes"),
    "only a mark": Bad(b"\xef\xbb\xbf", "expected rows of EURUSD, found none: the file has no quotes"),
    "header only": Bad(HEADER, "expected rows of EURUSD, found none: the file has no quotes"),
    "utf-16 without its mark": Bad(
        GOOD.encode("utf-16-le"), "expected UTF-8 text, found binary data; save it as UTF-8"
    ),
    "utf-16 cut in a character": Bad(
        GOOD.encode("utf-16")[:-1], "expected UTF-16 text, as its first bytes say; mend its end"
    ),
    "latin-1 header": Bad(
        GOOD.replace("ask", "ask,\xe9", 1).encode("latin-1"),
        "row 1: expected UTF-8 text, found another encoding; save it as UTF-8",
    ),
    "latin-1 row": Bad(
        one_bad_row("2024-01-15T00:00:09Z,1.1\xa0,1.2").encode("latin-1"),
        "row 6: expected UTF-8 text, found another encoding; save it as UTF-8",
    ),
    "nul bytes first": Bad(b"\0" * 9 + GOOD.encode(), "expected UTF-8 text, found binary data; save it as UTF-8"),
    "nul byte in a cell": Bad(
        one_bad_row("2024-01-15T00:00:09Z,1.1\0,1.2"),
        f"row 6, column bid: expected a number, found '1.1\\x00'; 1 bad row (1 not a number), {MEND}",
    ),
    "nul bytes last": Bad(
        GOOD.encode() + b"\0" * 4,
        f"row 6: expected 3 fields, found 1: '\\x00\\x00\\x00\\x00'; 1 bad row (1 wrong number of fields), {MEND}",
    ),
    "short row": Bad(
        one_bad_row("2024-01-15T00:00:09Z,1.1"),
        "row 6: expected 3 fields, found 2: '2024-01-15T00:00:09Z,1.1'; 1 bad row (1 wrong number of fields), " + MEND,
    ),
    "long row": Bad(
        one_bad_row("2024-01-15T00:00:09Z,1.1,1.2,7"),
        "row 6: expected 3 fields, found 4: '2024-01-15T00:00:09Z,1.1,1.2,7'; 1 bad row (1 wrong number of fields), "
        + MEND,
    ),
    "empty line": Bad(
        GOOD.replace("1.08522\n", "1.08522\n\n"),
        f"row 5, column timestamp: expected a value, found ''; 1 bad row (1 empty cell), {MEND}",
    ),
    "bid and ask exchanged": Bad(
        GOOD.replace("bid,ask", "ask,bid"),
        "row 2, column ask: expected a price at or above the bid of '1.08520', found '1.08510'; 4 bad rows (4 ask below "
        "bid), every row so far: if bid and ask are exchanged, say which is which: --columns time=...,bid=...,ask=...",
    ),
    "columns exchanged": Bad(
        GOOD.replace("timestamp,bid", "bid,timestamp"),
        "row 2, column timestamp: expected a time such as 2024-01-15T00:00:00.032Z, found '1.08510'; 4 bad rows (4 not a "
        f"time), every row so far: {KIND}",
    ),
    "header of another delimiter": Bad(
        GOOD.replace("timestamp,bid,ask", "timestamp;bid;ask"),
        "row 2: expected 3 fields, found 1 parted by ';': '2024-01-15T00:00:00Z,1.08510,1.08520'; 4 bad rows (4 wrong "
        f"number of fields), every row so far: {KIND}",
    ),
    "delimiter that is none": Bad(GOOD.replace(",", "|"), f"{NO_HEADER} 'timestamp|bid|ask'; {SAY_COLUMNS}"),
    "decimal commas among commas": Bad(
        GOOD.replace(".", ","),
        "row 2: expected 3 fields, found 5: '2024-01-15T00:00:00Z,1,08510,1,08520'; 4 bad rows (4 wrong number of "
        f"fields), every row so far: {KIND}",
    ),
    "decimal commas among semicolons": Bad(
        GOOD.replace(",", ";").replace(".", ","),
        "row 2, column bid: expected a number with a decimal point, found '1,08510'; 4 bad rows (4 not a number), every "
        f"row so far: {KIND}",
    ),
    "thousands": Bad(
        one_bad_row('2024-01-15T00:00:09Z,"1,234.5",1235'),
        f"row 6, column bid: expected a number, found '1,234.5'; 1 bad row (1 not a number), {MEND}",
    ),
    "1e400": Bad(
        one_bad_row("2024-01-15T00:00:09Z,1.1,1e400"),
        f"row 6, column ask: expected a finite number, found '1e400'; 1 bad row (1 infinite), {MEND}",
    ),
    "NaN": Bad(
        one_bad_row("2024-01-15T00:00:09Z,NaN,1.2"),
        f"row 6, column bid: expected a number, found 'NaN'; 1 bad row (1 not a number), {MEND}",
    ),
    "negative": Bad(
        one_bad_row("2024-01-15T00:00:09Z,-1.1,1.2"),
        f"row 6, column bid: expected a price above zero, found '-1.1'; 1 bad row (1 zero or negative), {MEND}",
    ),
    "crossed": Bad(
        one_bad_row("2024-01-15T00:00:09Z,1.2,1.1"),
        f"row 6, column ask: expected a price at or above the bid of '1.2', found '1.1'; 1 bad row (1 ask below bid), "
        f"{MEND}; --crossed swap exchanges bid and ask where the ask is below the bid, --crossed aside leaves such quotes "
        "out",
    ),
    "in the future": Bad(
        one_bad_row("2154-01-15T00:00:09Z,1.1,1.2"),
        "row 6, column timestamp: expected a time from 1990 to tomorrow, found '2154-01-15T00:00:09Z'; 1 bad row (1 a "
        f"time before 1990 or after tomorrow), {MEND}",
    ),
    "unsorted": Bad(
        HEADER + "".join(reversed(ROWS.splitlines(keepends=True))),
        "row 3: expected a time at or after the 2024-01-15T00:00:03.000000000Z of row 2, found '2024-01-15T00:00:02Z'; 3 "
        "bad rows (3 out of order); sort the file by time",
    ),
    "blocks exchanged": Bad(
        HEADER + "".join(ROWS.splitlines(keepends=True)[2:] + ROWS.splitlines(keepends=True)[:2]),
        "row 4: expected a time at or after the 2024-01-15T00:00:03.000000000Z of row 3, found '2024-01-15T00:00:00Z'; 2 "
        "bad rows (2 out of order); sort the file by time",
    ),
    "mixed zones": Bad(
        one_bad_row("2024-01-15 00:00:09,1.1,1.2"),
        "row 6, column timestamp: expected a time with its zone, found '2024-01-15 00:00:09'; say which zone it is with "
        f"--zone: {NAMES}",
    ),
    "naive": Bad(
        "Date;Bid;Ask\n20240115 000000032;1.1;1.2\n",
        f"row 2, column Date: expected a time with its zone, found '20240115 000000032'; say which zone it is with --zone: "
        f"{NAMES}",
    ),
    "clocks that skip an hour": Bad(
        GOOD.replace("Z", "") + "2024-03-10 02:30:00,1.1,1.2\n",
        "row 6, column timestamp: expected a time that is one moment, found '2024-03-10 02:30:00'; it does not exist in "
        "America/New_York, whose clocks change there: check --zone, or write its offset from UTC",
        {"zone": "America/New_York"},
    ),
    "clocks that repeat an hour": Bad(
        "<DATE>\t<TIME>\t<BID>\t<ASK>\n2024.11.01\t00:00:00\t1.1\t1.2\n2024.11.03\t08:30:00\t1.1\t1.2\n",
        "row 3, column <DATE>: expected a time that is one moment, found '2024.11.03 08:30:00'; it exists twice in "
        "America/New_York+7, whose clocks change there: check --zone, or write its offset from UTC",
        {"zone": "America/New_York+7"},
    ),
    "times of another unit": Bad(
        "time,bid,ask\n1705276800000,1.1,1.2\n",
        "row 2, column time: expected a time such as 1705276800, seconds since 1970 (--unit), found '1705276800000'; 1 bad "
        f"row (1 not a time), every row so far: {KIND}",
        {"unit": "s"},
    ),
    "quote in the middle of a cell": Bad(
        one_bad_row('2024-01-15T00:00:09Z,"1.1"5,1.2'),
        "row 6: expected quotes around whole cells, found a quote in the middle of one; mend it",
    ),
    "another instrument": Bad(
        "symbol,time,bid,ask\nUS30,2024-01-15T00:00:00Z,39000,39001\n",
        "row 2, column symbol: expected EURUSD, found 'US30'; import each pair from its own files",
    ),
    "a web page": Bad("<!DOCTYPE html>\n<html></html>\n", f"{NO_HEADER} '<!DOCTYPE html>'; {SAY_COLUMNS}"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_told_in_one_line_to_the_letter(tmp_path: Path, name: str) -> None:
    bad, path = BAD[name], tmp_path / "a.csv"
    path.write_bytes(bad.content if isinstance(bad.content, bytes) else bad.content.encode())

    with pytest.raises(DataError) as caught:
        import_files([path], "EURUSD", tmp_path / "data", options=ReadOptions(**bad.options))

    assert str(caught.value) == f"{path}: {bad.message}"
    assert not TickStore(tmp_path / "data").pairs()


def load(folder: Path, content: bytes) -> ImportReport:
    folder.mkdir()
    (folder / "a.csv").write_bytes(content)
    return import_files([folder / "a.csv"], "EURUSD", folder / "data")


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode("utf-8-sig"),
        GOOD.encode("utf-16"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.rstrip("\n").encode(),
        f"{GOOD}\n\n".encode(),
        f"\n\n{GOOD}".encode(),
        f"\n{GOOD}".replace(",", ";").encode(),
        f"\r\n{GOOD}".encode("utf-8-sig"),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode(),
        GOOD.replace("timestamp,bid,ask", " TimeStamp , BID,Ask ").encode(),
        GOOD.replace("Z", "+00:00").encode(),
        GOOD.replace("00:00:0", "02:00:0").replace("Z", "+0200").encode(),
        GOOD.replace("1.0851", "0001.0851").encode(),
    ],
)
def test_file_in_another_form_is_the_same(tmp_path: Path, content: bytes) -> None:
    assert load(tmp_path / "other", content).kept == 4
    assert load(tmp_path / "plain", GOOD.encode()).kept == 4

    other, plain = (TickStore(tmp_path / name / "data").fingerprint("EURUSD") for name in ("other", "plain"))
    assert other == plain


def test_file_of_one_row_is_one_tick(tmp_path: Path) -> None:
    report = load(tmp_path / "one", (HEADER + ROWS.splitlines()[0]).encode())

    assert (report.rows, report.kept) == (1, 1)
