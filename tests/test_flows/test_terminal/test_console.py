"""What a run says: the original's words, one line a change, 80 columns, and a live view that survives its session."""

import errno
import io
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flows.cli import starting
from flows.cli.starting import open_observer
from flows.settings import load_settings
from flows.terminal.console import PlainConsole, QuietConsole
from flows.terminal.live import LiveConsole, RunPicture, memory_line, part_done, processor_line, state_words
from flows.terminal.streams import StandardStream
from flows.terminal.tables import RANKING_COLUMNS, duration, ranking_table
from flows.terminal.wording import done_line, ending_line, import_lines, start_up_block
from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import ExitCode, WorkerDiedError
from necrozma_core.feeds.intake import ImportReport
from necrozma_core.storage.results.schemas import RANKING_SCHEMA
from necrozma_core.strategies.catalog import default_strategies
from necrozma_core.sweep.outcome import RunOutcome
from necrozma_core.throttle.control import Look
from necrozma_core.throttle.decisions import Decision, Reason
from necrozma_core.throttle.gate import GateState, GateView
from necrozma_core.throttle.sensors.readings import Reading, Readings
from necrozma_core.workers.progress import ProgressBoard, SlotProgress, SlotState

BLOCK = """\
⚡ Multi-Worker Mode:
   Workers: 4
   CPU Limit: 80%
   Cooldown: 5s
   Nice Priority: Yes

💾 Storage format: PARQUET
"""


def receipt(pair: str = "EURUSD", *, computed: bool = True, failures: tuple[tuple[str, str], ...] = ()) -> Receipt:
    seconds = {"read": 0.5, "strategies": 0.75} if computed else {}
    return Receipt(pair, "0" * 64, computed, 50, 12_345, 532_903, failures, seconds)


def outcome(
    code: ExitCode = ExitCode.OK, *, failed: tuple[str, ...] = (), pending: tuple[str, ...] = (), **changes: Any
) -> RunOutcome:
    values: dict[str, Any] = {
        "run_id": "20260101-000000-abcd",
        "exit_code": code,
        "ranking_path": None,
        "report_path": None,
        "receipts": (receipt(),),
        "failures": tuple((pair, WorkerDiedError(f"{pair}: died")) for pair in failed),
        "pending": pending,
        "all_stored": False,
        "retry": "necrozma backtest --workers 2" if failed or pending else "",
    }
    return RunOutcome(**values | changes)


LOOK = Look(0.0, Readings(time=1.0), Decision(2.0, Reason.STEADY))


def gate(state: GateState = GateState.OPEN, cooling_left_s: float = 0.0) -> GateView:
    return GateView(state, 2.0, cooling_left_s)


def run(*rows: SlotProgress, pairs: int = 4, **changes: Any) -> Any:
    request = SimpleNamespace(source=SimpleNamespace(describe=lambda: "the default fifty strategies"))
    values = {
        "requests": [request] * pairs,
        "crashed": [],
        "is_stopping": False,
        "progress": lambda: list(rows),
        "gate": gate,
        "latest_look": lambda: LOOK,
    }
    return SimpleNamespace(**values | changes)


def test_start_up_block_has_the_words_of_the_guide() -> None:
    settings = load_settings({"workers": 4, "cpu_limit": 80, "cooldown_seconds": 5, "nice": True})
    assert start_up_block(settings) == BLOCK


def test_start_up_block_shows_fractions_and_no() -> None:
    block = start_up_block(load_settings({"cpu_limit": 62.5, "cooldown_seconds": 0.5}))
    assert "   CPU Limit: 62.5%\n   Cooldown: 0.5s\n   Nice Priority: No\n" in block


