"""The deployments: what prefect.yaml says, and what a server, a worker and a retry make of it."""

import asyncio
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import yaml

from flows.server.deployments import CHECKOUT, FLOW, POOL, deploy
from necrozma_core.errors import UsageError
from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.runs.manifest import PairState, RunStatus
from necrozma_core.strategies.source import StrategySource

from .conftest import NECROZMA, PREFECT, bare_environment, free_port, wait_until

NEW_YORK = ZoneInfo("America/New_York")

# Says which process it is in, and sleeps longer than any test.
SLEEPER = """
import os, time
from pathlib import Path

class Sleeper:
    name, params, stop_loss_pips, take_profit_pips = "sleeper", {{}}, 20.0, 40.0

    def signals(self, bars):
        Path({folder!r}, f"{{os.getpid()}}.pid").touch()
        time.sleep(3_600)

def strategies():
    return [Sleeper()]
"""


@pytest.fixture(scope="module")
def written():
    return {entry["name"]: entry for entry in yaml.safe_load((CHECKOUT / "prefect.yaml").read_text())["deployments"]}


def fires(schedule: dict, first: datetime, days: int) -> list[datetime]:
    from prefect.server.schemas.schedules import CronSchedule

    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    return [time.astimezone(NEW_YORK) for time in asyncio.run(cron.get_dates(100, first, first + timedelta(days=days)))]


def test_prefect_yaml_names_three_deployments_of_the_flow(written):
    assert list(written) == ["on-demand", "nightly", "weekly-full-sweep"]
    for entry in written.values():
        assert entry["entrypoint"] == "flows/backtest.py:backtest_pairs"
        assert entry["work_pool"]["name"] == POOL
        assert entry["concurrency_limit"]["limit"] == 1
        assert entry["description"]


@pytest.mark.parametrize("month", [1, 3, 7, 11], ids=["winter", "spring change", "summer", "autumn change"])
def test_nightly_runs_on_weekdays_after_the_close_in_new_york(written, month):
    (schedule,) = written["nightly"]["schedules"]
    times = fires(schedule, datetime(2024, month, 1, tzinfo=NEW_YORK), 28)
    assert {time.weekday() for time in times} == {0, 1, 2, 3, 4}
    assert {(time.hour, time.minute) for time in times} == {(17, 30)}
    assert len(times) == sum((datetime(2024, month, 1) + timedelta(days=day)).weekday() < 5 for day in range(28))


def test_weekly_sweep_runs_on_saturdays_and_is_switched_off(written):
    (schedule,) = written["weekly-full-sweep"]["schedules"]
    assert schedule["active"] is False
    assert {time.weekday() for time in fires(schedule, datetime(2024, 1, 1, tzinfo=NEW_YORK), 28)} == {5}


def test_parameters_are_accepted_by_the_flow(written):
    from flows.backtest import backtest_pairs

    assert backtest_pairs.name == FLOW
    for entry in written.values():
        backtest_pairs.validate_parameters(entry["parameters"])


def test_weekly_grid_is_a_full_sweep_of_settings(written):
    strategies = StrategySource.from_grid(written["weekly-full-sweep"]["parameters"]["grid"]).load()
    assert len(strategies) > 1_000
    assert len({strategy.name for strategy in strategies}) == len(strategies)


