"""Bars on their way in: what is refused and how it is said, sides put together, spreads that cost what they should."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dying_disk import Died, DyingFiles
from quote_bar_samples import HOUR_MS, make_bars, same_bars

from necrozma_core.errors import DataError, UnknownPairError, UsageError
from necrozma_core.feeds.bars.intake import import_bars
from necrozma_core.feeds.bars.sides import Side, Spread, name_without_side, side_in_name
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.bars.store import BarStore

HEADER = "time,open,high,low,close"
ONE = Spread.parse("1")
NOW = 1_700_000_000 * 10**9


def rows_of(number: int = 4, *, first: str = "2023-01-02", side: str = "bid") -> list[str]:
    bars = make_bars(first, number)
    prices = getattr(bars, side) / 1e5
    times = bars.open_time_ms.view("datetime64[ms]")
    return [f"{time}Z,{','.join(f'{price:.5f}' for price in row)}" for time, row in zip(times, prices, strict=True)]


def write(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def bring(tmp_path: Path, *paths: Path, pair: str = "EURUSD", **given) -> QuoteBars:  # type: ignore[no-untyped-def]
    import_bars(list(paths), pair, tmp_path / "data", now_ns=lambda: NOW, **given)
    store = BarStore(tmp_path / "data")
    (timeframe_ms,) = store.timeframes(pair)
    return store.read(pair, timeframe_ms)


def changed(row: int, column: int, cell: str) -> Callable[[list[str]], list[str]]:
    def change(rows: list[str]) -> list[str]:
        fields = rows[row].split(",")
        fields[column] = cell
        return [*rows[:row], ",".join(fields), *rows[row + 1 :]]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(1, 2, "0.5"), r"row 3, column high: expected a high at or above the low, found '0.5'; 1 bad row "),
        (changed(1, 3, "2.5"), r"row 3, column high: expected a high at or above the low"),
        (changed(1, 1, "1.2"), r"row 3, column open: expected a price between low and high, found '1.2'"),
        (changed(1, 4, "0.2"), r"row 3, column close: expected a price between low and high, found '0.2'"),
        (changed(1, 3, "0"), r"row 3, column low: expected a price above zero, found '0'"),
        (changed(1, 3, "-1.0"), r"row 3, column low: expected a price above zero, found '-1.0'"),
        (changed(1, 1, "NaN"), r"row 3, column open: expected a number, found 'NaN'"),
        (changed(1, 1, "1e400"), r"row 3, column open: expected a finite number, found '1e400'"),
        (changed(1, 1, ""), r"row 3, column open: expected a value, found ''"),
        (changed(1, 1, "1,1"), r"row 3: expected 5 fields, found 6; 1 bad row \(1 wrong number of fields\)"),
        (changed(1, 1, '"1,1"'), r"row 3, column open: expected a number, found '1,1'"),
        (changed(1, 0, "2154-01-01T00:00:00Z"), r"row 3, column time: expected a time from 1990 to tomorrow"),
        (changed(1, 0, "1989-01-01T00:00:00Z"), r"row 3, column time: expected a time from 1990 to tomorrow"),
        (changed(1, 0, "yesterday"), r"row 3, column time: expected a time such as 2024-01-15T00:00:00Z"),
        (
            lambda rows: [*rows[:2], "", *rows[2:]],
            r"row 4, column time: expected a value, found ''; 1 bad row \(1 empty cell\)",
        ),
        (lambda rows: [*rows, rows[-1]], r"row 6: expected every time once, found 2023-01-02 03:00:00Z in row 5 too"),
        (lambda rows: [*rows[:1], rows[2], rows[1], rows[3]], r"row 4: expected a time after .* of row 3, found"),
        (lambda rows: rows[::-1], r"row 3: the newest bar comes first; sort the file by time"),
        (changed(3, 0, "2023-01-02T03:10:00Z"), r"row 5: expected a bar of 1h, .* found 2023-01-02 03:10:00Z after"),
        (lambda rows: [*rows[:2], changed(0, 0, "2023-01-02T01:10:00Z")(rows[2:3])[0], *rows[2:]], r"01:10:00Z after"),
        (lambda rows: rows[:1], r"expected at least two bars, which tell their timeframe, found 1"),
        (lambda rows: [], r"expected bars of EURUSD, found none in any file"),
        (
            lambda rows: [row.replace("1.0", "3.0").replace("0.9", "2.9") for row in rows],
            r"are not EURUSD's, which has",
        ),
        (lambda rows: ["x,y,z,v,w"] * 50, r"50 bad rows \(50 not a time\) so far: check that this is the right kind"),
    ],
)
def test_file_that_is_not_right_is_refused_by_row_and_column(
    tmp_path: Path, change: Callable[[list[str]], list[str]], message: str
) -> None:
    path = write(tmp_path / "x.csv", change(rows_of()))

    with pytest.raises(DataError, match=message) as refused:
        bring(tmp_path, path, spread=ONE)

    assert str(refused.value).startswith(str(tmp_path) if "in any file" not in message else "x.csv")
    assert "\n" not in str(refused.value)
    assert BarStore(tmp_path / "data").pairs() == []


@pytest.mark.parametrize("step", ["7d", "31d"])
def test_bars_longer_than_a_day_are_refused(tmp_path: Path, step: str) -> None:
    days = int(step[:-1])
    rows = [f"{np.datetime64('2020-01-06') + days * k},1.1,1.2,1.0,1.1" for k in range(5)]
    path = write(tmp_path / "x.csv", rows)

    with pytest.raises(DataError, match=f"expected bars whose length divides a day, .* found times {step} apart"):
        bring(tmp_path, path, spread=ONE, options=ReadOptions(zone="UTC"))


@pytest.mark.parametrize(("cell", "message"), [("-1", "a spread from zero"), ("x", "a number"), ("", "a value")])
def test_bad_cell_of_a_column_of_spreads_is_named(tmp_path: Path, cell: str, message: str) -> None:
    rows = [f"{row},{cell if number == 2 else '1'}" for number, row in enumerate(rows_of())]
    path = write(tmp_path / "x.csv", rows, f"{HEADER},spread_points")

    with pytest.raises(DataError, match=f"row 4, column spread_points: expected {message}"):
        bring(tmp_path, path, spread=Spread.parse("file"))


@pytest.mark.parametrize(
    ("cell", "message"), [("-1", "a number from zero"), ("1.5", "a whole number of ticks"), ("x", "a num")]
)
def test_bad_number_of_ticks_is_named(tmp_path: Path, cell: str, message: str) -> None:
    rows = [f"{row},{cell if number == 2 else '1'}" for number, row in enumerate(rows_of())]
    path = write(tmp_path / "x.csv", rows, f"{HEADER},tick_volume")

    with pytest.raises(DataError, match=f"row 4, column tick_volume: expected {message}"):
        bring(tmp_path, path, spread=ONE)


def test_one_side_without_a_spread_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", rows_of())
    with pytest.raises(DataError, match=r"x.csv: bars of one side, read as the bid; say the spread with --spread 1.2"):
        bring(tmp_path, path)
    own = write(tmp_path / "y.csv", [f"{row},8" for row in rows_of()], f"{HEADER},spread_points")
    with pytest.raises(DataError, match="--spread file for its own column"):
        bring(tmp_path, own)
    with pytest.raises(DataError, match="the file has no column of spreads; say pips"):
        bring(tmp_path, path, spread=Spread.parse("file"))


def test_column_called_spread_alone_is_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [f"{row},2" for row in rows_of()], f"{HEADER},Spread")

    with pytest.raises(
        DataError, match=r"column Spread may count points, pips or price: .*spread_pips=Spread among them"
    ):
        bring(tmp_path, path, spread=Spread.parse("file"))


def test_column_of_spreads_that_is_all_zero_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [f"{row},0" for row in rows_of()], f"{HEADER},spread_points")

    with pytest.raises(DataError, match="column spread_points is 0 in every row; say pips"):
        bring(tmp_path, path, spread=Spread.parse("file"))


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "1001", "own", "1.2 pips"])
def test_spread_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--spread .*: expected pips, such as 1.2, or file"):
        Spread.parse(text)


def test_side_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="--side up: expected one of bid, ask, mid"):
        Side.parse("up")


@pytest.mark.parametrize(("text", "words"), [("1", "fixed 1 pip"), ("1.20", "fixed 1.2 pips"), ("0", "fixed 0 pips")])
def test_spread_is_said_for_people(text: str, words: str) -> None:
    assert str(Spread.parse(text)) == words


@pytest.mark.parametrize(
    ("side", "pips", "digits", "bid", "ask"),
    [
        (Side.BID, "1.2", 5, 100_000, 100_012),
        (Side.ASK, "1.2", 5, 99_988, 100_000),
        (Side.MID, "1.2", 5, 99_994, 100_006),
        (Side.MID, "0.1", 6, 999_995, 1_000_005),
        (Side.BID, "0.25", 6, 1_000_000, 1_000_025),
        (Side.BID, "0", 0, 1, 1),
    ],
)
def test_other_side_lies_exactly_the_spread_away(
    tmp_path: Path, side: Side, pips: str, digits: int, bid: int, ask: int
) -> None:
    rows = [f"2023-01-02T0{hour}:00:00Z,1,1,1,1" for hour in range(2)]
    path = write(tmp_path / "x.csv", rows)

    bars = bring(tmp_path, path, spread=Spread.parse(pips), side=side)

    assert (bars.digits, set(bars.bid.flat), set(bars.ask.flat)) == (digits, {bid}, {ask})


def test_yen_has_pips_of_its_own(tmp_path: Path) -> None:
    rows = [f"2012-01-02T0{hour}:00:00Z,81.121,81.2,81.1,81.2" for hour in range(2)]

    bars = bring(tmp_path, write(tmp_path / "x.csv", rows), pair="USDJPY", spread=ONE)

    assert set((bars.ask - bars.bid).flat) == {10}


@pytest.mark.parametrize(
    ("pair", "points", "bid", "digits"),
    [
        ("USDJPY", "81121.0", 81121, 3),
        ("EURGBP", "80439", 80439, 5),
        ("EURGBP", "8043", 8043, 4),
        ("XAUUSD", "158078", 158078, 2),
        ("XAUUSD", "1580", 15800, 1),
    ],
)
def test_whole_points_are_told_by_the_level_of_the_pair(
    tmp_path: Path, pair: str, points: str, bid: int, digits: int
) -> None:
    rows = [f"2012-01-02T0{hour}:00:00Z,{points},{points},{points},{points}" for hour in range(2)]

    bars = bring(tmp_path, write(tmp_path / "x.csv", rows), pair=pair, spread=ONE)

    assert (bars.digits, bars.bid[0, 0]) == (digits, bid)


def test_two_files_of_bid_and_ask_are_put_together_by_time(tmp_path: Path) -> None:
    bid = write(tmp_path / "EURUSD_bid.csv", rows_of(24))
    ask_rows = rows_of(24, side="ask")
    ask = write(tmp_path / "EURUSD_ask.csv", [*ask_rows[:7], *ask_rows[8:]])

    report = import_bars([ask, bid], "EURUSD", tmp_path / "data", now_ns=lambda: NOW)

    (made,) = report.imports
    assert (made.bars, made.spread, made.files) == (23, "bid and ask", ("EURUSD_bid.csv", "EURUSD_ask.csv"))
    assert made.notes == (f"1 bar that only one side has left out, first 2023-01-02 07:00:00Z, only in {bid}",)
    bars = BarStore(tmp_path / "data").read("EURUSD", HOUR_MS)
    whole = make_bars("2023-01-02", 24)
    keep = np.arange(24) != 7
    assert (bars.bid == whole.bid[keep]).all()
    assert (bars.ask == whole.ask[keep]).all()


def test_sides_without_a_common_bar_are_refused(tmp_path: Path) -> None:
    bid = write(tmp_path / "EURUSD_bid.csv", rows_of(4))
    ask = write(tmp_path / "EURUSD_ask.csv", rows_of(4, first="2023-02-02", side="ask"))

    with pytest.raises(DataError, match="expected bars of the same times, found none: check their zones"):
        bring(tmp_path, bid, ask)


def test_sides_that_are_swapped_are_refused(tmp_path: Path) -> None:
    bid = write(tmp_path / "EURUSD_bid.csv", rows_of(4, side="ask"))
    ask = write(tmp_path / "EURUSD_ask.csv", rows_of(4, side="bid"))

    with pytest.raises(
        DataError, match=r"4 bars have an ask below the bid, by up to 1.2 pips: .* which of them is the ask"
    ):
        bring(tmp_path, bid, ask)


def test_few_asks_below_their_bid_are_raised_to_it_and_counted(tmp_path: Path) -> None:
    rows = rows_of(24, side="ask")
    fields = rows[5].split(",")
    high = make_bars("2023-01-02", 24).bid[5, 1] / 1e5
    fields[2] = f"{max(float(fields[1]), float(fields[4]), high - 0.00002):.5f}"
    bid, ask = (
        write(tmp_path / "bid.csv", rows_of(24)),
        write(tmp_path / "ask.csv", [*rows[:5], ",".join(fields), *rows[6:]]),
    )
    is_crossed = float(fields[2]) < high

    report = import_bars([bid, ask], "EURUSD", tmp_path / "data", now_ns=lambda: NOW)

    bars = BarStore(tmp_path / "data").read("EURUSD", HOUR_MS)
    assert (bars.ask >= bars.bid).all()
    assert any("the ask was raised to the bid" in note for note in report.imports[0].notes) == is_crossed


def test_sides_of_other_timeframes_are_refused(tmp_path: Path) -> None:
    bid = write(tmp_path / "EURUSD_bid.csv", rows_of(6))
    ask = write(tmp_path / "EURUSD_ask.csv", rows_of(6, side="ask")[::2])

    with pytest.raises(DataError, match="expected bars of one timeframe, found 1h and 2h"):
        bring(tmp_path, bid, ask)


@pytest.mark.parametrize(
    ("path", "side"),
    [
        ("EURUSD_bid.csv", Side.BID),
        ("eurusd-m1-ask-2021.csv", Side.ASK),
        ("EURUSD_Candlestick_1_Hour_BID_01.01.2018.csv", Side.BID),
        ("ask/EURUSD.csv", Side.ASK),
        ("bid_and_ask.csv", None),
        ("EURUSD_forbidden.csv", None),
        ("EURUSD.csv", None),
    ],
)
def test_side_is_told_by_name_or_folder(tmp_path: Path, path: str, side: Side | None) -> None:
    assert side_in_name(tmp_path / path) is side


def test_names_of_two_sides_are_one_without_the_word() -> None:
    assert name_without_side(Path("/d/EURUSD_BID_2018.csv")) == name_without_side(Path("/d/EURUSD_ASK_2018.csv"))
    assert name_without_side(Path("/d/bid/EURUSD.csv")) == name_without_side(Path("/d/ask/EURUSD.csv"))
    assert name_without_side(Path("/d/EURUSD_BID_2018.csv")) != name_without_side(Path("/d/EURUSD_ASK_2019.csv"))


def test_files_of_years_and_of_timeframes_each_find_their_place(tmp_path: Path) -> None:
    hours = [write(tmp_path / f"h{day}.csv", rows_of(24, first=f"2023-01-0{day}")) for day in (3, 2)]
    days = [f"2023-01-0{day},1.1,1.2,1.0,1.1" for day in (2, 3, 4)]
    daily = write(tmp_path / "d.csv", days)

    report = import_bars(
        [*hours, daily], "EURUSD", tmp_path / "data", spread=ONE, options=ReadOptions(zone="UTC"), now_ns=lambda: NOW
    )

    assert [(made.timeframe_ms, made.bars) for made in report.imports] == [(HOUR_MS, 48), (86_400_000, 3)]
    assert report.imports[0].files == ("h2.csv", "h3.csv")


def test_importing_again_changes_nothing_and_a_longer_file_extends(tmp_path: Path) -> None:
    short, long = write(tmp_path / "s.csv", rows_of(24)), write(tmp_path / "l.csv", rows_of(48))
    bring(tmp_path, short, spread=ONE)
    store = BarStore(tmp_path / "data")
    before = store.fingerprint("EURUSD", HOUR_MS)

    again = import_bars([short, short], "EURUSD", tmp_path / "data", spread=ONE, now_ns=lambda: NOW)
    assert (again.imports, again.already_stored) == ((), ("s.csv", "s.csv"))
    assert store.fingerprint("EURUSD", HOUR_MS) == before

    more = import_bars([long], "EURUSD", tmp_path / "data", spread=ONE, now_ns=lambda: NOW)
    assert (more.imports[0].bars, more.imports[0].known) == (48, 24)
    once = BarStore(tmp_path / "once")
    import_bars([long], "EURUSD", tmp_path / "once", spread=ONE, now_ns=lambda: NOW)
    assert store.fingerprint("EURUSD", HOUR_MS) == once.fingerprint("EURUSD", HOUR_MS)


def test_the_same_file_with_another_spread_is_refused_and_not_called_stored(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", rows_of())
    bring(tmp_path, path, spread=ONE)

    with pytest.raises(DataError, match="have the spread fixed 1 pip, these fixed 2 pips"):
        bring(tmp_path, path, spread=Spread.parse("2"))


def test_file_without_rows_is_left_out_beside_others(tmp_path: Path) -> None:
    good, empty = write(tmp_path / "x.csv", rows_of()), write(tmp_path / "e.csv", [])

    report = import_bars([good, empty], "EURUSD", tmp_path / "data", spread=ONE, now_ns=lambda: NOW)

    assert (report.empty, report.imports[0].bars) == (("e.csv",), 4)


def test_a_file_with_one_bad_row_keeps_all_files_out(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "a.csv", rows_of()), write(tmp_path / "b.csv", changed(1, 1, "x")(rows_of()))

    with pytest.raises(DataError, match=r"b.csv: row 3"):
        bring(tmp_path, good, bad, spread=ONE)

    assert BarStore(tmp_path / "data").pairs() == []


def test_missing_file_and_unknown_pair_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        bring(tmp_path, tmp_path / "x.csv", spread=ONE)
    with pytest.raises(UnknownPairError):
        import_bars([tmp_path / "x.csv"], "US30", tmp_path, spread=ONE)
    with pytest.raises(UsageError, match="expected at least one file"):
        import_bars([], "EURUSD", tmp_path, spread=ONE)


def test_death_at_any_call_leaves_the_old_bars_or_the_new(tmp_path: Path) -> None:
    short, long = write(tmp_path / "s.csv", rows_of(24)), write(tmp_path / "l.csv", rows_of(48))
    dies_at, survived = 0, False
    while not survived:
        data = tmp_path / str(dies_at)
        import_bars([short], "EURUSD", data, spread=ONE, now_ns=lambda: NOW)
        try:
            import_bars([long], "EURUSD", data, spread=ONE, now_ns=lambda: NOW, disk=DyingFiles(dies_at))
            survived = True
        except Died:
            read = BarStore(data).read("EURUSD", HOUR_MS)
            assert len(read) in {24, 48}
        dies_at += 1
    assert dies_at > 5


def test_truncated_archive_is_damage_and_stores_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(("\n".join([HEADER, *rows_of(500)])).encode())[:-20])

    with pytest.raises(DataError, match="the gzip file is damaged"):
        bring(tmp_path, path, spread=ONE)


def test_made_bars_come_back_as_they_were(tmp_path: Path) -> None:
    bars = make_bars("2023-01-02", 24)
    bid, ask = write(tmp_path / "bid.csv", rows_of(24)), write(tmp_path / "ask.csv", rows_of(24, side="ask"))

    read = bring(tmp_path, bid, ask)

    assert not read.tick_count.any()
    read.tick_count[:] = bars.tick_count
    assert same_bars(read, bars)


def test_bad_rows_are_set_aside_up_to_a_share_and_no_further(tmp_path: Path) -> None:
    rows = rows_of(200)
    rows[100] = changed(0, 2, "0.5")(rows[100:101])[0]
    rows[150] = "2023-01-08T06:00:00Z,1.1"
    path = write(tmp_path / "x.csv", rows)

    with pytest.raises(
        DataError, match=r"row 102, column high: .* 2 bad rows .*, or set them aside with --quarantine-rows$"
    ):
        bring(tmp_path, path, spread=ONE)
    with pytest.raises(DataError, match=r"1 % of all, and at most 0.5 % may be set aside; mend the file$"):
        bring(tmp_path, path, spread=ONE, quarantine_share=0.005)
    assert not (tmp_path / "data" / "EURUSD" / "quarantine").exists()

    bars = bring(tmp_path, path, spread=ONE, quarantine_share=0.01)

    assert len(bars) == 198
    (aside,) = (tmp_path / "data" / "EURUSD" / "quarantine").iterdir()
    lines = aside.read_text().splitlines()
    assert [line.split(",")[:2] for line in lines] == [
        ["row", "reason"],
        ["102", "high below low"],
        ["152", "wrong number of fields"],
    ]
