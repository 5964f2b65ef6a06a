"""``necrozma migrate``: what the original wrote becomes Parquet, and each file is told by name, size and savings."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from migrated_samples import backtest, write_original
from storage_samples import tree

from necrozma_core.storage.disk.lock import lock_results


def test_migration_says_what_it_did_in_the_words_of_the_guide(necrozma: Any) -> None:
    write_original(Path("old"))
    document = backtest("universe_004_1d_5lb", strategies=40, trades=20)
    Path("old/backtest_results/universe_004_1d_5lb_backtest.json").write_text(json.dumps(document, indent=2))
    Path("old/cut.json").write_text('{"a": [1,')

    result = necrozma("migrate", "old", "--to", "results")

    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert lines[0] == "📁 Found 9 JSON files to migrate"
    assert "  ❌ cut.json: left as it is, it ends in line 1, before it is whole" in lines
    pattern = r"  ✅ backtest_results/universe_004_1d_5lb_backtest.json: 0\.\dMB → \d+\.\d[kM]B \([789]\d% savings\)"
    assert any(re.fullmatch(pattern, line) for line in lines)
    ended = lines.index("⚠️  MIGRATION ENDED, and 1 file stays JSON: see ❌ above")
    assert lines[ended + 1 : ended + 3] == ["   Files processed: 8", "   Files failed: 1"]
    assert re.search(
        r"   Total size before: \d\.\dMB\n   Total size after: \d+\.\dkB\n"
        r"   Total savings: \d\d%\n   Time: \d+\.\ds\n"
        r"   Parquet files of the original, left as they are: 1\n",
        result.stdout,
    )


def test_line_that_opens_a_table_does(necrozma: Any) -> None:
    write_original(Path("old"))
    result = necrozma("migrate", "old", "--to", "results")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert "🎉 MIGRATION COMPLETE!" in lines
    opening = next(line for line in lines if line.startswith("   python -c"))
    words = [sys.executable, *shlex.split(opening)[1:]]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "strategy_name" in shown
    table = pd.read_parquet("results/migrated/backtest_results/universe_001_5m_5lb_backtest/metrics.parquet")
    assert list(table["strategy_name"])[:1] == ["TrendFollower_L0_SL10_TP50"]


def test_json_is_deleted_only_where_that_was_asked_for_and_verified(necrozma: Any) -> None:
    write_original(Path("old"))
    Path("old/cut.json").write_text("{")
    before = tree(Path("old"))

    assert necrozma("migrate", "old", "--to", "results").exit_code == 3
    assert tree(Path("old")) == before
    result = necrozma("migrate", "old", "--to", "results", "--delete-json")

    assert set(tree(Path("old"))) == {
        "cut.json",
        "backtest_results/universe_003_1h_5lb_backtest.parquet",
        "backtest_results/universe_003_1h_5lb_backtest_metadata.json",
    }
    assert "     🗑️  Deleted universes/universe_001_5m_5lb.json" in result.stdout
    assert "Kept backtest_results/universe_003_1h_5lb_backtest_metadata.json: it belongs to a Parquet" in result.stdout
    assert "   JSON files deleted: 6, every value of them found again in Parquet" in result.stdout
    assert "migrated already" in result.stdout


def test_dry_run_reads_all_and_writes_nothing(necrozma: Any) -> None:
    write_original(Path("old"))
    result = necrozma("migrate", "old", "--to", "results", "--dry-run", "--delete-json")
    assert result.exit_code == 0
    assert "6 rows of metrics.parquet, 9 rows of trades.parquet" in result.stdout
    assert "📊 Dry run: nothing was written" in result.stdout
    assert not Path("results").exists()
    assert len(list(Path("old").rglob("*.json"))) == 7


def test_one_file_alone_can_be_migrated_and_the_results_folder_is_that_of_the_settings(
    necrozma: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NECROZMA_RESULTS", "elsewhere")
    Path("a.json").write_text(json.dumps(backtest("universe_001")))
    assert necrozma("migrate", "a.json").exit_code == 0
    assert Path("elsewhere/migrated/a/metrics.parquet").exists()


@pytest.mark.parametrize("words", [["nowhere"], ["empty"], ["results/migrated"]])
def test_folder_without_documents_is_refused_in_a_line(necrozma: Any, words: list[str]) -> None:
    Path("empty").mkdir()
    Path("results/migrated").mkdir(parents=True)
    result = necrozma("migrate", *words, "--to", "results")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {words[0]}: expected")
    assert len(result.stderr.splitlines()) == 1


def test_migration_waits_for_no_run(necrozma: Any) -> None:
    write_original(Path("old"))
    with lock_results(Path("results")):
        result = necrozma("migrate", "old", "--to", "results")
    assert result.exit_code == 11
    assert "locked by process" in result.stderr


@pytest.mark.posix
def test_names_that_would_steer_a_terminal_are_shown_harmless(necrozma: Any) -> None:
    Path("old").mkdir()
    Path("old/\x1b[31m red\n.json").write_text("[1]")
    Path("old/\udcff.json").write_text("{")
    result = necrozma("migrate", "old", "--to", "results")
    assert result.exit_code == 3
    assert "\x1b" not in result.stdout
    assert "\\x1b[31m red" in result.stdout


@pytest.mark.parametrize("words", [["--format", "csv"], ["--format", "JSON"]])
def test_format_of_results_that_there_is_not_is_refused(necrozma: Any, words: list[str]) -> None:
    result = necrozma("backtest", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not one of 'parquet', 'json'" in result.stderr


def test_verify_finds_what_was_damaged_and_repair_leaves_it(necrozma: Any) -> None:
    write_original(Path("old"))
    assert necrozma("migrate", "old", "--to", "results", "--delete-json").exit_code == 0
    assert necrozma("verify", "--results", "results").exit_code == 0
    damaged = next(Path("results/migrated").rglob("trades.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"2")
    before = tree(Path("results"))

    for words in (["verify"], ["verify", "--repair"]):
        result = necrozma(*words, "--results", "results")
        assert (result.exit_code, result.stdout) == (74, "")
        assert result.stderr == (
            f"{damaged}: it is not what was written; "
            "migrate its JSON again if you still have it, or bring the file back from a copy\n"
        )
    assert {name: content for name, content in tree(Path("results")).items() if name != ".lock"} == {
        name: content for name, content in before.items() if name != ".lock"
    }


def test_migration_that_is_interrupted_says_what_goes_on(necrozma: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_original(Path("old"))

    def interrupt(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("necrozma_core.storage.migrated.folder.store_document", interrupt)
    result = necrozma("migrate", "old", "--to", "results")
    assert result.exit_code == 130
    assert result.stderr == "stopped; what is migrated stays, and the same command goes on from here\n"
