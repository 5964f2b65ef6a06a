"""Every table of the benchmarks on next to nothing: parity for real, the rest to see that the suite runs."""

import json
import math
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from benchmarks import scaling, startup, stored, targets
from benchmarks.__main__ import TABLES, page_of
from benchmarks.engine import measure_engine, measure_parity
from benchmarks.feeds import importing
from benchmarks.luck.tables import measure_statistics
from benchmarks.measuring import command, market
from benchmarks.measuring.command import Bench, JobRun, bench, running_server
from benchmarks.measuring.cpu_profile import measure_profile
from benchmarks.measuring.market import TEN_PAIRS, YEAR_TICKS, prepare_ticks
from benchmarks.measuring.processes import Family, Role, Usage
from benchmarks.orders import check_orders_parity, measure_orders
from benchmarks.original import measure_storage
from benchmarks.overhead import measure_overhead
from benchmarks.scale import SMOKE
from necrozma_core.feeds.samples.quotes import sample_ticks
from necrozma_core.market.bar_building import bars_from_ticks
from necrozma_core.strategies.catalog import default_strategies
from necrozma_core.strategies.settings import parse_grid

COMMANDS = ("timeline", "job", "parallel", "settings", "pairs", "original")
"""Tables that are made of whole commands."""


@pytest.fixture(autouse=True)
def _little_data(monkeypatch, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "benchmarks"
    monkeypatch.setattr(market, "CACHE", folder)
    monkeypatch.setattr(targets, "_FIGURES", folder / "figures.json")
    for name in ("NECROZMA_CPU_LIMIT", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def place():
    """A folder for runs that several tests share: its first run makes a database and compiles every kernel."""
    with bench() as shared:
        yield shared


def made_up_run(seconds):
    records = {
        pair: {"key": "0" * 64, "seconds": {"read": 0.5, "strategies": 1.5}, "counts": {"strategies": 50, "trades": 9}}
        for pair in TEN_PAIRS
    }
    family = Family()
    family.members[1] = Usage(Role.WORKER, 321.0, 2.0, 0.0)
    moments = {"the first pair is begun": seconds / 2, "exit": seconds}
    return JobRun(seconds, {"seconds": {"pairs": seconds / 4}, "pairs": records}, family, moments, 12.0)


@pytest.fixture
def _no_commands(monkeypatch):
    """Answer at once in the command's and the server's place; each run takes a second longer than the one before."""
    taken = []

    def run(self, data, flags, **others):
        assert Path(data).is_dir()
        taken.append(flags)
        return made_up_run(float(len(taken)))

    @contextmanager
    def no_server(place):
        yield {}

    monkeypatch.setattr(Bench, "run", run)
    for module in ("job", "scaling"):
        monkeypatch.setattr(f"benchmarks.{module}.running_server", no_server)


def test_parity_on_little_data_agrees_for_all_strategies():
    text = measure_parity(SMOKE).text
    assert text.startswith("50 strategies over 20,000 ticks")


def test_parity_against_a_wrong_engine_ends_the_benchmark(monkeypatch):
    from benchmarks import parity

    right = parity.run_engine
    monkeypatch.setattr(parity, "run_engine", lambda *arguments: right(*arguments)[::-1])
    with pytest.raises(SystemExit, match="parity broken"):
        measure_parity(SMOKE)


def test_orders_of_a_wrong_engine_end_the_benchmark(monkeypatch):
    from benchmarks import orders

    right = orders.run_engine_orders
    monkeypatch.setattr(orders, "run_engine_orders", lambda *arguments: right(*arguments)[::-1])
    with pytest.raises(SystemExit, match="parity broken"):
        measure_orders(SMOKE)


@pytest.mark.slow
def test_orders_over_a_year_trade_as_in_the_naive_walk_over_every_tick():
    ticks = sample_ticks("EURUSD", YEAR_TICKS, seed=2)
    bars, strategies = bars_from_ticks(ticks, 60_000), default_strategies()
    signals = [strategy.signals(bars) for strategy in strategies]
    assert check_orders_parity(ticks, bars, strategies, signals) > 400_000


@pytest.mark.parametrize("measure", [measure_engine, measure_orders, measure_storage])
def test_measured_table_on_little_data_has_a_row_a_thing(measure):
    table = [line for line in measure(SMOKE).text.splitlines() if line.startswith("|")]
    assert len(table) >= 4
    assert len({line.count("|") for line in table}) == 1


@pytest.mark.usefixtures("_no_commands")
@pytest.mark.parametrize("name", COMMANDS)
def test_table_of_commands_with_made_up_runs_is_laid_out(name):
    report = TABLES[name](SMOKE)
    assert "| " in report.text
    assert all(math.isfinite(value) for value in report.figures.values())


@pytest.mark.usefixtures("_no_commands")
def test_ratio_of_settings_with_made_up_runs_is_that_of_the_workers_work():
    report = scaling.measure_settings(SMOKE)
    assert report.figures["times_500"] == 1.0
    assert report.figures["mb_500"] == 321.0


def test_startup_without_processes_lists_all_that_begins(monkeypatch):
    for name in ("_seconds", "_child", "_start"):
        monkeypatch.setattr(startup, name, lambda *_: 0.25)
    report = startup.measure_startup(SMOKE)
    assert report.figures == {"help": 0.25}
    assert report.text.count("250") >= 9


def test_importing_measures_every_reader_on_the_same_rows(monkeypatch, tmp_path):
    monkeypatch.setattr(importing, "_PEERS", tmp_path / "missing")
    read = []
    run = importing._run

    def remembering(python, reader, *arguments):
        read.append(run(python, reader, *arguments).rows)
        return importing._Run(read[-1], 2.0, 1.0, 100.0)

    monkeypatch.setattr(importing, "_run", remembering)
    report = importing.measure_importing(SMOKE)

    assert read == [SMOKE.ticks] * 4
    assert report.figures == {"csv_millions": SMOKE.ticks / 1e6, "bi5_millions": SMOKE.ticks / 2e6}
    assert "Polars is not installed" in report.text


def test_stored_run_is_compared_with_the_help_of_the_same_moment(monkeypatch):
    taken = iter([1.0, 1.0, 0.0, 0.0, 0.0, 0.1, 1.4, 1.7])  # computed, tried once, then help and both runs
    monkeypatch.setattr(stored, "_seconds", lambda *_: next(taken))
    report = stored.measure_stored(SMOKE)
    assert report.figures == {"above_help": pytest.approx(1.1)}
    assert "0.80 s" in report.text


def test_statistics_on_little_data_tell_luck_from_an_edge():
    report = measure_statistics(SMOKE)
    assert report.figures["strong"] == 0
    assert math.isfinite(report.figures["seconds"])
    planted = [line.split("|") for line in report.text.splitlines() if line.startswith("| 5 years")]
    assert planted[-1][3].strip() == "100 %"


def test_grids_of_settings_hold_as_many_as_they_say():
    for count, grid in scaling.GRIDS.items():
        sweep = parse_grid(f"family=sma_cross {grid}")
        assert (len(sweep.strategies), sweep.conflicting, sweep.repeated) == (count, 0, 0)


def test_page_has_a_place_for_every_table():
    for name in (*TABLES, "peers"):
        page = page_of(name).read_text(encoding="utf-8")
        assert f"<!-- {name} -->\n" in page
        assert f"<!-- /{name} -->" in page


def test_targets_measured_and_not_are_told_apart():
    targets.keep_figures("job", {"cold": 11.0, "served": 7.5})
    lines = targets.measure_targets(SMOKE).text.splitlines()
    assert "11.0 s" in lines[2]
    assert "| yes " in lines[2]
    assert "not measured" in lines[3]
    assert "**no**" in lines[4]


def test_targets_after_a_second_table_keep_the_first():
    targets.keep_figures("job", {"cold": 11.0})
    targets.keep_figures("startup", {"help": 0.2})
    targets.keep_figures("parity", {})
    assert json.loads(targets._FIGURES.read_text()) == {"job": {"cold": 11.0}, "startup": {"help": 0.2}}


@pytest.mark.slow
def test_command_that_is_watched_tells_moments_and_memory_of_all_its_processes(place):
    data = prepare_ticks(TEN_PAIRS[:1], SMOKE.ticks)
    with running_server(place) as address:
        run = place.run(data, ["--workers", "1", "--timeframe", "1h"], **address)
    assert run.trades > 0
    assert run.worker_peak_mb > 50
    order = [run.moments[name] for name in ("the workers' processes begin", "the last pair is stored", "exit")]
    assert 0 < order[0] < order[1] < order[2]
    assert 0 < run.work_seconds < run.seconds


@pytest.mark.slow
def test_command_that_fails_ends_the_benchmark_with_its_words(place):
    data = prepare_ticks(TEN_PAIRS[:1], SMOKE.ticks)
    with pytest.raises(SystemExit, match=r"ended with 2:(.|\n)*--workers"):
        place.run(data, ["--workers", "none"])


@pytest.mark.slow
def test_profile_of_a_job_names_command_server_and_workers(monkeypatch, place):
    monkeypatch.setattr("benchmarks.measuring.cpu_profile.bench", lambda: nullcontext(place))
    text = measure_profile(SMOKE).text
    for process in ("the command", "the server", "the workers"):
        assert f"| {process} " in text
    assert "importing numba" in text


@pytest.mark.slow
def test_stored_pairs_as_tasks_are_all_in_the_history():
    assert measure_overhead(SMOKE).figures["shown"] == 1.0


def test_environment_of_a_run_holds_nobodys_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("NECROZMA_WORKERS", "7")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9")
    environment = command.Bench(tmp_path).environment(MORE="1")
    assert environment["MORE"] == "1"
    assert not environment.keys() & {"NECROZMA_WORKERS", "PREFECT_API_URL"}
