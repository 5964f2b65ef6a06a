"""Files into the store: every row kept exactly, or named; all of an import or nothing."""

import csv
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random

import pytest
from dying_disk import Died, DyingFiles
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_import import import_naively

from necrozma_core.errors import DataError, LockedError, StorageError, UnknownPairError, UsageError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import import_files
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.ticks.store import TickStore

HEADER = "timestamp,bid,ask\n"
START = datetime(2024, 1, 15, tzinfo=UTC)


def lines(first: int, number: int, bid: str = "1.08512", ask: str = "1.08519") -> str:
    """Rows of a CSV, one a second from so many seconds after the start."""
    times = (START + timedelta(seconds=first + second) for second in range(number))
    return "".join(f"{time.isoformat()},{bid},{ask}\n" for time in times)


def write(path: Path, content: str, header: str = HEADER) -> Path:
    path.write_text(header + content, encoding="utf-8")
    return path


def quotes(ticks: Ticks) -> list[tuple[int, Decimal, Decimal]]:
    exact = (
        tuple(Decimal(points).scaleb(-ticks.digits) for points in side.tolist()) for side in (ticks.bid, ticks.ask)
    )
    return list(zip(ticks.time_ms.tolist(), *exact, strict=True))


def read(data: Path, pair: str = "EURUSD") -> list[tuple[int, Decimal, Decimal]]:
    return quotes(TickStore(data).read(pair))


