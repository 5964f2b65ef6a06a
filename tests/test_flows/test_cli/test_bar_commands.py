"""``necrozma data`` with bars: told from ticks by content; listed, checked, removed and exported by timeframe."""

from pathlib import Path
from typing import Any

import pytest
from quote_bar_samples import HOUR_MS, make_bars

from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.ticks.store import TickStore

TICKS = "timestamp,bid,ask\n2024-01-15T00:00:00.000Z,1.10000,1.10010\n2024-01-15T00:00:01.000Z,1.10001,1.10011\n"


def write_bars(path: Path, side: str = "bid") -> None:
    bars = make_bars("2024-01-02", 24)
    rows = [
        f"{time},{','.join(f'{points / 1e5:.5f}' for points in row)}"
        for time, row in zip(bars.open_time_ms.view("datetime64[ms]"), getattr(bars, side), strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["time,open,high,low,close", *rows]) + "\n")


def imported(necrozma: Any) -> None:
    write_bars(Path("EURUSD_H1.csv"))
    result = necrozma("data", "import", "EURUSD_H1.csv", "--spread", "1.2", "--zone", "UTC", "--to", "data")
    assert (result.exit_code, result.stderr) == (0, "")


def test_import_of_bars_says_what_they_are_and_where_the_other_side_is_from(necrozma: Any) -> None:
    write_bars(Path("EURUSD_H1.csv"))

    first = necrozma("data", "import", "EURUSD_H1.csv", "--spread", "1.2", "--zone", "UTC", "--to", "data")

    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == (
        "read as columns: columns called time, open, high, low, close\n"
        "EURUSD: 24 bars of 1h of 1 file, 2024-01-02 00:00 to 2024-01-02 23:00\n"
        "the prices were read as the bid; the other side is made of it with the spread: fixed 1.2 pips\n"
    )
    again = necrozma("data", "import", "EURUSD_H1.csv", "--spread", "1.2", "--zone", "UTC", "--to", "data")
    assert (again.exit_code, again.stdout) == (0, "EURUSD_H1.csv: stored already\n")


def test_folder_of_ticks_and_bars_is_both(necrozma: Any) -> None:
    write_bars(Path("feed/EURUSD_H1.csv"))
    write_bars(Path("feed/GBPUSD_bid.csv"))
    write_bars(Path("feed/GBPUSD_ask.csv"), side="ask")
    Path("feed/EURUSD_ticks.csv").write_text(TICKS)

    result = necrozma("data", "import", "feed", "--spread", "1", "--zone", "UTC", "--to", "data")

    assert (result.exit_code, result.stderr) == (0, "")
    assert TickStore(Path("data")).pairs() == ["EURUSD"]
    assert BarStore(Path("data")).pairs() == ["EURUSD", "GBPUSD"]
    assert "both sides are the files' own" in result.stdout
    assert "GBPUSD: 24 bars of 1h of 2 files" in result.stdout


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            [],
            "bars of one side, read as the bid; say the spread with --spread 1.2 (pips), or import the file of the ask",
        ),
        (["--spread", "wide"], "--spread wide: expected pips, such as 1.2, or file for the file's own column"),
        (["--spread", "1", "--side", "left"], "--side left: expected one of bid, ask, mid"),
        (["--spread", "file"], "--spread file: the file has no column of spreads; say pips"),
    ],
)
def test_import_of_bars_that_lacks_something_is_refused_in_a_line(
    necrozma: Any, flags: list[str], message: str
) -> None:
    write_bars(Path("EURUSD_H1.csv"))

    result = necrozma("data", "import", "EURUSD_H1.csv", "--zone", "UTC", "--to", "data", *flags)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_bad_rows_of_bars_are_set_aside_where_that_is_asked_for(necrozma: Any) -> None:
    write_bars(Path("EURUSD_H1.csv"))
    text = Path("EURUSD_H1.csv").read_text().splitlines()
    text[5] = "2024-01-02T04:00:00Z,1.1,x,1.0,1.1"
    Path("EURUSD_H1.csv").write_text("\n".join(text))
    command = ("data", "import", "EURUSD_H1.csv", "--spread", "1", "--zone", "UTC", "--to", "data")

    refused = necrozma(*command)
    assert refused.exit_code == 2
    assert (
        "row 6, column high: expected a number, found 'x'; 1 bad row (1 not a number); mend the file" in refused.stderr
    )
    usual = necrozma(*command, "--quarantine-rows")
    assert "4.17 % of all, and at most 1 % may be set aside" in usual.stderr
    taken = necrozma(*command, "--quarantine-rows", "5%")

    assert (taken.exit_code, taken.stderr) == (0, "")
    (aside,) = Path("data/EURUSD/quarantine").iterdir()
    assert f"1 row set aside in {aside}: not a number" in taken.stdout
    assert aside.read_text() == (
        "row,reason,time,open,high,low,close\n6,not a number,2024-01-02T04:00:00Z,1.1,x,1.0,1.1\n"
    )
    assert len(BarStore(Path("data")).read("EURUSD", HOUR_MS)) == 23


