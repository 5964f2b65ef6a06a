"""The flow from settings to outcome, in this process."""

import os
import re
import signal

import pyarrow.parquet as pq
import pytest

from necrozma_core.errors import (
    AllStrategiesFailedError,
    DataError,
    ExitCode,
    LockedError,
    StorageError,
)
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import PairState, RunStatus
from necrozma_core.throttle.throttle import Throttle

from .conftest import PAIRS, Watcher, is_running, wait_until

pytestmark = pytest.mark.slow

TWO = """
import numpy as np

class Half:
    params, stop_loss_pips, take_profit_pips = {}, 20.0, 40.0

    def __init__(self, name):
        self.name = name

    def signals(self, bars):
        if self.name == "bad":
            raise ValueError("no such column")
        return np.tile(np.array([1, -1], np.int8), len(bars))[: len(bars)]

def strategies():
    return [Half("good"), Half("bad")]
"""


def _manifest(result):
    return RunFolder.open(result.session.sweep.results, result.outcome.run_id).manifest


@pytest.fixture
def flow_run_id(api):
    """Return the id of the flow run that shows a run; it has the run's name."""

    def read(result):
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

        chosen = FlowRunFilter(name=FlowRunFilterName(any_=[result.outcome.run_id]))
        [flow_run] = api.read_flow_runs(flow_run_filter=chosen)
        return flow_run.id

    return read


def test_run_computes_ranks_and_is_in_the_history(run, api, task_states, flow_run_id):
    result = run(label="after the rebuild")

    outcome = result.outcome
    assert (outcome.exit_code, outcome.failures, outcome.pending) == (ExitCode.OK, (), ())
    assert sorted(result.watcher.done) == list(PAIRS)
    assert [receipt.computed for receipt in outcome.receipts] == [True] * 3
    assert len(pq.read_table(outcome.ranking_path)) == 150
    assert "Backtest" in outcome.report_path.read_text()
    assert _manifest(result).status is RunStatus.COMPLETED
    flow_run = api.read_flow_run(flow_run_id(result))
    assert (flow_run.name, flow_run.state.name) == (outcome.run_id, "Completed")
    assert set(flow_run.tags) == {"necrozma", "after the rebuild", *PAIRS}
    assert (flow_run.parameters["timeframe"], flow_run.parameters["label"]) == ("1h", "after the rebuild")
    assert _manifest(result).settings["label"] == "after the rebuild"
    assert task_states(flow_run.id) == dict.fromkeys((*PAIRS, "rank-results", "publish-report"), "Completed")


def test_run_tells_the_throttle_what_of_it_starts_and_when_each_is_done(run, monkeypatch):
    expected, done = {}, []
    monkeypatch.setattr(Throttle, "expect_start_up", lambda _, names: expected.update(names))
    monkeypatch.setattr(Throttle, "note_started", lambda _, *pids: done.append(pids))
    run()
    server = next(pid for pid, name in expected.items() if name == "its server")
    assert expected == {os.getpid(): "Prefect", server: "its server"}
    # Each worker, then the server that answers, then the flow; and once more when the flow is over, whatever it did.
    assert [pids for pids in done if pids] == [(server,), (os.getpid(),), (os.getpid(), server)]
    assert done.count(()) == 2


def test_run_again_computes_nothing_and_starts_no_worker(run):
    run(pairs="EURUSD,GBPUSD")
    again = run(pairs="EURUSD,GBPUSD")

    assert again.outcome.all_stored
    assert again.outcome.exit_code is ExitCode.OK
    assert again.session.pool.pids == []
    assert {record.state for record in _manifest(again).pairs.values()} == {PairState.REUSED}


def test_run_of_more_pairs_computes_only_the_new_ones(run):
    run(pairs="EURUSD")
    more = run()

    assert {receipt.pair: receipt.computed for receipt in more.outcome.receipts} == {
        "EURUSD": False,
        "GBPUSD": True,
        "USDJPY": True,
    }