good_prices = st.decimals(min_value="0.9", max_value="1.1", places=5).map(str)
bad_prices = st.sampled_from(["", "abc", "nan", "-inf", "1e400", "0", "-1.1", "1.00000000001", "12345678901", "1.1.1"])
bad_rows = st.sampled_from(["", ",,", "x", "1,2,3,4", "2024-01-15T00:00:00Z,1.1"])
bad_times = st.sampled_from(["", "never", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00Z"])


@st.composite
def dirty_files(draw: st.DrawFn) -> str:
    """A file of quotes, some of them bad in one of the ways known, the first of them good."""
    rows = [f"{START.isoformat()},1.00001,1.00002"]
    time = START
    for _ in range(draw(st.integers(0, 30))):
        time += timedelta(milliseconds=draw(st.sampled_from([0, 0, 1, 1_000, -500])))
        bid, ask = sorted((draw(good_prices), draw(good_prices)), key=Decimal)
        cells = {"time": time.isoformat(timespec="milliseconds"), "bid": bid, "ask": ask}
        match draw(st.integers(0, 9)):
            case 0:
                cells[draw(st.sampled_from(["bid", "ask"]))] = draw(bad_prices)
            case 1:
                cells["time"] = draw(bad_times)
            case 2:
                cells["bid"], cells["ask"] = cells["ask"], cells["bid"]
        rows.append(draw(bad_rows) if draw(st.integers(0, 14)) == 0 else ",".join(cells.values()))
    return "\n".join(rows) + "\n" * draw(st.integers(0, 2))


# Each of these writes to the disk and waits for it.
@settings(max_examples=settings.default.max_examples // 3)
@given(content=dirty_files())
def test_import_of_any_rows_agrees_with_a_row_at_a_time_reader(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    expected = import_naively(HEADER + content)
    path = write(folder / "any.csv", content)

    report = import_files([path], "EURUSD", folder / "data", quarantine_share=1.0)

    assert read(folder / "data") == expected.quotes
    assert report.quarantined == expected.reasons
    assert (report.kept, report.rows) == (len(expected.quotes), len(expected.quotes) + len(expected.bad))
    if expected.bad:
        with report.quarantine_files[0].open(encoding="utf-8", newline="") as file:
            aside = [(int(row["row"]), row["reason"]) for row in csv.DictReader(file)]
        assert aside == expected.bad
        with pytest.raises(DataError, match=rf"any.csv: row \d+[,:] .*{len(expected.bad)} bad row"):
            import_files([path], "EURUSD", folder / "refused")
        assert not TickStore(folder / "refused").pairs()


@pytest.mark.parametrize(
    ("row", "column", "expected", "found", "reason"),
    [
        ("2024-01-15T00:00:01Z,-1.2,1.3", "bid", "a price above zero", "-1.2", "zero or negative"),
        ("2024-01-15T00:00:01Z,1.2,0", "ask", "a price above zero", "0", "zero or negative"),
        ("2024-01-15T00:00:01Z,1.3,1.2", "ask", "a price at or above the bid of '1.3'", "1.2", "ask below bid"),
        ("2024-01-15T00:00:01Z,1.2,1e400", "ask", "a finite number", "1e400", "infinite"),
        ("2024-01-15T00:00:01Z,NaN,1.2", "bid", "a number", "NaN", "not a number"),
        ("2024-01-15T00:00:01Z,,1.2", "bid", "a value", "", "empty cell"),
        ("2024-01-15T00:00:01Z,1.2,1.2345678912", "ask", "a price of at most nine digits", "1.2345678912", "more"),
        ("tomorrow,1.2,1.3", "timestamp", "a time such as 2024-01-15T00:00:00.032Z", "tomorrow", "not a time"),
        ("1705276801000,1.2,1.3", "timestamp", "a time such as", "1705276801000", "not a time"),
        ("1677-09-21T00:12:44Z,1.2,1.3", "timestamp", "a time from 1990 to tomorrow", "1677-09-21T00:12:44Z", "a time"),
        ("2154-01-15T00:00:00Z,1.2,1.3", "timestamp", "a time from 1990 to tomorrow", "2154-01-15T00:00:00Z", "a time"),
    ],
)  # fmt: skip
def test_import_of_a_bad_row_names_file_row_column_and_number(
    tmp_path: Path, row: str, column: str, expected: str, found: str, reason: str
) -> None:
    path = write(tmp_path / "march.csv", f"{lines(0, 3)}{row}\n{lines(3, 297)}{row}\n")

    with pytest.raises(DataError) as caught:
        import_files([path], "EURUSD", tmp_path / "data")

    message = str(caught.value)
    assert f"march.csv: row 5, column {column}: expected {expected}" in message
    assert f"found {found!r}" in message
    assert f"2 bad rows (2 {reason}" in message
    assert message.endswith("mend the file, or set them aside with --quarantine-rows")
    assert "\n" not in message
    assert not TickStore(tmp_path / "data").pairs()


def test_import_of_whole_numbers_that_no_unit_makes_a_time_asks_for_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "17052,1.2,1.3\n")

    with pytest.raises(DataError, match=r"expected a time .* \(what a number counts, say with --unit .* found '17052'"):
        import_files([path], "EURUSD", tmp_path / "data")


def test_import_of_blocks_in_the_wrong_order_keeps_the_longer_one_and_recommends_no_loss(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(100, 30) + lines(0, 70))

    with pytest.raises(DataError) as caught:
        import_files([path], "EURUSD", tmp_path / "data")
    report = import_files([path], "EURUSD", tmp_path / "data", quarantine_share=0.4)

    assert str(caught.value).endswith(
        "row 32: expected a time at or after the 2024-01-15T00:02:09.000000000Z of row 31, found "
        "'2024-01-15T00:00:00+00:00'; 30 bad rows (30 out of order); sort the file by time"
    )
    assert (report.kept, report.quarantined) == (70, {"out of order": 30})
    assert (
        report.quarantine_files[0]
        .read_text(encoding="utf-8")
        .splitlines()[1]
        .startswith("2,out of order,2024-01-15T00:01:40")
    )


def test_import_of_one_row_from_the_far_future_sets_that_row_aside(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "2154-01-15T00:00:00Z,1.1,1.2\n" + lines(0, 1_998))

    report = import_files([path], "EURUSD", tmp_path / "data", quarantine_share=0.01)

    assert (report.kept, report.quarantined) == (1_998, {"a time before 1990 or after tomorrow": 1})


def test_import_of_a_time_is_bad_after_the_day_that_follows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(0, 10))
    start_ns = round(START.timestamp()) * 10**9

    report = import_files(
        [path], "EURUSD", tmp_path / "data", now_ns=lambda: start_ns - 86_400 * 10**9 + 4 * 10**9, quarantine_share=0.5
    )

    assert (report.kept, report.quarantined) == (5, {"a time before 1990 or after tomorrow": 5})


def test_import_that_would_set_more_aside_than_allowed_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(0, 90) + "x,1,1\n" * 10)

    with pytest.raises(
        DataError, match=r"10 bad rows \(10 not a time\), 10 % of all, and at most 1 % may be set aside; mend"
    ):
        import_files([path], "EURUSD", tmp_path / "data", quarantine_share=0.01)
    with pytest.raises(DataError, match=r"10 bad rows \(10 not a time\), 10 % of all; mend the file$"):
        import_files([path], "EURUSD", tmp_path / "data")
    assert import_files([path], "EURUSD", tmp_path / "data", quarantine_share=0.1).kept == 90


def test_import_of_files_without_rows_leaves_them_out_and_names_them(tmp_path: Path) -> None:
    nothing, header = tmp_path / "sat.csv", write(tmp_path / "sun.csv", "")
    nothing.write_bytes(b"")

    report = import_files([nothing, write(tmp_path / "mon.csv", lines(0, 5)), header], "EURUSD", tmp_path / "data")

    assert (report.kept, report.files) == (5, ("mon.csv",))
    assert report.empty in {("sat.csv", "sun.csv"), ("sun.csv", "sat.csv")}


def test_import_counts_rows_that_stand_there_twice(tmp_path: Path) -> None:
    content = "".join(line * 2 for line in lines(0, 5).splitlines(keepends=True))

    report = import_files([write(tmp_path / "a.csv", content)], "EURUSD", tmp_path / "data")

    assert (report.kept, report.repeated) == (10, 5)


def test_import_with_quarantine_keeps_the_fields_as_they_were(tmp_path: Path) -> None:
    header = "ask,volume,timestamp,bid\n"
    content = '1.1,"7, or so",2024-01-15T00:00:00Z,1.0\n1.1,8,2024-01-15T00:00:01Z,"1.2 "\n1.1,x\n'
    path = write(tmp_path / "march.csv", content, header)

    report = import_files([path], "EURUSD", tmp_path / "data", quarantine_share=1.0)

    assert report.quarantine_files == (tmp_path / "data/EURUSD/quarantine/march.csv",)
    assert report.quarantine_files[0].read_text(encoding="utf-8") == (
        "row,reason,ask,volume,timestamp,bid\n"
        "3,ask below bid,1.1,8,2024-01-15T00:00:01Z,1.2 \n"
        "4,wrong number of fields,1.1,x\n"
    )
    assert report.quarantined == {"ask below bid": 1, "wrong number of fields": 1}


def test_import_of_clean_files_with_quarantine_leaves_no_side_file(tmp_path: Path) -> None:
    report = import_files([write(tmp_path / "a.csv", lines(0, 3))], "EURUSD", tmp_path / "data", quarantine_share=1.0)

    assert report.quarantine_files == ()
    assert not (tmp_path / "data/EURUSD/quarantine").exists()


def test_import_of_files_of_one_name_gives_each_its_side_file(tmp_path: Path) -> None:
    paths = []
    for month, first in (("jan", 0), ("feb", 100), ("mar", 200)):
        (tmp_path / month).mkdir()
        paths.append(write(tmp_path / month / "ticks.csv", f"{lines(first, 3)}{month},1,1\n"))

    import_files(paths[:2], "EURUSD", tmp_path / "data", quarantine_share=1.0)
    import_files(paths[2:], "EURUSD", tmp_path / "data", quarantine_share=1.0)

    side_files = (tmp_path / "data/EURUSD/quarantine").iterdir()
    set_aside = [path.read_text(encoding="utf-8").splitlines()[1] for path in side_files]
    assert sorted(set_aside) == [f"5,not a time,{month},1,1" for month in ("feb", "jan", "mar")]


def test_import_of_rows_that_are_all_bad_asks_for_the_right_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "15-01-2024 00:00,1.1,1.2\n" * 3)

    with pytest.raises(DataError, match=r"3 bad rows \(3 not a time\), every row so far: check that this is the right"):
        import_files([path], "EURUSD", tmp_path / "data", quarantine_share=1.0)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_import_of_a_header_alone_finds_no_rows(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="expected rows of EURUSD, found none"):
        import_files([write(tmp_path / "a.csv", content)], "EURUSD", tmp_path / "data")