def test_flags_of_bars_are_refused_for_ticks(necrozma: Any) -> None:
    Path("EURUSD.csv").write_text(TICKS)

    result = necrozma("data", "import", "EURUSD.csv", "--spread", "1", "--to", "data")

    assert result.exit_code == 2
    assert "--spread is for bars that have one side, and there are no bars here: leave it out" in result.stderr


def test_stored_bars_are_listed_and_checked(necrozma: Any) -> None:
    imported(necrozma)

    listed = necrozma("data", "list", "--data", "data")
    assert listed.exit_code == 0
    assert listed.stdout.split()[:8] == ["pair", "bars", "of", "from", "to", "bars", "spread", "MB"]
    assert "EURUSD  1h       2024-01-02  2024-01-02    24  fixed 1.2 pips" in listed.stdout
    checked = necrozma("data", "check", "--data", "data")
    assert (checked.exit_code, checked.stdout) == (
        0,
        "EURUSD: 24 bars of 1h, 2024-01-02 00:00 to 2024-01-02 23:00, spread: fixed 1.2 pips\n  nothing doubtful\n",
    )


def test_bars_are_removed_by_their_timeframe(necrozma: Any) -> None:
    imported(necrozma)

    without = necrozma("data", "remove", "EURUSD", "--data", "data", "--yes")
    assert without.exit_code == 2
    assert "EURUSD: no ticks are stored, but bars: say which with --timeframe 1h" in without.stderr
    asked = necrozma("data", "remove", "EURUSD", "--timeframe", "1h", "--data", "data")
    assert "this removes all bars of 1h of EURUSD (24 stored); say --yes to do it" in asked.stderr
    some = necrozma(
        "data", "remove", "EURUSD", "--timeframe", "1h", "--to", "2024-01-02T10:00:00Z", "--data", "data", "--yes"
    )
    assert some.stdout == "EURUSD: 10 bars of 1h removed\n"
    rest = necrozma("data", "remove", "EURUSD", "--timeframe", "1h", "--data", "data", "--yes")
    assert rest.stdout == "EURUSD: 14 bars of 1h removed\n"
    assert BarStore(Path("data")).pairs() == []
    gone = necrozma("data", "remove", "EURUSD", "--timeframe", "1h", "--data", "data", "--yes")
    assert gone.exit_code == 2
    assert "no bars of EURUSD of 1h there" in gone.stderr


def test_bars_are_exported_by_their_timeframe(necrozma: Any) -> None:
    imported(necrozma)

    result = necrozma("data", "export", "EURUSD", "--timeframe", "1h", "--to", "out.csv", "--data", "data")

    assert result.stdout == "EURUSD: 24 bars of 1h in out.csv\n"
    assert len(Path("out.csv").read_text().splitlines()) == 25
    back = necrozma("data", "import", "out.csv", "--pair", "EURUSD", "--to", "again")
    assert "both sides are the files' own" in back.stdout
    assert len(BarStore(Path("again")).read("EURUSD", HOUR_MS)) == 24


def test_doctor_counts_bars_as_data(necrozma: Any) -> None:
    imported(necrozma)

    result = necrozma("doctor", "--data", "data")

    assert "0 pairs, 0 ticks; bars of 1, 24 in all" in result.stdout
