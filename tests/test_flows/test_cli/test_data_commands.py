"""``necrozma data`` and ``necrozma strategies``: what goes in comes out, and what is wrong is said in a line."""

from pathlib import Path
from typing import Any

import pytest

from necrozma_core.storage.ticks.store import TickStore, no_ticks_error

CSV = "timestamp,bid,ask\n2024-01-15T00:00:00.000Z,1.10000,1.10010\n2024-01-15T00:00:01.000Z,1.10001,1.10011\n"


def test_sample_writes_what_list_shows(necrozma: Any) -> None:
    made = necrozma("data", "sample", "--pairs", "2", "--ticks", "3000", "--seed", "3", "--to", "ticks")
    assert made.exit_code == 0
    assert made.stdout.split()[:8] == ["pair", "from", "to", "ticks", "gaps", "longest", "spread", "MB"]
    listed = necrozma("data", "list", "--data", "ticks")
    assert listed.stdout == made.stdout
    assert listed.stdout.count("3,000") == 2
    assert max(len(line.rstrip()) for line in listed.stdout.splitlines()) <= 80


def test_sample_of_impossible_numbers_is_refused(necrozma: Any) -> None:
    result = necrozma("data", "sample", "--ticks", "0")
    assert (result.exit_code, result.stdout, result.stderr[:6]) == (2, "", "error:")
    assert len(result.stderr.splitlines()) == 1


def test_list_without_ticks_says_how_to_get_some(necrozma: Any) -> None:
    result = necrozma("data", "list")
    assert result.exit_code == 2
    assert result.stderr == f"error: {no_ticks_error(Path('data'))}\n"


def test_import_stores_and_knows_what_it_stored(necrozma: Any) -> None:
    Path("ticks.csv").write_text(CSV)
    first = necrozma("data", "import", "ticks.csv", "--pair", "EURUSD", "--to", "data")
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == (
        "read as columns: columns called timestamp, bid, ask\n"
        "EURUSD: 2 ticks of 1 file, 2024-01-15 00:00:00 to 2024-01-15 00:00:01\n"
    )
    again = necrozma("data", "import", "ticks.csv", "--pair", "EURUSD", "--to", "data")
    assert (again.exit_code, again.stdout) == (0, "ticks.csv: stored already\n")
    assert len(TickStore(Path("data")).read("EURUSD")) == 2