def test_run_results_do_not_depend_on_the_number_of_workers(run, tmp_path):
    def everything(results):
        return {path.relative_to(results): path.read_bytes() for path in sorted((results / "store").rglob("*.parquet"))}

    one = run(workers=1, results=tmp_path / "one")
    two = run(workers=3, results=tmp_path / "two")

    assert everything(tmp_path / "one") == everything(tmp_path / "two")
    assert one.outcome.ranking_path.read_bytes() != b""
    assert len(two.outcome.receipts) == 3


def test_run_pair_that_fails_leaves_the_others_done_and_names_the_command(run, odd, task_states, api, flow_run_id):
    path, tries = odd('raise ValueError("no yen today")')
    result = run(strategies=path)

    outcome = result.outcome
    assert outcome.exit_code is ExitCode.PAIRS_FAILED
    [(pair, error)] = outcome.failures
    assert (pair, type(error)) == ("USDJPY", AllStrategiesFailedError)
    assert [receipt.pair for receipt in outcome.receipts] == ["EURUSD", "GBPUSD"]
    assert re.search(r"necrozma backtest .*--data /", outcome.retry)
    assert len(list(tries.iterdir())) == 1  # a deterministic error is not tried again
    states = task_states(flow_run_id(result))
    assert (states["EURUSD"], states["USDJPY"]) == ("Completed", "Failed")
    flow_run = api.read_flow_run(flow_run_id(result))
    assert flow_run.state.name == "Failed"
    assert f"retry them with: {outcome.retry}" in flow_run.state.message
    assert _manifest(result).pairs["USDJPY"].state is PairState.FAILED


def test_run_strict_fails_in_prefect_by_one_failed_strategy_of_a_pair_that_is_done(
    run, task_states, api, flow_run_id, tmp_path
):
    path = tmp_path / "two.py"
    path.write_text(TWO)
    result = run(strategies=path, strict=True, pairs=["EURUSD"])

    assert (result.outcome.exit_code, result.outcome.failures) == (ExitCode.PAIRS_FAILED, ())
    assert task_states(flow_run_id(result))["EURUSD"] == "Completed"
    state = api.read_flow_run(flow_run_id(result)).state
    assert state.name == "Failed"
    assert "1 of 2 strategies failed; the run's manifest names them" in state.message
    assert _manifest(result).status is RunStatus.FAILED
    assert result.outcome.report_path.exists()


@pytest.mark.faults
def test_run_strategy_killed_once_is_retried_and_the_others_untouched(run, odd, task_states, flow_run_id):
    path, tries = odd("if tries == 0: os.kill(os.getpid(), signal.SIGKILL)")
    result = run(strategies=path)

    assert result.outcome.exit_code is ExitCode.OK
    assert len(list(tries.iterdir())) == 2
    assert all(receipt.computed for receipt in result.outcome.receipts)
    states = task_states(flow_run_id(result))
    assert {pair: states[pair] for pair in PAIRS} == dict.fromkeys(PAIRS, "Completed")


@pytest.mark.faults
def test_run_strategy_killed_always_fails_by_name_and_the_others_are_done(run, odd):
    path, tries = odd("os.kill(os.getpid(), signal.SIGKILL)")
    result = run(strategies=path)

    [(pair, error)] = result.outcome.failures
    assert (pair, type(error)) == ("USDJPY", AllStrategiesFailedError)
    assert str(signal.SIGKILL.name) in str(error)
    assert len(list(tries.iterdir())) == 3
    assert [receipt.pair for receipt in result.outcome.receipts] == ["EURUSD", "GBPUSD"]


_COMPILED_LOOP = """
import numba
@numba.njit
def forever(x):
    while x < 7:
        x = (x + 1) % 7
    return x
forever(0)
"""


@pytest.mark.faults
@pytest.mark.parametrize("deed", ["while True: pass", _COMPILED_LOOP], ids=["interpreted", "compiled"])
def test_run_strategy_that_never_returns_is_ended_in_time(run, odd, deed):
    path, tries = odd(deed)
    result = run(strategies=path, pair_timeout_s=5)

    [(pair, error)] = result.outcome.failures
    assert (pair, type(error)) == ("USDJPY", AllStrategiesFailedError)
    assert "--pair-timeout" in str(error)
    assert len(list(tries.iterdir())) == 2
    assert len(result.outcome.receipts) == 2