def test_import_takes_digits_from_the_finest_price_without_trailing_zeros(tmp_path: Path) -> None:
    content = "2024-01-15T00:00:00Z,1.1000000,1.2\n2024-01-15T00:00:01Z,1.1,1.25\n2024-01-15T00:00:02Z,1.123,1.2\n"

    report = import_files([write(tmp_path / "a.csv", content)], "EURUSD", tmp_path / "data")
    ticks = TickStore(tmp_path / "data").read("EURUSD")

    assert report.digits == ticks.digits == 3
    assert (ticks.bid.tolist(), ticks.ask.tolist()) == ([1100, 1100, 1123], [1200, 1250, 1200])


def test_import_of_digits_that_come_late_raises_the_rows_before_them(tmp_path: Path) -> None:
    content = lines(0, 40_000, "1.1", "1.1") + lines(40_000, 1, "1.10001", "1.2")  # in another block of the file

    import_files([write(tmp_path / "a.csv", content)], "EURUSD", tmp_path / "data")
    ticks = TickStore(tmp_path / "data").read("EURUSD")

    assert ticks.digits == 5
    assert set(ticks.bid[:-1].tolist()) == {110_000}
    assert ticks.bid[-1] == 110_001


@pytest.mark.parametrize("rows", [1, 40_000])
def test_import_of_a_price_too_large_for_the_files_decimals_names_its_row(tmp_path: Path, rows: int) -> None:
    content = lines(0, 1, "99999", "99999.5") + lines(1, rows, "1.1", "1.2") + lines(rows + 1, 1, "1.10001", "1.2")

    with pytest.raises(DataError, match=r"row 2, column ask: expected at most nine digits, found 99999.50* in a file"):
        import_files([write(tmp_path / "a.csv", content)], "EURUSD", tmp_path / "data")


