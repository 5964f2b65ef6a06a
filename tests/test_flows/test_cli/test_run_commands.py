"""``necrozma runs``, ``verify`` and ``retry`` on results folders that hold what a run leaves."""

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_samples import KEY, OTHER_KEY, random_ranking, tree, write_entry

from flows.cli.repair import runs_to_repeat
from flows.settings import Settings, load_settings
from flows.terminal.block_chart import draw_columns, spread_evenly
from flows.terminal.run_lists import run_lines
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.listing import no_runs_error
from necrozma_core.storage.runs.manifest import PairRecord, PairState, RunStatus, publish_manifest
from necrozma_core.storage.runs.verify import Damage
from necrozma_core.sweep.governor_log import governor_table
from necrozma_core.throttle.control import Look
from necrozma_core.throttle.decisions import Decision, Reason
from necrozma_core.throttle.sensors.readings import Reading, Readings

RESULTS = Path("results")


def make_run(key: str = KEY, seed: int = 1, **settings: Any) -> RunFolder:
    """A finished run of EURUSD, with its entry and its ranking."""
    record = {**load_settings({"workers": 2}).record(), **settings}
    run = RunFolder.create(RESULTS, settings=record, inputs={"EURUSD": key}, keys={"EURUSD": key})
    write_entry(ResultsFolder(RESULTS).store, key=key, seed=seed)
    counts = {"strategies": 10, "trades": 1_234, "ticks": 5_678}
    run.record("EURUSD", PairRecord(key, PairState.COMPUTED, None, (("mine", "raised"),), counts, {"read": 0.5}))
    run.publish_ranking(random_ranking(20, seed))
    run.finish(RunStatus.COMPLETED, {"run": 1.0})
    return run