def test_deploy_without_any_server_says_how_to_get_one(tmp_path):
    environment = bare_environment() | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run([NECROZMA, "deploy"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "necrozma server start" in done.stderr


def test_deploy_to_a_server_that_is_not_there_is_one_line():
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:\d+/api does not answer"):
        deploy({"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"})


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestOnOurServer:
    """With the real thing, which takes some ten seconds to start."""

    def test_deploy_reports_deployments_and_schedules(self, server, deployed):
        for name in ("on-demand", "nightly", "weekly-full-sweep"):
            assert f"{FLOW}/{name}  {server.url}/deployments/deployment/" in deployed
        assert "cron 30 17 * * 1-5, America/New_York\n" in deployed
        assert "cron 0 6 * * 6, America/New_York (switched off)\n" in deployed

    def test_deploy_without_the_password_is_refused_in_one_line(self, server):
        with pytest.raises(UsageError, match="wants its password: set PREFECT_API_AUTH_STRING"):
            deploy({"PREFECT_API_URL": server.api_url})

    def test_deploy_again_changes_nothing_and_keeps_what_was_switched(self, server, deployed, client):
        def of_weekly():
            found = client.read_deployment_by_name(f"{FLOW}/weekly-full-sweep")
            (schedule,) = found.schedules
            return found, schedule

        before, schedule = of_weekly()
        assert schedule.active is False
        client.update_deployment_schedule(before.id, schedule.id, active=True)
        try:
            again = deploy(server.client_environment())
            after, kept = of_weekly()
            assert (after.id, kept.id, kept.active) == (before.id, schedule.id, True)
            assert [active for deployed in again for _, active in deployed.schedules] == [True, True]
            assert len(client.read_deployments()) == 3
        finally:
            client.update_deployment_schedule(before.id, schedule.id, active=False)

    def test_pool_runs_processes(self, deployed, client):
        assert client.read_work_pool(POOL).type == "process"

    def test_each_worker_finds_its_own_checkout(self, deployed, client):
        """The path of the machine that deployed is on no other machine."""
        for deployment in client.read_deployments():
            (step,) = deployment.pull_steps
            assert step == {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $NECROZMA_HOME }}"}}

    def test_form_explains_and_bounds_every_parameter(self, deployed, client):
        schema = client.read_deployment_by_name(f"{FLOW}/on-demand").parameter_openapi_schema["properties"]
        assert {name for name, parameter in schema.items() if not parameter.get("description")} == set()
        titles = {name: [choice["title"] for choice in schema[name]["anyOf"]] for name in schema}
        assert titles.pop("keep_trades") == ["so many", "all", "as configured"]
        assert {tuple(each) for each in titles.values()} == {("this", "as configured")}
        (number,) = [choice for choice in schema["cpu_limit"]["anyOf"] if choice["type"] == "number"]
        assert (number["minimum"], number["maximum"]) == (1, 100)

    def test_retry_after_a_repair_computes_only_the_pair_that_failed(self, server, worker, client, market, webhook):
        repair = market.damage("GBPUSD")
        flow_run = self.run(client, market)
        assert flow_run.state.is_failed()
        assert "1 of 4 pairs failed (GBPUSD)" in flow_run.state.message
        assert self.pair_states(client, flow_run.id, 1) == {
            "EURUSD": "COMPLETED", "GBPUSD": "FAILED", "USDJPY": "COMPLETED", "USDCHF": "COMPLETED"
        }  # fmt: skip
        before = market.commits()
        assert set(before) == {"EURUSD", "USDCHF", "USDJPY"}

        repair()
        environment = bare_environment() | server.client_environment()
        subprocess.run([PREFECT, "flow-run", "retry", str(flow_run.id)], env=environment, check=True)
        again = self.ended(client, flow_run.id, 2)
        assert again.state.is_completed()
        assert self.pair_states(client, flow_run.id, 2) == dict.fromkeys(market.pairs, "COMPLETED")
        after = market.commits()
        assert before.items() <= after.items()
        assert after.keys() - before.keys() == {"GBPUSD"}
        second, first = list_runs(market.results)
        assert (first.status, second.status) == (RunStatus.FAILED, RunStatus.COMPLETED)
        assert second.pairs_in(PairState.COMPUTED) == ["GBPUSD"]
        assert set(second.pairs_in(PairState.REUSED)) == {"EURUSD", "USDCHF", "USDJPY"}
        assert again.name == flow_run.name == first.run_id
        assert f"run:{second.run_id}" in again.tags

        def posts():
            return [post for post in webhook.posted if post["flow_run_id"] == str(flow_run.id)]

        # Hooks run after the state is set.
        wait_until(lambda: len(posts()) == 2)
        told = posts()
        assert [post["state"] for post in told] == ["FAILED", "COMPLETED"]
        assert "1 of 4 pairs failed (GBPUSD)" in told[0]["text"]
        assert told[0]["url"].endswith(f"/runs/flow-run/{flow_run.id}")

    def test_two_runs_of_one_deployment_go_one_after_the_other(self, worker, client, market):
        """Side by side, the second would find the results folder locked."""
        deployment = client.read_deployment_by_name(f"{FLOW}/on-demand")
        both = [client.create_flow_run_from_deployment(deployment.id, parameters=market.parameters) for _ in range(2)]
        ended = sorted((self.ended(client, flow_run.id, 1) for flow_run in both), key=lambda run: run.start_time)
        assert [flow_run.state.type.value for flow_run in ended] == ["COMPLETED", "COMPLETED"]
        assert ended[0].end_time <= ended[1].start_time
        newest, oldest = list_runs(market.results)
        assert (len(oldest.pairs_in(PairState.COMPUTED)), len(newest.pairs_in(PairState.REUSED))) == (4, 4)

    def test_cancelled_run_ends_with_its_workers_and_says_so(self, worker, client, market):
        """As by the UI's Cancel: Prefect's worker sends SIGTERM to the process of the flow."""
        from prefect.states import Cancelling

        asleep = market.data.parent / "asleep.py"
        asleep.write_text(SLEEPER.format(folder=str(market.data.parent)))
        deployment = client.read_deployment_by_name(f"{FLOW}/on-demand")
        parameters = {**market.parameters, "strategies": str(asleep), "pairs": ["EURUSD", "USDJPY"], "workers": 1}
        flow_run = client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
        begun = wait_until(lambda: list(market.data.parent.glob("*.pid")))
        client.set_flow_run_state(flow_run.id, Cancelling())
        ended = self.ended(client, flow_run.id, 1)
        assert ended.state.is_cancelled()
        wait_until(lambda: not Path(f"/proc/{begun[0].stem}").exists())
        (run,) = list_runs(market.results)
        assert run.status is RunStatus.CANCELLED

    def run(self, client, market):
        deployment = client.read_deployment_by_name(f"{FLOW}/on-demand")
        flow_run = client.create_flow_run_from_deployment(deployment.id, parameters=market.parameters)
        return self.ended(client, flow_run.id, 1)

    @staticmethod
    def ended(client, flow_run_id: UUID, run_count: int):
        def final():
            flow_run = client.read_flow_run(flow_run_id)
            return flow_run if flow_run.run_count == run_count and flow_run.state.is_final() else None

        return wait_until(final)

    @staticmethod
    def pair_states(client, flow_run_id: UUID, run_count: int) -> dict[str, str]:
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

        ours = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
        # Only pairs: ranking and report have generated names.
        return {
            task_run.name: task_run.state.type.value
            for task_run in client.read_task_runs(flow_run_filter=ours)
            if task_run.flow_run_run_count == run_count and "-" not in task_run.name
        }