def test_import_of_times_finer_than_a_millisecond_rounds_down_and_says_so(tmp_path: Path) -> None:
    content = "".join(f"2024-01-15T00:00:00.{fraction}Z,1.1,1.2\n" for fraction in ("001", "0011", "0019999", "002"))

    report = import_files([write(tmp_path / "a.csv", content)], "EURUSD", tmp_path / "data")

    assert report.sub_millisecond == 2
    assert (TickStore(tmp_path / "data").read("EURUSD").time_ms % 1000).tolist() == [1, 1, 1, 2]


def test_import_keeps_the_order_of_quotes_in_one_millisecond(tmp_path: Path) -> None:
    content = "".join(f"2024-01-15T00:00:00Z,1.1000{last},1.2\n" for last in (5, 3, 9, 3))

    import_files([write(tmp_path / "a.csv", content)], "EURUSD", tmp_path / "data")

    assert TickStore(tmp_path / "data").read("EURUSD").bid.tolist() == [110_005, 110_003, 110_009, 110_003]


def test_import_of_several_files_in_any_order_puts_them_in_order_of_time(tmp_path: Path) -> None:
    parts = [
        write(tmp_path / f"{name}.csv", lines(first, 2, f"1.{name}", "1.5"))
        for name, first in ((3, 20), (1, 0), (2, 10))
    ]

    together = import_files(parts, "EURUSD", tmp_path / "together", quarantine_share=0.0)
    for part in parts:
        import_files([part], "EURUSD", tmp_path / "apart")

    assert together.files == ("1.csv", "2.csv", "3.csv")
    assert together.span == "2024-01-15 00:00:00 to 2024-01-15 00:00:21"
    assert [str(bid) for _, bid, _ in read(tmp_path / "together")] == ["1.1", "1.1", "1.2", "1.2", "1.3", "1.3"]
    assert read(tmp_path / "apart") == read(tmp_path / "together")
    assert TickStore(tmp_path / "apart").fingerprint("EURUSD") == TickStore(tmp_path / "together").fingerprint("EURUSD")