def test_run_damaged_ticks_fail_their_pair_alone(run, tmp_path, ticks):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(ticks, data)
    file = next((data / "GBPUSD").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    result = run(data=data)

    [(pair, error)] = result.outcome.failures
    assert pair == "GBPUSD"
    assert str(file.name) in str(error)
    assert len(result.outcome.receipts) == 2


def test_run_pair_that_cannot_be_converted_is_a_failed_task_with_its_reason(run, tmp_path, api, flow_run_id):
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    data = tmp_path / "data"
    write_samples(data, ["EURUSD", "AUDNZD"], 4_000, 1)
    result = run(data=data)

    assert result.outcome.exit_code is ExitCode.PAIRS_FAILED
    assert [receipt.pair for receipt in result.outcome.receipts] == ["EURUSD"]
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id(result)]))
    states = {task.name: task.state for task in api.read_task_runs(flow_run_filter=chosen)}
    assert states["EURUSD"].name == "Completed"
    assert states["AUDNZD"].name == "Failed"
    assert "AUDNZD: no stored ticks convert its profits from NZD into USD; import NZDUSD" in states["AUDNZD"].message


def test_run_stopped_is_cancelled_keeps_what_is_stored_and_kills_the_rest(run, odd, api, task_states, flow_run_id):
    path, tries = odd("time.sleep(600)")

    class Stopper(Watcher):
        def on_pair_done(self, receipt):
            super().on_pair_done(receipt)
            wait_until(lambda: list(tries.iterdir()))
            self.session.stop()

    result = run(Stopper(), strategies=path, workers=3)

    outcome = result.outcome
    assert outcome.exit_code is ExitCode.INTERRUPTED
    assert {receipt.pair for receipt in outcome.receipts} & {"EURUSD", "GBPUSD"}
    assert "USDJPY" in outcome.pending
    assert not any(is_running(pid) for pid in result.session.pool.pids)
    assert _manifest(result).status is RunStatus.CANCELLED
    assert api.read_flow_run(flow_run_id(result)).state.name == "Cancelled"
    assert task_states(flow_run_id(result))["USDJPY"] == "Cancelled"
    assert result.watcher.failed == []


def test_run_stopped_before_prefect_was_ready_ends_at_once(run):
    class Impatient(Watcher):
        def on_start(self, session):
            super().on_start(session)
            session.stop(ExitCode.TERMINATED)

    result = run(Impatient())

    assert result.outcome.exit_code is ExitCode.TERMINATED
    assert result.outcome.pending == PAIRS
    assert _manifest(result).status is RunStatus.CANCELLED


@pytest.mark.faults
def test_run_whose_ranking_cannot_be_written_fails_with_the_disk(run, monkeypatch):
    def full(self, table, findings=None):
        raise StorageError("ranking.parquet: could not write: No space left on device; free some space")

    monkeypatch.setattr(RunFolder, "publish_ranking", full)
    watcher = Watcher()
    with pytest.raises(StorageError, match="No space left"):
        run(watcher)

    assert len(watcher.done) == 3
    assert watcher.outcomes[0].ranking_path is None


def test_run_in_a_locked_folder_is_refused(run, settings):
    with lock_results(settings().results), pytest.raises(LockedError, match="locked by process"):
        run()


def test_run_without_ticks_says_how_to_get_some(run, tmp_path):
    with pytest.raises(DataError, match="necrozma data import"):
        run(data=tmp_path / "nothing")


def test_flow_called_by_prefect_alone_opens_its_own_run(settings, api, history):
    """As a deployment's worker does: no command line, parameters from the run form."""
    from flows.backtest import backtest_pairs

    wanted = settings()
    state = backtest_pairs(
        pairs=["EURUSD"], data=wanted.data, results=wanted.results, timeframe="4h", workers=1, return_state=True
    )

    run_id = state.result()
    manifest = RunFolder.open(wanted.results, run_id).manifest
    assert (manifest.status, list(manifest.pairs)) == (RunStatus.COMPLETED, ["EURUSD"])
    assert manifest.settings["timeframe"] == "4h"
    assert api.read_flow_run(state.state_details.flow_run_id).name == run_id