def test_import_without_a_folder_takes_that_of_the_settings(necrozma: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECROZMA_DATA", "elsewhere")
    Path("ticks.csv").write_text(CSV)
    assert necrozma("data", "import", "ticks.csv", "--pair", "EURUSD").exit_code == 0
    assert TickStore(Path("elsewhere")).pairs() == ["EURUSD"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["missing.csv", "--pair", "EURUSD"], "missing.csv: no such file"),
        (["ticks.csv", "--pair", "EURUSX"], "unknown pair 'EURUSX'"),
        (["ticks.csv", "--pair", "../etc"], "unknown pair '../etc'"),
        (["ticks.csv", "--pair", "EURUSD", "--zone", "Mars"], "unknown zone 'Mars'"),
        (["ticks.csv"], "neither the rows nor the name tell the pair; say it with --pair"),
        (["--pair", "EURUSD"], "PATHS"),
        (["ticks.csv", "--pair", "EURUSD", "--format", "exnes"], "did you mean exness?"),
        (["ticks.csv", "--pair", "EURUSD", "--unit", "m"], "expected one of s, ms, us, ns"),
        (
            ["ticks.csv", "--pair", "EURUSD", "--columns", "time=a,bid=bid,ask=ask"],
            "no such column, but timestamp, bid",
        ),
        (["crossed.csv", "--pair", "EURUSD", "--quarantine-rows", "0%"], "a share between 0% and 100%"),
        (["crossed.csv", "--pair", "EURUSD", "--quarantine-rows"], "50 % of all, and at most 1 % may be set aside"),
        (["crossed.csv", "--pair", "EURUSD"], "crossed.csv"),
    ],
)
def test_import_that_cannot_be_is_refused_in_one_line(words: list[str], part: str, necrozma: Any) -> None:
    Path("ticks.csv").write_text(CSV)
    Path("crossed.csv").write_text(CSV.replace("1.10011", "1.09000"))
    result = necrozma("data", "import", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert part in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not Path("data").exists() or TickStore(Path("data")).pairs() == []


def test_import_with_quarantine_sets_bad_rows_aside(necrozma: Any) -> None:
    Path("crossed.csv").write_text(CSV.replace("1.10011", "1.09000"))
    result = necrozma("data", "import", "crossed.csv", "--pair", "EURUSD", "--quarantine-rows", "50%")
    assert result.exit_code == 0
    assert "1 rows set aside" in result.stdout
    assert Path("data/EURUSD/quarantine/crossed.csv").exists()


def test_import_takes_a_file_behind_the_bare_quarantine_flag_for_a_file(necrozma: Any) -> None:
    Path("a.csv").write_text(CSV)
    Path("b.csv").write_text(CSV.replace("01-15", "01-16"))
    result = necrozma("data", "import", "a.csv", "--pair", "EURUSD", "--quarantine-rows", "b.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "4 ticks of 2 files" in result.stdout


def test_import_of_a_folder_brings_every_pair_in_it(necrozma: Any) -> None:
    for name in ("EURUSD_2024_01.csv", "feed/gbp-usd/jan.csv", "feed/readme.md", ".hidden/USDJPY.csv"):
        Path("all", name).parent.mkdir(parents=True, exist_ok=True)
        Path("all", name).write_text(CSV)
    Path("all/feed/any.csv").write_text("EUR/JPY,20240115 00:00:00.000,160.1,160.2\n")
    result = necrozma("data", "import", "all", "--to", "data")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "readme.md: left alone, no ticks by the name" in result.stdout
    assert TickStore(Path("data")).pairs() == ["EURJPY", "EURUSD", "GBPUSD"]


def test_import_of_a_folder_stores_the_pairs_that_are_good_and_names_the_others(necrozma: Any) -> None:
    for name in ("EURUSD.csv", "GBPUSD.csv", "AUDUSD.csv"):
        Path("all").mkdir(exist_ok=True)
        Path("all", name).write_text(CSV if name == "EURUSD.csv" else CSV.replace("1.10011", "1.09000"))
    some = necrozma("data", "import", "all", "--to", "data", "--workers", "2")
    assert some.exit_code == 3
    assert [line.partition(":")[0] for line in some.stdout.splitlines()[1:]] == ["EURUSD"]
    errors = some.stderr.splitlines()
    assert ["AUDUSD.csv" in errors[0], "GBPUSD.csv" in errors[1], len(errors)] == [True, True, 3]
    assert errors[2] == "error: 2 of 3 pairs were not imported: AUDUSD, GBPUSD; the others are stored"
    assert TickStore(Path("data")).pairs() == ["EURUSD"]
    Path("all/EURUSD.csv").unlink()
    none = necrozma("data", "import", "all", "--to", "data")
    assert none.exit_code == 2
    assert len(none.stderr.splitlines()) == 2


@pytest.mark.parametrize("workers", ["0", "-1", "many"])
def test_import_with_impossible_workers_is_refused(necrozma: Any, workers: str) -> None:
    Path("EURUSD.csv").write_text(CSV)
    result = necrozma("data", "import", "EURUSD.csv", "--workers", workers)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)


def test_import_of_an_instrument_that_is_no_pair_says_what_is_known(necrozma: Any) -> None:
    Path("a.csv").write_text("symbol,timestamp,bid,ask\nUS30,2024-01-15T00:00:00Z,1,2\n")
    result = necrozma("data", "import", "a.csv")
    assert result.exit_code == 2
    assert "holds 'US30': only currency pairs (EURUSD, GBPUSD" in result.stderr


def test_strategies_are_listed_with_their_settings(necrozma: Any) -> None:
    result = necrozma("strategies", "list")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 52
    assert result.stdout.splitlines()[-1] == "the default fifty strategies"
    assert "sma_cross(5,20) sl15 tp30" in result.stdout


def test_strategies_list_of_the_extended_catalog_has_every_order_s_name(necrozma: Any) -> None:
    result = necrozma("strategies", "list", "--catalog", "extended")
    assert result.stdout.splitlines()[-1] == "the 223 strategies of the extended catalog"
    assert "trailing_stop_pips=25" in result.stdout
    refused = necrozma("strategies", "list", "--catalog", "extended", "--grid", "family=rsi")
    assert refused.exit_code == 2
    assert "--grid and --catalog exclude each other" in refused.stderr


def test_strategies_of_a_grid_are_those_that_a_run_would_try(necrozma: Any) -> None:
    result = necrozma("strategies", "list", "--grid", "family=rsi period=7,14 low=20")
    assert len(result.stdout.splitlines()) == 4
    refused = necrozma("strategies", "list", "--grid", "family=rsy")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "unknown family 'rsy'" in refused.stderr


def test_removed_ticks_are_gone_and_asked_for_first(necrozma: Any) -> None:
    Path("ticks.csv").write_text(CSV)
    necrozma("data", "import", "ticks.csv", "--pair", "EURUSD", "--to", "data")
    asked = necrozma("data", "remove", "EURUSD", "--data", "data")
    assert asked.exit_code == 2
    assert "this removes all ticks of EURUSD (2 stored); say --yes to do it" in asked.stderr
    part = necrozma("data", "remove", "EURUSD", "--data", "data", "--from", "2024-01-15T00:00:01Z", "--yes")
    assert (part.exit_code, part.stdout) == (0, "EURUSD: 1 ticks removed\n")
    assert necrozma("data", "remove", "EURUSD", "--data", "data", "--yes").stdout == "EURUSD: 1 ticks removed\n"
    assert TickStore(Path("data")).pairs() == []


def test_exported_ticks_are_those_that_were_imported(necrozma: Any) -> None:
    Path("ticks.csv").write_text(CSV)
    necrozma("data", "import", "ticks.csv", "--pair", "EURUSD", "--to", "data")
    result = necrozma(
        "data", "export", "EURUSD", "--data", "data", "--to", "out.csv", "--until", "2024-01-15T00:00:01Z"
    )
    assert (result.exit_code, result.stdout) == (0, "EURUSD: 1 ticks in out.csv\n")
    assert Path("out.csv").read_text().splitlines()[1].startswith("2024-01-15T00:00:00.000Z,")


def test_strategies_are_counted_and_so_is_what_was_left_out(necrozma: Any) -> None:
    grid = necrozma("strategies", "list", "--grid", "family=sma_cross fast=5:20:5 slow=10,20,20")
    assert grid.stdout.splitlines()[-1] == "4 settings of a grid (5 impossible and 3 repeated left out)"
    one = necrozma("strategies", "list", "--grid", "family=rsi")
    assert one.stdout.splitlines()[-1] == "1 setting of a grid"
    Path("mine.py").write_text(
        "from necrozma_core.strategies.families.rsi import Rsi\ndef strategies():\n    return [Rsi(7), Rsi(9)]\n"
    )
    mine = necrozma("strategies", "list", "--strategies", "mine.py")
    assert mine.stdout.splitlines()[-1] == f"2 strategies of {Path('mine.py').absolute()}"


def spiked() -> str:
    """Six hours of quotes a minute apart: a digit slipped once, and an ask is 5,000 pips off."""
    rows = [f"2024-01-15T{at // 60:02}:{at % 60:02}:00Z,1.1000{at % 7},1.1001{at % 7}" for at in range(360)]
    rows[100] = "2024-01-15T01:40:00Z,11.00000,11.00010"
    rows[200] = "2024-01-15T03:20:00Z,1.10000,1.60000"
    return "timestamp,bid,ask\n" + "\n".join(rows) + "\n"


def test_import_names_what_is_doubtful_and_check_says_more(necrozma: Any) -> None:
    Path("EURUSD.csv").write_text(spiked())
    imported = necrozma("data", "import", "EURUSD.csv", "--to", "data")
    assert imported.exit_code == 0
    assert imported.stdout.splitlines()[2:] == [
        "doubtful: EURUSD.csv: 2 ticks jump by more than 2 % and back: 11.00000/11.00010 at 2024-01-15T01:40:00.000Z",
        "doubtful: EURUSD.csv: 1 tick has a spread over 1 % of the price: 5,000 pips, 1.10000/1.60000 at "
        "2024-01-15T03:20:00.000Z",
    ]
    checked = necrozma("data", "check", "--data", "data", "--days", "--html", "page.html")
    assert (checked.exit_code, checked.stderr) == (0, "")
    lines = checked.stdout.splitlines()
    assert lines[0].split() == [
        "pair",
        "days",
        "ticks/day",
        "spread",
        "95",
        "%",
        "widest",
        "zero",
        "gaps",
        "missing",
        "verdict",
    ]
    assert lines[1].split() == ["EURUSD", "1", "360", "1", "1", "5,000.0", "–", "–", "–", "doubtful"]
    assert "  Doubtful: 2 ticks jump by more than 2 % and back: 11.00000/11.00010 at 2024-01-15T01:40:00.000Z." in lines
    assert any(
        line.split() == ["2024-01-15", "360", "1", "1", "5,000.0", "–", "–", "–", "–", "–", "3"] for line in lines
    )
    assert lines[-1] == "page: page.html"
    assert max(len(line.rstrip()) for line in lines[:2]) <= 80
    assert "\x1b" not in checked.stdout
    assert "<h2>EURUSD</h2>" in Path("page.html").read_text()


def test_check_sees_a_file_that_was_damaged_after_its_report(necrozma: Any) -> None:
    Path("EURUSD.csv").write_text(spiked())
    necrozma("data", "import", "EURUSD.csv", "--to", "data")
    assert necrozma("data", "check", "--data", "data").exit_code == 0
    (year,) = Path("data/EURUSD").glob("*.parquet")
    content = bytearray(year.read_bytes())
    content[len(content) // 2] ^= 1
    year.write_bytes(content)
    result = necrozma("data", "check", "--data", "data")
    assert (result.exit_code, result.stdout) == (74, "")
    assert result.stderr.startswith(f"error: {year}: expected sha256")
    assert len(result.stderr.splitlines()) == 1


def test_import_of_a_file_that_is_named_after_another_pair_is_refused(necrozma: Any) -> None:
    Path("EURUSD_2024.csv").write_text(CSV)
    result = necrozma("data", "import", "EURUSD_2024.csv", "--pair", "GBPUSD", "--to", "data")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: EURUSD_2024.csv: its name or folder says EURUSD, and --pair says GBPUSD: leave --pair out, or rename "
        "it\n"
    )
    assert not Path("data").exists()


def test_compare_puts_two_folders_side_by_side(necrozma: Any) -> None:
    necrozma("data", "sample", "--pairs", "2", "--ticks", "60000", "--to", "a")
    necrozma("data", "export", "EURUSD", "--data", "a", "--to", "e.csv")
    lines = Path("e.csv").read_text().splitlines()
    Path("naive.csv").write_text("\n".join(line.replace("Z,", ",") for line in lines) + "\n")
    # New York's clock is five hours behind, so taken for it a time is five hours later.
    necrozma("data", "import", "naive.csv", "--pair", "EURUSD", "--to", "b", "--zone=-05:00")
    result = necrozma("data", "compare", "a", "b", "--html", "page.html")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "  B's clock is 5 hours after A's: one of them was imported with a wrong zone." in result.stdout
    assert result.stdout == necrozma("data", "compare", "a:EURUSD", "b:EURUSD").stdout + "page: page.html\n"
    assert "shared: 2" in result.stdout
    assert "B's mid minus A's, pips: +0.00 (5 %), +0.00 (median), +0.00 (95 %), at most 0.00" in result.stdout
    assert "5 hours after" in Path("page.html").read_text()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["a", "nowhere"], "nowhere: no such folder; expected a data folder, or FOLDER:PAIR"),
        (["a", "a:EURUSX"], "unknown pair 'EURUSX'"),
        (["a", "a", "--pair", "GBPUSD"], "no ticks of GBPUSD there"),
        (["a", "empty"], "a and empty have no pair in common: a has EURUSD, empty has none; say FOLDER:PAIR"),
        (["a"], "Missing argument 'B'"),
    ],
)
def test_compare_of_what_is_not_there_is_refused_in_one_line(words: list[str], part: str, necrozma: Any) -> None:
    Path("EURUSD.csv").write_text(CSV)
    Path("empty").mkdir()
    necrozma("data", "import", "EURUSD.csv", "--to", "a")
    result = necrozma("data", "compare", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert part in result.stderr