def test_done_line_says_what_was_computed_or_that_nothing_was() -> None:
    assert done_line(receipt(), 3, 10) == "[3/10] EURUSD: 50 strategies, 12,345 trades, 532,903 ticks in 1.2s"
    failed = receipt(failures=(("mine", "bad"),))
    assert done_line(failed, 1, 2) == "[1/2] EURUSD: 50 strategies (1 failed), 12,345 trades, 532,903 ticks in 1.2s"
    assert done_line(receipt(computed=False), 3, 10) == "[3/10] EURUSD: stored already"


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (outcome(), None),
        (
            outcome(ExitCode.PAIRS_FAILED, failed=("GBPUSD",)),
            "1 of 2 pairs failed (GBPUSD); retry them with: necrozma backtest --workers 2",
        ),
        (
            outcome(ExitCode.INTERRUPTED, pending=("GBPUSD", "USDJPY")),
            "stopped with 1 of 3 pairs stored; go on with: necrozma backtest --workers 2",
        ),
        (outcome(ExitCode.TERMINATED), "stopped with 1 of 1 pairs stored"),
        (
            outcome(ExitCode.DISK, failed=("GBPUSD",)),
            "1 of 2 pairs failed (GBPUSD); retry them with: necrozma backtest --workers 2",
        ),
        (
            outcome(ExitCode.PAIRS_FAILED, pending=("GBPUSD",)),
            "1 of 2 pairs were not done (GBPUSD); go on with: necrozma backtest --workers 2",
        ),
    ],
)
def test_ending_line_says_what_is_missing_and_what_completes_it(found: RunOutcome, line: str | None) -> None:
    assert ending_line(found, Path("results")) == line


ONE_OF_FIFTY = receipt(failures=(("mine", "bad"),))
NAMED = "`necrozma runs show 20260101-000000-abcd --results '/my results'` names them"


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (outcome(receipts=(ONE_OF_FIFTY,)), f"1 of 50 strategies failed; {NAMED}"),
        (
            outcome(ExitCode.PAIRS_FAILED, receipts=(ONE_OF_FIFTY, ONE_OF_FIFTY)),
            f"2 of 100 strategies failed, counted on each pair; {NAMED}",
        ),
        (
            outcome(ExitCode.PAIRS_FAILED, receipts=(ONE_OF_FIFTY,), failed=("GBPUSD",)),
            "1 of 50 strategies failed, counted on each pair; 1 of 2 pairs failed (GBPUSD); "
            "retry them with: necrozma backtest --workers 2",
        ),
    ],
)
def test_ending_line_counts_failed_strategies_whatever_the_exit_code(found: RunOutcome, line: str) -> None:
    assert ending_line(found, Path("/my results")) == line


def test_plain_console_says_one_line_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    console = PlainConsole(load_settings({"workers": 4, "nice": True}), ["Profile vm: capped"])
    console.on_start(run(crashed=["20251231-235959-dead"]))
    console.on_phase("2 of 4 pairs to compute; starting 2 workers")
    console.on_message("🌡️  CPU 85.2% > 80% - reducing to 3 workers")
    console.on_pair_done(receipt())
    console.on_pair_failed("GBPUSD", WorkerDiedError("GBPUSD: worker 2\ndied"))
    console.on_finish(outcome(all_stored=True))
    found = capsys.readouterr()
    assert found.out == (
        f"Profile vm: capped\n{BLOCK}\nrun 20251231-235959-dead had died; what it finished is kept\n"
        "4 pairs, the default fifty strategies, bars of 5min\n"
        "2 of 4 pairs to compute; starting 2 workers\n"
        "🌡️  CPU 85.2% > 80% - reducing to 3 workers\n"
        "[1/4] EURUSD: 50 strategies, 12,345 trades, 532,903 ticks in 1.2s\n"
        "everything was stored already: nothing computed\n"
    )
    assert found.err == "GBPUSD: worker 2 died\n"


def test_quiet_console_says_errors_and_the_path_only(capsys: pytest.CaptureFixture[str]) -> None:
    console = QuietConsole(load_settings())
    console.on_start(run())
    console.on_message("anything")
    console.on_pair_done(receipt(failures=(("mine", "raised ValueError"),)))
    console.on_pair_failed("GBPUSD", WorkerDiedError("died"))
    console.on_finish(outcome(ranking_path=Path("results/runs/x/ranking.parquet")))
    found = capsys.readouterr()
    assert found.out == "results/runs/x/ranking.parquet\n"
    assert found.err == "EURUSD: mine failed: raised ValueError\nGBPUSD: died\n"


def test_many_failed_strategies_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    QuietConsole(load_settings()).on_pair_done(receipt(failures=tuple((f"s{i}", "bad") for i in range(40))))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("EURUSD: 37 more strategies failed")