def test_flow_parameters_explain_themselves(history):
    from flows.backtest import backtest_pairs
    from flows.configuration import SETTINGS

    properties = backtest_pairs.parameters.properties
    assert all(properties[name].get("description") for name in properties)
    assert properties.keys() == {name for name, setting in SETTINGS.items() if setting.form}


def test_run_through_prefect_stores_the_bytes_that_a_script_stores(run, settings, tmp_path):
    from flows.sweep_request import sweep_request
    from necrozma_core.sweep.running import run_sweep

    by_flow = run().outcome
    elsewhere = sweep_request(settings(results=tmp_path / "elsewhere"))
    by_script = run_sweep(elsewhere)

    def stored(results):
        return {str(path.relative_to(results)): path.read_bytes() for path in sorted(results.glob("store/*/*/*"))}

    assert stored(tmp_path / "results") == stored(tmp_path / "elsewhere")
    assert len(stored(tmp_path / "results")) == 5 * len(PAIRS)
    rankings = [pq.read_table(outcome.ranking_path) for outcome in (by_flow, by_script)]
    assert rankings[0].equals(rankings[1])


@pytest.fixture
def refuse(monkeypatch):
    """Make the server answer 503 to the first calls of each kind, as it does where its database is locked."""

    def first(times, paths=("",)):
        import httpx

        real, refused = httpx.HTTPTransport.handle_request, dict.fromkeys(paths, 0)

        def handle(transport, request):
            for path in paths:
                if request.method == "POST" and request.url.path.endswith(path) and refused[path] < times:
                    refused[path] += 1
                    return httpx.Response(503, json={"exception_message": "Service Unavailable"}, request=request)
            return real(transport, request)

        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
        return refused

    return first


def test_run_is_in_the_history_though_the_database_is_locked_at_every_first_call(run, history, refuse):
    """Without the fixture `api`, whose settings would make the server one of the user's."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    paths = ("/flow_runs/", "/set_state", "/artifacts/")
    refused = refuse(2, paths)
    result = run()

    assert refused == dict.fromkeys(paths, 2)
    assert [text for text in result.watcher.messages if "history" in text] == []
    with temporary_settings({PREFECT_API_URL: history.api_url}), get_client(sync_client=True) as client:
        chosen = _named(result.outcome.run_id)
        [flow_run] = client.read_flow_runs(flow_run_filter=chosen)
        task_runs = client.read_task_runs(flow_run_filter=chosen)
        artifacts = client.read_artifacts(flow_run_filter=chosen)
    assert flow_run.state.name == "Completed"
    assert {task_run.name: task_run.state.name for task_run in task_runs} == dict.fromkeys(
        (*PAIRS, "rank-results", "publish-report"), "Completed"
    )
    assert {"ranking", "run", "progress"} <= {artifact.key for artifact in artifacts}


def test_run_that_no_history_takes_says_so_and_is_whole(run, refuse, monkeypatch):
    monkeypatch.setattr("flows.server.patience._PATIENCE_S", 0.0)
    refuse(10_000, ("/flow_runs/",))
    result = run()

    assert result.outcome.exit_code is ExitCode.OK
    assert sorted(result.watcher.done) == list(PAIRS)
    [told] = [text for text in result.watcher.messages if "history" in text]
    assert told.startswith("this run is not in the history, its results are not affected: Prefect failed with ")


def test_run_with_a_damaged_history_is_whole_and_says_how_to_set_it_aside(run, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "prefect.db").write_bytes(b"not a database" * 1_000)
    result = run(prefect_home=tmp_path / "home")

    assert result.outcome.exit_code is ExitCode.OK
    assert sorted(result.watcher.done) == list(PAIRS)
    [told] = [text for text in result.watcher.messages if "history" in text]
    assert told.startswith("this run is not in the history, its results are not affected: ")
    assert f"{tmp_path}/home/prefect.db is no SQLite database" in told


def _named(name):
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

    return FlowRunFilter(name=FlowRunFilterName(any_=[name]))