def make_converted_run(*by: str) -> RunFolder:
    """A finished run of USDCAD in euros, converted as `by` says."""
    run = RunFolder.create(RESULTS, settings=load_settings().record(), inputs={"conversion": {"USDCAD": by}}, keys={})
    run.finish(RunStatus.COMPLETED, {"run": 1.0})
    return run


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Backtests that would have run; each puts the entry back, as a real one would."""
    calls: list[Settings] = []

    def start(settings: Settings, *_: Any, **__: Any) -> int:
        calls.append(settings)
        write_entry(ResultsFolder(settings.results).store, key=KEY)
        return 0

    monkeypatch.setattr("flows.cli.starting.start", start)
    monkeypatch.setattr("flows.cli.repair.start", start)
    return calls


def test_runs_show_and_diff_tell_by_which_pairs_profits_were_converted(necrozma: Any) -> None:
    long = make_converted_run("CAD to USD by USDCAD", "USD to EUR by EURUSD")
    assert (
        "profits of USDCAD are converted from CAD to USD by USDCAD, then from USD to EUR by EURUSD"
        in necrozma("runs", "show", long.run_id).stdout
    )
    short = make_converted_run("CAD to EUR by EURCAD")
    assert "profits of" not in necrozma("runs", "show", short.run_id).stdout
    lines = necrozma("runs", "diff", long.run_id, short.run_id).stdout
    expected = "conversion of USDCAD  CAD to USD by USDCAD, USD to EUR by EURUSD -> CAD to EUR by EURCAD"
    assert expected in " ".join(lines.splitlines())
    plain = make_run()
    assert "conversion" not in necrozma("runs", "diff", long.run_id, plain.run_id).stdout


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "list"],
        ["runs", "show", "latest"],
        ["runs", "diff", "a", "b"],
        ["runs", "clean", "--keep", "1"],
        ["runs", "clean", "--keep", "1", "--dry-run"],
        ["retry", "latest"],
        ["verify"],
        ["verify", "--repair"],
    ],
)
def test_commands_without_runs_say_so_in_one_line(words: list[str], necrozma: Any) -> None:
    result = necrozma(*words)
    assert not RESULTS.exists()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {no_runs_error(RESULTS)}\n"


def test_list_shows_newest_first_with_what_each_was_asked_for(necrozma: Any) -> None:
    runs = [make_run(lots=0.5, label="with half a lot"), make_run(OTHER_KEY, strategies="/home/me/mine.py")]
    lines = necrozma("runs", "list").stdout.splitlines()
    newest_first = sorted(runs, key=lambda run: (run.manifest.started_at, run.run_id), reverse=True)
    assert [line.split()[0] for line in lines[1:]] == [run.run_id for run in newest_first]
    asked = {
        runs[0].run_id: "[with half a lot] 10 of the default strategies, 5min, --lots 0.5",
        runs[1].run_id: "10 of mine.py, 5min",
    }
    for line in lines[1:]:
        name, status, _, *counts = line.split()[:7]
        assert [status, *counts] == ["completed", "1", "1", "0", "0"]
        assert line.endswith(f"  {asked[name]}")


def test_list_on_a_narrow_terminal_puts_what_was_asked_below(necrozma: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = "family=rsi period=7,14,21,28 low=15:35:5 high=65:85:5 stop_loss_pips=20,30,40"
    lines = list(run_lines([make_run(grid=grid, keep_trades=None).manifest], 80))
    assert lines[2] == "    10 of family=rsi period=7,14,21,28 low=15:35:5 high=6…, 5min, --keep-trades all"
    assert max(map(len, lines)) <= 90


def test_list_of_a_run_that_recorded_less_shows_what_it_did(necrozma: Any) -> None:
    RunFolder.create(RESULTS, settings={}, inputs={}, keys={"EURUSD": KEY}).finish(RunStatus.CANCELLED)
    result = necrozma("runs", "list")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1].endswith("  the default strategies")


def test_show_gives_pairs_ranking_and_files(necrozma: Any) -> None:
    run = make_run(label="nightly", grid="family=rsi   period=7,14 low=20:30:5 high=65:85:5 stop_loss_pips=20,30")
    assert necrozma("runs", "show", "nightly").stdout == necrozma("runs", "show", run.run_id[:-2]).stdout
    result = necrozma("runs", "show", run.run_id[:-2])
    assert result.exit_code == 0
    assert (
        "[nightly] 10 of family=rsi period=7,14 low=20:30:5 high=65:85:5 stop_loss_pips=20,30, 5min\n" in result.stdout
    )
    for part in (run.run_id, "completed", "1,234", "EURUSD: mine: raised", "strategy 0", f"Files: {run.path}"):
        assert part in result.stdout


def test_show_of_a_run_without_ranking_shows_the_rest(necrozma: Any) -> None:
    RunFolder.create(RESULTS, settings={}, inputs={}, keys={"EURUSD": KEY}).finish(RunStatus.CANCELLED)
    result = necrozma("runs", "show", "latest")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "cancelled" in result.stdout


def test_diff_names_reports_of_the_data() -> None:
    from flows.terminal.run_lists import _input_name

    assert [_input_name(key) for key in ("EURUSD", "EURUSD report", "engine", "strategies")] == [
        "ticks of EURUSD", "data report of EURUSD", "code of the engine", "strategies",
    ]  # fmt: skip


def test_diff_names_what_differs_and_what_does_not(necrozma: Any) -> None:
    before = make_run(seed=1)
    after = make_run(OTHER_KEY, seed=2, lots=0.5, cooldown_explicit=True, settings_file="/a.toml", keep_trades=None)
    result = necrozma("runs", "diff", before.run_id, after.run_id)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "settings:",
        "    --keep-trades  50 -> all",
        "    --lots         0.1 -> 0.5",
        "    --settings     none -> /a.toml",
    ]
    assert lines[4:6] == ["inputs:", f"    ticks of EURUSD  {KEY[:12]} -> {OTHER_KEY[:12]}"]
    assert lines[6:8] == ["versions: the same", "results:"]
    assert re.fullmatch(r"    EURUSD: other figures: .*", lines[8])
    for word in ("cooldown_explicit", "settings_file", "None", "keep_trades"):
        assert word not in result.stdout


def test_diff_of_a_run_with_itself_finds_nothing(necrozma: Any) -> None:
    run = make_run()
    assert necrozma("runs", "diff", run.run_id, run.run_id).stdout == (
        "settings: the same\ninputs: the same\nversions: the same\n"
        "results:\n    EURUSD: the same result\nranks: the same\n"
    )


def test_diff_with_a_run_that_has_no_result_of_a_pair_says_so(necrozma: Any) -> None:
    before = make_run()
    after = RunFolder.create(RESULTS, settings=before.manifest.settings, inputs={}, keys={"EURUSD": KEY})
    after.record("EURUSD", PairRecord(KEY, PairState.FAILED, "no yen today"))
    lines = necrozma("runs", "diff", before.run_id, after.run_id).stdout.splitlines()
    assert lines[-2:] == ["    EURUSD: no result in the second run", "ranks: nothing to compare"]


@pytest.fixture
def two_runs(necrozma: Any) -> list[RunFolder]:
    """Runs of one pair with a result each, the older first."""
    runs = [make_run(), make_run(OTHER_KEY)]
    return sorted(runs, key=lambda run: (run.manifest.started_at, run.run_id))


def answer(monkeypatch: pytest.MonkeyPatch, text: str | None) -> list[str]:
    """Put a terminal in the place of stdin on which somebody answers; None for no terminal."""
    asked: list[str] = []
    monkeypatch.setattr("flows.cli.cleaning.can_ask", lambda: text is not None)
    monkeypatch.setattr("typer.confirm", lambda question: asked.append(question) or text == "y")
    return asked


def test_clean_shows_what_goes_asks_and_removes_it(
    necrozma: Any, two_runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, "y")
    lines = necrozma("runs", "clean", "--keep", "1").stdout.splitlines()
    assert lines[0] == "1 run to remove:"
    assert lines[1].split()[:3] == [two_runs[0].run_id, "completed", "EURUSD"]
    assert lines[2] == "1 result to remove that no run which stays names: 1 of EURUSD"
    assert lines[-1] == "removed"
    assert len(asked) == 1
    assert [path.name for path in ResultsFolder(RESULTS).runs.iterdir()] == [two_runs[1].run_id]
    assert necrozma("runs", "clean", "--keep", "1").stdout == "nothing to remove\n"
    assert len(asked) == 1


@pytest.mark.parametrize(("flags", "code"), [(["--yes"], 0), (["-y"], 0)])
def test_clean_that_is_told_yes_asks_nobody(
    necrozma: Any, two_runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch, flags: list[str], code: int
) -> None:
    asked = answer(monkeypatch, None)
    assert necrozma("runs", "clean", "--keep", "1", *flags).exit_code == code
    assert (asked, len(list(ResultsFolder(RESULTS).runs.iterdir()))) == ([], 1)


@pytest.mark.parametrize(
    ("text", "flags", "code", "ending"),
    [
        ("n", [], 0, "nothing was removed"),
        ("y", ["--dry-run"], 0, "MB in all"),
        (None, ["--dry-run"], 0, "MB in all"),
        (None, [], 2, "MB in all"),
    ],
)
def test_clean_that_is_not_wanted_removes_nothing(
    necrozma: Any,
    two_runs: list[RunFolder],
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
    flags: list[str],
    code: int,
    ending: str,
) -> None:
    answer(monkeypatch, text)
    before = tree(RESULTS)
    result = necrozma("runs", "clean", "--keep", "1", *flags)
    assert (result.exit_code, "say --yes" in result.stderr) == (code, code == 2)
    assert result.stdout.rstrip().endswith(ending)
    after = tree(RESULTS)
    assert {name: after[name] for name in before if name != ".lock"} == {
        name: before[name] for name in before if name != ".lock"
    }


def test_clean_of_what_changed_while_it_was_asked_removes_nothing(
    necrozma: Any, two_runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "y")
    monkeypatch.setattr("typer.confirm", lambda question: bool(make_run("ef" * 32)))
    result = necrozma("runs", "clean", "--keep", "1")
    assert result.exit_code == 2
    assert "not those shown any more; nothing was removed" in result.stderr
    assert len(list(ResultsFolder(RESULTS).runs.iterdir())) == 3


def test_clean_of_named_runs_removes_them_alone(necrozma: Any, two_runs: list[RunFolder]) -> None:
    assert necrozma("runs", "clean", two_runs[1].run_id, "--yes").exit_code == 0
    assert [path.name for path in ResultsFolder(RESULTS).runs.iterdir()] == [two_runs[0].run_id]


def test_clean_without_a_number_or_a_run_says_what_it_needs(necrozma: Any, two_runs: list[RunFolder]) -> None:
    result = necrozma("runs", "clean")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "expected --keep N" in result.stderr


def test_clean_while_a_run_goes_on_is_refused(necrozma: Any) -> None:
    make_run()
    with lock_results(RESULTS):
        result = necrozma("runs", "clean", "--keep", "0", "--yes")
    assert result.exit_code == 11
    assert "locked by" in result.stderr


def look(second: float, total: float | None, allowance: float, message: str | None = None) -> Look:
    cores = Reading.missing("gone", second) if total is None else Reading.taken(total, second)
    readings = Readings(time=second, capacity=Reading.taken(2.0, second), total=cores)
    return Look(1_700_000_000 + second, readings, Decision(allowance, Reason.STEADY, message, resting=allowance == 0))


def test_governor_is_drawn_over_time(necrozma: Any) -> None:
    run = make_run()
    looks = [look(0, 2.0, 2.0), look(60, 1.0, 1.0, "🌡️  CPU 100.0% > 80% - reducing to 1 worker"), look(120, None, 0.0)]
    run.publish_governor(governor_table(looks))
    result = necrozma("runs", "show", "latest", "--governor")
    assert result.exit_code == 0
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[0] == "CPU, percent of the capacity; the limit was 80"
    assert lines[1] == "  100 │" + "█" * 36  # full for the first half, then half of the capacity
    assert lines[6] == "    0 │" + "█" * 71 + "?"
    assert lines[7].endswith("2m 00s")
    assert lines[9] == "allowance, of 2 workers"
    assert lines[-1] == "22:14:20  🌡️  CPU 100.0% > 80% - reducing to 1 worker"
    assert max(map(len, lines)) <= 80


def test_governor_of_a_run_without_its_record_is_refused_in_one_line(necrozma: Any) -> None:
    make_run()
    result = necrozma("runs", "show", "latest", "--governor")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "left no record of its governor" in result.stderr


@given(
    st.lists(st.floats(0.01, 100), max_size=20).map(lambda steps: [0.0, *itertools.accumulate(steps)]),
    st.integers(1, 100),
)
def test_values_spread_evenly_begin_with_the_first_and_end_with_the_last(seconds: list[float], count: int) -> None:
    spread = spread_evenly(seconds, seconds, count)
    assert len(spread) == count
    assert spread[0] == 0.0
    assert spread == sorted(spread)
    assert count == 1 or spread[-1] == seconds[-1]
    for step, value in enumerate(spread):
        now = seconds[-1] * (step / max(count - 1, 1))
        assert value == max(second for second in seconds if second <= now)


@given(st.lists(st.floats(-1, 3) | st.none(), max_size=20), st.integers(1, 9))
def test_drawn_columns_are_as_high_as_their_values(values: list[float | None], height: int) -> None:
    lines = draw_columns(values, 2.0, height)
    assert [len(line) for line in lines] == [len(values)] * height
    for column, value in zip(zip(*reversed(lines), strict=True), values, strict=True):
        if value is None:
            assert "".join(column).strip() == "?"
        else:
            filled = sum(" ▁▂▃▄▅▆▇█".index(character) for character in column)
            assert abs(filled - min(max(value, 0), 2) / 2 * height * 8) <= 0.5


def test_verify_of_whole_results_says_so(necrozma: Any) -> None:
    make_run()
    before = tree(RESULTS)
    result = necrozma("verify")
    assert (result.exit_code, result.stdout) == (0, f"{RESULTS.absolute()}: all results are what was published\n")
    assert tree(RESULTS) == before


def damage() -> Path:
    path = ResultsFolder(RESULTS).store.folder("EURUSD", KEY) / "metrics.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    return path


def test_verify_of_damaged_results_names_them_and_changes_nothing(necrozma: Any, started: list[Settings]) -> None:
    make_run()
    path = damage()
    before = tree(RESULTS)
    result = necrozma("verify")
    assert (result.exit_code, result.stdout, started) == (74, "", [])
    assert str(path) in result.stderr
    assert f"`necrozma verify --repair --results {RESULTS.absolute()}`" in result.stderr
    assert tree(RESULTS) == before


def test_repair_computes_what_was_damaged_anew(necrozma: Any, started: list[Settings]) -> None:
    run = make_run()
    damage()
    result = necrozma("verify", "--repair")
    assert result.exit_code == 0
    assert f"computing EURUSD of run {run.run_id} anew" in result.stdout
    assert [(settings.pairs, settings.workers, settings.results) for settings in started] == [(("EURUSD",), 2, RESULTS)]
    assert started[0].repairs == run.run_id
    assert necrozma("verify").exit_code == 0


def test_repair_of_whole_results_runs_nothing(necrozma: Any, started: list[Settings]) -> None:
    make_run()
    assert necrozma("verify", "--repair").exit_code == 0
    assert started == []


def test_runs_to_repeat_takes_each_entry_once_from_the_newest_run(necrozma: Any) -> None:
    older, newer = make_run().manifest, make_run().manifest
    other = replace(make_run(OTHER_KEY).manifest, pairs={"EURUSD": PairRecord(OTHER_KEY)})
    damages = [
        Damage(Path("a"), "gone", pair="EURUSD", key=KEY),
        Damage(Path("b"), "torn", pair="EURUSD", key=OTHER_KEY),
        Damage(Path("c"), "ranking", run=older.run_id),
    ]
    assert runs_to_repeat([newer, other, older], damages) == [(newer, ["EURUSD"]), (other, ["EURUSD"])]


def test_retry_runs_with_the_recorded_settings(necrozma: Any, started: list[Settings], tmp_path: Path) -> None:
    make_run(lots=0.3, keep_trades=None, cooldown_seconds=0.0, cooldown_explicit=True).finish(RunStatus.FAILED)
    assert necrozma("retry", "latest", "--results", "results").exit_code == 0
    settings = started[0]
    assert (settings.lots, settings.keep_trades, settings.cooldown_explicit) == (0.3, None, True)
    assert (settings.data, settings.results) == (tmp_path / "data", RESULTS)


def test_retry_of_a_complete_run_says_that_there_is_nothing_to_do(necrozma: Any, started: list[Settings]) -> None:
    run = make_run()
    result = necrozma("retry", "latest")
    assert (result.exit_code, started) == (0, [])
    assert result.stdout == f"run {run.run_id} is complete, its pair is stored: there is nothing to do\n"


def test_retry_of_a_complete_run_whose_result_is_gone_computes_it(necrozma: Any, started: list[Settings]) -> None:
    make_run()
    ResultsFolder(RESULTS).store.remove("EURUSD", KEY)
    assert necrozma("retry", "latest").exit_code == 0
    assert len(started) == 1


def test_retry_of_a_run_of_an_older_version_restores_what_it_did_not_record(
    necrozma: Any, started: list[Settings]
) -> None:
    run = make_run()
    record = {name: value for name, value in run.manifest.settings.items() if name not in {"label", "repairs"}}
    publish_manifest(run.path, replace(run.manifest, settings=record, status=RunStatus.CANCELLED))
    assert necrozma("retry", "latest").exit_code == 0
    assert (started[0].label, started[0].repairs) == (None, None)


def test_retry_of_an_unknown_run_names_those_there_are(necrozma: Any) -> None:
    run = make_run()
    result = necrozma("retry", "nope")
    assert (result.exit_code, result.stdout) == (2, "")
    assert run.run_id in result.stderr
