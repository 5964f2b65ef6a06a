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
    assert first.stdout == "EURUSD: 2 ticks of 1 file, 2024-01-15 00:00:00 to 2024-01-15 00:00:01\n"
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
        (["ticks.csv"], "--pair"),
        (["--pair", "EURUSD"], "FILES"),
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
    result = necrozma("data", "import", "crossed.csv", "--pair", "EURUSD", "--quarantine-rows")
    assert result.exit_code == 0
    assert "1 rows set aside" in result.stdout
    assert Path("data/EURUSD/quarantine/crossed.csv").exists()


def test_strategies_are_listed_with_their_settings(necrozma: Any) -> None:
    result = necrozma("strategies", "list")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 52
    assert result.stdout.splitlines()[-1] == "the default fifty strategies"
    assert "sma_cross(5,20) sl15 tp30" in result.stdout


def test_strategies_of_a_grid_are_those_that_a_run_would_try(necrozma: Any) -> None:
    result = necrozma("strategies", "list", "--grid", "family=rsi period=7,14 low=20")
    assert len(result.stdout.splitlines()) == 4
    refused = necrozma("strategies", "list", "--grid", "family=rsy")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "unknown family 'rsy'" in refused.stderr


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