def test_import_of_the_same_content_again_changes_nothing_and_says_so(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", lines(0, 5))
    again = write(tmp_path / "renamed.csv", lines(0, 5))
    import_files([first], "EURUSD", tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data/EURUSD").iterdir()}

    report = import_files([again, write(tmp_path / "b.csv", lines(10, 5))], "EURUSD", tmp_path / "data2")
    assert (report.files, report.already_stored) == (("renamed.csv", "b.csv"), ())
    report = import_files([again], "EURUSD", tmp_path / "data")

    assert (report.files, report.already_stored, report.rows, report.span) == ((), ("renamed.csv",), 0, "")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data/EURUSD").iterdir()} == before


def test_import_of_known_and_new_files_takes_the_new_ones(tmp_path: Path) -> None:
    known, new = write(tmp_path / "a.csv", lines(0, 5)), write(tmp_path / "b.csv", lines(10, 5))
    import_files([known], "EURUSD", tmp_path / "data")

    report = import_files([known, new, new], "EURUSD", tmp_path / "data")

    assert (report.files, report.already_stored) == (("b.csv",), ("a.csv", "b.csv"))
    assert len(read(tmp_path / "data")) == 10


@pytest.mark.parametrize("together", [True, False])
def test_import_of_an_overlapping_span_that_differs_is_refused_and_names_both(tmp_path: Path, together: bool) -> None:
    first, second = write(tmp_path / "a.csv", lines(0, 10)), write(tmp_path / "b.csv", lines(5, 10, ask="1.08520"))
    if not together:
        import_files([first], "EURUSD", tmp_path / "data")

    with pytest.raises(DataError) as caught:
        import_files([first, second] if together else [second], "EURUSD", tmp_path / "data")

    stored = "" if together else "what is stored of "
    assert (
        f"EURUSD: b.csv and {stored}a.csv both cover 2024-01-15 00:00:05 to 2024-01-15 00:00:09 and differ there: "
        "1.08512/1.08520 at 2024-01-15T00:00:05.000Z in b.csv, 1.08512/1.08519 at 2024-01-15T00:00:05.000Z in a.csv; "
    ) in str(caught.value)
    assert len(TickStore(tmp_path / "data").pairs()) == (not together)


def test_import_that_is_refused_leaves_the_older_side_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(0, 5) + "old,1,1\n")
    import_files([path], "EURUSD", tmp_path / "data", quarantine_share=1.0)
    write(path, lines(0, 5, "1.0") + "new,1,1\n")

    with pytest.raises(DataError, match="differ there"):
        import_files([path], "EURUSD", tmp_path / "data", quarantine_share=1.0)

    side_files = list((tmp_path / "data/EURUSD/quarantine").iterdir())
    assert ["old" in side_file.read_text(encoding="utf-8") for side_file in side_files] == [True]


def test_import_of_times_without_a_zone_asks_for_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "2024-01-15 12:00:00.000,1.1,1.2\n")

    with pytest.raises(DataError, match=r"a.csv: row 2, column timestamp: expected a time with its zone.*--zone: UTC"):
        import_files([path], "EURUSD", tmp_path / "data", quarantine_share=1.0)
    import_files([path], "EURUSD", tmp_path / "data", options=ReadOptions(zone="America/New_York"))

    assert read(tmp_path / "data")[0][0] == 1_705_338_000_000


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "+25:00", "", "-5"])
def test_import_with_an_unknown_zone_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(UsageError, match="unknown zone"):
        import_files(
            [write(tmp_path / "a.csv", lines(0, 1))], "EURUSD", tmp_path / "data", options=ReadOptions(zone=zone)
        )


@pytest.mark.parametrize("pair", ["eurusd", "EURUSX", "../EURUSD", "EUR/USD", ""])
def test_import_of_an_unknown_pair_makes_no_folder(tmp_path: Path, pair: str) -> None:
    with pytest.raises(UnknownPairError):
        import_files([write(tmp_path / "a.csv", lines(0, 1))], pair, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_import_of_what_is_no_file_says_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path, found in (
        (tmp_path / "nothing.csv", "no such file"),
        (tmp_path, "a folder"),
        (tmp_path / "pipe.csv", "a pipe"),
    ):
        with pytest.raises(UsageError, match=found):
            import_files([path], "EURUSD", tmp_path / "data")
    with pytest.raises(UsageError, match="at least one file"):
        import_files([], "EURUSD", tmp_path / "data")


def test_import_beside_another_into_the_same_pair_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(0, 1))
    with (
        lock_results(tmp_path / "data/EURUSD"),
        pytest.raises(LockedError, match="another import into it is running; wait for it to end"),
    ):
        import_files([path], "EURUSD", tmp_path / "data")

    import_files([path], "EURUSD", tmp_path / "data")