def test_stop_before_a_run_exists_is_left_to_the_signal() -> None:
    console = QuietConsole(load_settings())
    assert not console.stop(ExitCode.INTERRUPTED)
    stopped: list[ExitCode] = []
    console.on_start(run(stop=stopped.append))
    assert console.stop(ExitCode.TERMINATED)
    assert stopped == [ExitCode.TERMINATED]


@pytest.mark.parametrize(
    ("look", "kind"),
    [({"quiet": True, "plain": True}, QuietConsole), ({"quiet": False, "plain": False}, PlainConsole)],
)
def test_observer_off_a_terminal_is_never_live(look: dict[str, bool], kind: type) -> None:
    assert type(open_observer(load_settings(), (), **look)) is kind


def test_import_lines_tell_what_was_kept_and_set_aside() -> None:
    report = ImportReport(
        pair="EURUSD",
        files=("a.csv",),
        already_stored=("b.csv",),
        rows=10,
        kept=7,
        quarantined={"ask below bid": 3},
        quarantine_files=(Path("data/EURUSD/quarantine/a.csv"),),
        digits=5,
        first_ms=0,
        last_ms=1_000,
        sub_millisecond=2,
    )
    assert list(import_lines(report)) == [
        "b.csv: stored already",
        f"EURUSD: 7 ticks of 1 file, {report.span}",
        "2 times were finer than a millisecond and were rounded down to one",
        "3 rows set aside: ask below bid",
        "set aside in data/EURUSD/quarantine/a.csv",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (3_599, "59m 59s"), (3_600, "1h 00m"), (93_600, "1d 02h")],
)
def test_duration_is_written_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def printed(renderable: Any, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(renderable)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def ranking_rows(**figures: Any) -> list[dict[str, Any]]:
    row = {
        "pair": "EURUSD", "trades": 123_456, "few_trades": False, "win_rate": 0.5, "profit_factor": 1.25,
        "sharpe": -12.34, "few_days": False, "constant_returns": False, "net_profit": -12_345.67,
        "max_drawdown": -0.9876, "made_from": "ticks", "holdout_trades": None, "holdout_sharpe": None,
        "verdict": "too little data",
    }  # fmt: skip
    return [
        {**row, "rank": rank, "strategy": strategy.name, **figures}
        for rank, strategy in enumerate(default_strategies(), start=1)
    ]


def test_ranking_of_the_longest_names_and_figures_is_readable_in_80_columns() -> None:
    lines = printed(ranking_table(ranking_rows(), "USD"))
    assert len(lines) == 51
    assert all(len(line.rstrip()) <= 80 for line in lines)
    assert all("too little data" in line for line in lines[1:])
    assert not any("…" in line for line in printed(ranking_table(ranking_rows(), "USD", 96), 96))
    earlier = printed(ranking_table([{**row, "verdict": None} for row in ranking_rows()], "USD"))
    assert all(len(line.rstrip()) <= 80 and "…" not in line and "verdict" not in line for line in earlier)
    assert re.search(
        r"\b50 EURUSD +regime\(50,0.3,0.15,1.5\) sl30 tp40 +123,456 +-12.34 -12,345.67 +-98.8%", earlier[-1]
    )


def test_ranking_shows_what_a_hold_out_said_in_80_columns() -> None:
    lines = printed(ranking_table(ranking_rows(holdout_trades=1_000, holdout_sharpe=-12.34), "USD"))
    assert lines[0].split()[-1] == "held"
    assert all(line.rstrip().endswith("-12.34") for line in lines[1:])
    assert all(len(line.rstrip()) <= 80 for line in lines)


def test_ranking_of_undefined_figures_shows_dashes_and_few_trades_a_mark() -> None:
    rows = ranking_rows(sharpe=None, trades=3, few_trades=True)
    words = printed(ranking_table(rows[:1], "USD"))[-1].split()
    assert "3†" in words
    assert words.count("–") == 1


def test_ranking_marks_the_ratios_that_say_little_or_nothing() -> None:
    rows = ranking_rows(sharpe=2.5, few_days=True) + ranking_rows(
        sharpe=158_760.95, few_days=True, constant_returns=True
    )
    lines = printed(ranking_table([rows[0], rows[-1]], "USD", 120), 120)
    assert "2.50‡" in lines[1].split()
    assert "158760.95‡≈" in lines[2].split()


def test_ranking_on_a_wide_terminal_shows_more() -> None:
    assert set(RANKING_COLUMNS) == set(ranking_rows()[0])
    narrow, wide = (printed(ranking_table(ranking_rows(), "USD", width), width)[0] for width in (80, 120))
    assert "win" not in narrow
    assert "win" in wide
    assert "factor" in wide


def test_strategy_name_with_markup_is_shown_as_it_is() -> None:
    rows = [{**ranking_rows()[0], "strategy": "[red]mine[/]"}]
    assert "[red]mine[/]" in printed(ranking_table(rows, "USD"))[-1]


RUNNING = SlotProgress(
    pid=7, state=SlotState.RUNNING, since=90.0, started=90.0, done=25, total=50, ticks=1_000_000, pair="EURUSD",
    stage="strategies", label="stochastic(14,3,3,20,80) sl20 tp20",
)  # fmt: skip


def test_view_shows_every_worker_and_how_far_the_run_is() -> None:
    reading = SlotProgress(pid=8, state=SlotState.RUNNING, since=99.0, started=99.0, pair="GBPUSD", stage="read")
    view = RunPicture(run(RUNNING, reading), load_settings({"workers": 2}), {"USDJPY"})
    view.draw(90.0)
    lines = printed(view.draw(100.0))
    assert all(len(line.rstrip()) <= 80 for line in lines)
    text = "\n".join(lines)
    assert re.search(r"1 of 4 pairs .+ 38% 10s, 17s left", text)
    assert re.search(r"1  EURUSD  stochastic\S*.* 25/50 +running +10s +2\.5M", text)
    assert re.search(r"2  GBPUSD  read +running +1s", text)
    assert re.search(r"^#  pair +at work on +n of m +state +for +ticks/s", text, re.MULTILINE)
    assert "CPU ? of 80%" in text
    assert "memory: workers ?, available ?" in text


@pytest.mark.parametrize("workers", [1, 300])
def test_view_of_the_widest_rows_cuts_the_strategy_alone(workers: int) -> None:
    row = replace(RUNNING, label="stochastic(14,3,3,20,80) sl20 tp20 " * 4, done=987_654, total=1_000_000, started=1.0)
    view = RunPicture(run(*[row] * workers), load_settings({"workers": 2}), ())
    view.draw(1.0)
    lines = [line.rstrip() for line in printed(view.draw(200_000.0))]
    assert all(len(line) <= 80 for line in lines)
    assert len(lines) == len([line for line in lines if line]) + 1
    for line in lines[-workers:]:
        assert re.search(r"^ *\d+  EURUSD  stoch.*….* +987,654/1,000,000  running +2d 07h +\S+$", line), line


def test_view_of_a_cooling_run_keeps_every_state_whole() -> None:
    idle = SlotProgress(pid=7)
    view = RunPicture(
        run(idle, RUNNING, gate=lambda: gate(GateState.COOLING, 7_500.0)), load_settings({"workers": 2}), ()
    )
    lines = printed(view.draw(100.0))
    assert any("cooling 2h 05m" in line for line in lines)
    assert all(len(line.rstrip()) <= 80 for line in lines)


def test_view_of_held_and_resting_workers_says_so() -> None:
    held = SlotProgress(pid=7, state=SlotState.HELD, since=97.0, started=90.0, held_s=1.0, pair="EURUSD", stage="read")
    view = RunPicture(run(held), load_settings({"workers": 2}), ())
    view.draw(95.0)
    assert "held 60%" in "\n".join(printed(view.draw(100.0)))


@pytest.mark.parametrize(
    ("row", "share", "seen", "words"),
    [
        (SlotProgress(), 0.0, gate(), "starting"),
        (SlotProgress(pid=7, state=SlotState.WARMING), 0.0, gate(), "warming up"),
        (SlotProgress(pid=7), 0.0, gate(), "idle"),
        (SlotProgress(pid=7), 0.0, gate(GateState.COOLING, 3.2), "cooling 3s"),
        (RUNNING, 0.01, gate(), "running"),
        (RUNNING, 0.6, gate(GateState.HOLDING), "held 60%"),
        (RUNNING, 1.0, gate(GateState.RESTING), "resting"),
    ],
)
def test_state_words_of_every_state(row: SlotProgress, share: float, seen: GateView, words: str) -> None:
    assert state_words(row, share, seen) == words


@given(done=st.integers(0, 10**6), total=st.integers(0, 10**6))
def test_part_done_is_a_share(done: int, total: int) -> None:
    assert 0 <= part_done(SlotProgress(pair="EURUSD", done=done, total=total)) <= 1


def taken(value: float) -> Reading:
    return Reading.taken(value, 1.0)


def test_processor_line_shows_what_is_known_and_a_question_mark_for_the_rest() -> None:
    readings = Readings(time=1.0, capacity=taken(2), total=taken(1.5), run_total=taken(1.25), workers=taken(1.0))
    settings = load_settings({"workers": 2})
    line = processor_line(Look(0.0, readings, LOOK.decision), 1.62, settings).plain
    assert line == "CPU 75% of 80%: workers 50%, server 12%, others 12%  allowance 1.6 of 2"
    unknown = processor_line(LOOK, 2.0, load_settings({"workers": 2, "history": False})).plain
    assert unknown == "CPU ? of 80%: workers ?, command ?, others ?  allowance 2 of 2"


def test_memory_line_shows_what_the_workers_hold_and_what_is_left() -> None:
    readings = Readings(time=1.0, memory_available=taken(20_480), memory_workers=taken(612.3))
    assert memory_line(readings).plain == "memory: workers 612 MB, available 20.5 GB"
    assert memory_line(LOOK.readings).plain == "memory: workers ?, available ?"


def test_lines_about_the_widest_machine_fit_80_columns() -> None:
    readings = Readings(
        time=1.0, capacity=taken(256), total=taken(256), run_total=taken(256), workers=taken(255),
        memory_available=taken(12_345_678), memory_workers=taken(1_234_567),
    )  # fmt: skip
    settings = load_settings({"max_workers": 256, "workers": 256, "cpu_limit": 62.5})
    look = Look(0.0, readings, LOOK.decision)
    line = processor_line(look, 256.0, settings).plain
    assert line == "CPU 100% of 62.5%: workers 100%, server 0%, others 0%  allowance 256 of 256"
    assert len(line) <= 80
    assert len(memory_line(readings).plain) <= 80


def test_view_of_a_session_that_closed_its_board_keeps_the_last_rows(tmp_path: Path) -> None:
    board = ProgressBoard.create(tmp_path / "board", 1)
    board.write(0, RUNNING)
    view = RunPicture(run(progress=board.read_all), load_settings({"workers": 2}), ())
    before = printed(view.draw(100.0))
    board.close()
    assert printed(view.draw(100.0)) == before


def test_live_console_prints_lines_above_the_view_and_leaves_nothing_behind() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={"TERM": "xterm"})
    console = LiveConsole(load_settings({"workers": 2}), (), terminal)
    console.on_start(run(RUNNING))
    console.on_message("❄️  CPU 55.1% - increasing to [4] workers")
    console.on_pair_done(receipt())
    console.on_finish(outcome())
    text = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "increasing to [4] workers" in text
    assert "[1/4] EURUSD: 50 strategies" in text
    assert " of 4 pairs" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back


def test_ranking_columns_are_those_of_the_schema() -> None:
    assert set(RANKING_COLUMNS) <= set(RANKING_SCHEMA.names)


@pytest.mark.parametrize(("number", "cause"), [(errno.EPIPE, "Broken pipe"), (errno.ENOSPC, "No space left on device")])
def test_run_whose_output_nobody_got_says_on_stderr_where_its_results_are(
    number: int, cause: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(number, cause)

    def run_backtest(settings: Any, observer: Any) -> RunOutcome:
        observer.say("begun")
        return outcome(ranking_path=Path("results/runs/1/ranking.parquet"))

    monkeypatch.setattr("flows.launch.run_backtest", run_backtest)
    monkeypatch.setattr("sys.stdout", StandardStream(Gone()))
    assert starting.start(load_settings(), plain=True) == ExitCode.OK
    assert capsys.readouterr().err == (
        f"standard output is gone ({cause}); the run went on, its results: results/runs/1/ranking.parquet\n"
    )