def test_import_into_a_folder_that_cannot_be_made_is_disk_trouble(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, no folder", encoding="utf-8")

    with pytest.raises(StorageError, match="could not make"):
        import_files([write(tmp_path / "a.csv", lines(0, 1))], "EURUSD", tmp_path / "data")


@pytest.mark.faults
@pytest.mark.parametrize("power_cut", [False, True])
def test_import_that_dies_anywhere_leaves_the_old_ticks_or_the_new_ones(tmp_path: Path, power_cut: bool) -> None:
    old = write(tmp_path / "old.csv", lines(0, 50))
    # Into the same year, and into another one: two files change places at once, or none.
    new = write(tmp_path / "new.csv", lines(100, 50) + lines(366 * 86_400, 50) + "bad,1,1\n")
    found = set()
    for dies_at in count():
        data = tmp_path / f"{dies_at}"
        import_files([old], "EURUSD", data)
        disk = DyingFiles(dies_at)
        try:
            import_files([new], "EURUSD", data, quarantine_share=1.0, disk=disk)
        except Died:
            if power_cut:
                disk.cut_power(Random(dies_at))
        found.add(len(read(data)))
        assert found <= {50, 150}
        if len(read(data)) == 150:
            assert "bad" in (data / "EURUSD/quarantine/new.csv").read_text(encoding="utf-8")
        # What a death leaves behind does not stand in the way of the next import, nor stay.
        import_files([new], "EURUSD", data, quarantine_share=1.0)
        assert len(read(data)) == 150
        if not disk.dead:
            break
    assert found == {50, 150}
    assert dies_at > 8


def test_import_of_a_longer_download_extends_what_is_stored(tmp_path: Path) -> None:
    import_files([write(tmp_path / "noon.csv", lines(0, 200))], "EURUSD", tmp_path / "data")

    report = import_files([write(tmp_path / "day.csv", lines(0, 400))], "EURUSD", tmp_path / "data")
    import_files([write(tmp_path / "day.csv", lines(0, 400))], "EURUSD", tmp_path / "once")

    assert (report.kept, report.known) == (400, 200)
    assert TickStore(tmp_path / "data").fingerprint("EURUSD") == TickStore(tmp_path / "once").fingerprint("EURUSD")


def test_import_stores_the_tick_at_which_two_files_meet_once(tmp_path: Path) -> None:
    first, rest = write(tmp_path / "a.csv", lines(0, 10)), write(tmp_path / "b.csv", lines(9, 10))

    report = import_files([first, rest], "EURUSD", tmp_path / "data")

    assert (report.kept, report.known, len(read(tmp_path / "data"))) == (20, 1, 19)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40).map(sorted), st.data())
def test_import_of_any_pieces_that_overlap_is_the_whole(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    rows = [line for position, second in enumerate(seconds) for line in [lines(second, 1, f"1.0{position:03}", "1.2")]]
    # Pieces cut between different times: a millisecond belongs to one piece, or to both whole.
    cuts = [0, *(n for n in range(1, len(rows)) if seconds[n] != seconds[n - 1]), len(rows)]
    pieces = [(0, len(rows) if len(cuts) < 3 else cuts[len(cuts) // 2])]
    for _ in range(data.draw(st.integers(0, 4))):
        start, end = sorted((data.draw(st.sampled_from(cuts)), data.draw(st.sampled_from(cuts))))
        if start < end:
            pieces.append((start, end))
    pieces.append((0, len(rows)))

    for number, (start, end) in enumerate(pieces):
        import_files([write(folder / f"{number}.csv", "".join(rows[start:end]))], "EURUSD", folder / "apart")
    import_files([write(folder / "whole.csv", "".join(rows))], "EURUSD", folder / "whole")

    assert read(folder / "apart") == read(folder / "whole")


def test_many_files_ask_the_manifest_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from necrozma_core.storage.ticks.manifest import TickManifest

    files = [write(tmp_path / f"{number:03}.csv", lines(number, 1)) for number in range(60)]
    import_files(files, "EURUSD", tmp_path / "data")
    import_files([write(tmp_path / "other.csv", lines(0, 5, "1.30000", "1.30010"))], "GBPUSD", tmp_path / "data")
    reads = []
    read = TickManifest.read.__func__
    monkeypatch.setattr(
        TickManifest, "read", classmethod(lambda kind, folder: reads.append(folder) or read(kind, folder))
    )

    report = import_files([*files, files[0]], "EURUSD", tmp_path / "data")

    assert len(report.already_stored) == 61
    assert len(reads) <= 5
