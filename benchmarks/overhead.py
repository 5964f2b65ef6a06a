"""What Prefect costs a pair: a run of many pairs that are all stored already, so that only Prefect's part is left."""

import gc
import itertools
import os
import tempfile
import time
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

import numpy as np

from benchmarks.measuring.measure import Report, Timing, markdown_table
from benchmarks.measuring.new_process import run_child
from benchmarks.scale import FULL, Scale
from necrozma_core.market import instruments
from necrozma_core.sweep.outcome import RunOutcome

_TICKS: Final = 3_000
_STEP_MS: Final = 60_000
_START_MS: Final = 1_704_067_200_000  # 1 January 2024


def measure_overhead(scale: Scale = FULL) -> Report:
    """Return the time of a pair that the store answers at once, and whether it grows with their number."""
    taken = []
    for _ in range(scale.job_runs):
        with tempfile.TemporaryDirectory(prefix="necrozma-bench-") as folder:
            taken.append(run_child("tasks", folder, str(scale.tasks)))
    part = max(2, scale.tasks // 4)
    gaps = [np.diff(run["moments"]) for run in taken]
    each, first, last = (
        Timing(tuple(float(np.mean(gap[cut])) for gap in gaps))
        for cut in (slice(None), slice(None, part), slice(-part, None))
    )
    rows = [
        ("a pair, on average", each),
        (f"the first {part}", first),
        (f"the last {part}", last),
        ("the flow's history complete after the last", Timing(tuple(run["closing"] for run in taken))),
    ]
    shown = taken[0]["shown"]
    head = (
        f"{scale.tasks} pairs, all stored already; each is a task that looks into the store and shows its table in "
        f"Prefect. {shown} of {scale.tasks} task runs are in Prefect's history as completed. Median (least to most) of "
        f"{scale.job_runs}."
    )
    figures = {"pair_ms": 1e3 * each.median, "slower": last.median / first.median, "shown": shown / scale.tasks}
    return Report(f"{head}\n\n{markdown_table(('what', 'time'), rows)}", figures)


def run_stored_tasks(folder: Path, tasks: int) -> dict[str, Any]:
    """Store made-up pairs, then run them through the product's own flow; for a process of its own.

    Returns
    -------
    dict
        ``moments``: when each pair was done; ``closing``: seconds from the last one to the run's end; ``shown``: how
        many task runs of pairs Prefect's history holds as completed.
    """
    for name in [name for name in os.environ if name.startswith(("NECROZMA_", "PREFECT_"))]:
        del os.environ[name]
    os.environ["PREFECT_PROFILES_PATH"] = str(folder / "no-profiles.toml")
    names = _add_pairs(tasks)
    # Imported late: Prefect reads its environment at import, and it is set above.
    from flows.server.embedded import start_embedded  # noqa: PLC0415
    from flows.settings import load_settings  # noqa: PLC0415

    home = folder / "prefect"
    settings = load_settings(
        {
            "data": folder / "data",
            "results": folder / "results",
            "prefect_home": home,
            "workers": 2,
            "cooldown_seconds": 0,
            "cpu_limit": 100,
        }
    )
    _store(settings, names)
    server = start_embedded(home)
    try:
        server.wait_ready()
        os.environ["PREFECT_API_URL"] = server.api_url
        watcher = _Watcher()
        outcome, ended = _run_flow(settings, watcher)
        closing = ended - watcher.moments[-1]
        if outcome.exit_code or len(watcher.moments) != tasks:
            raise SystemExit(f"{len(watcher.moments)} of {tasks} pairs were done: {outcome.failures[:1]}")
        return {"moments": watcher.moments, "closing": closing, "shown": _shown(server.api_url, outcome.run_id)}
    finally:
        server.stop()


def _run_flow(settings: Any, watcher: Any) -> tuple[RunOutcome, float]:
    """Run the flow, which the command leaves out where everything is stored; also say when its history was complete."""
    from flows.backtest import backtest_pairs  # noqa: PLC0415
    from flows.binding import bind  # noqa: PLC0415
    from flows.history import drain_history  # noqa: PLC0415
    from flows.sweep_request import flow_parameters, sweep_request  # noqa: PLC0415
    from necrozma_core.sweep.opening import open_session  # noqa: PLC0415

    with open_session(sweep_request(settings), watcher) as session, bind(session) as binding:
        backtest_pairs(**flow_parameters(settings), return_state=True)
        drain_history(binding.flow_run_id, binding.task_runs)
        return session.outcome(), time.perf_counter()


class _Watcher:
    """An observer that notes when each pair was done."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    def on_start(self, run: object) -> None:
        pass

    def on_message(self, text: str) -> None:
        pass

    def on_phase(self, text: str) -> None:
        pass

    def on_pair_done(self, receipt: object) -> None:
        self.moments.append(time.perf_counter())

    def on_pair_failed(self, pair: str, error: Exception) -> None:
        raise SystemExit(f"{pair}: {error}")

    def on_finish(self, outcome: object) -> None:
        pass


def _add_pairs(count: int) -> list[str]:
    """Put made-up pairs into this process's table of instruments, because there are not two hundred real ones."""
    bases = itertools.islice(itertools.product("Q", ascii_uppercase, ascii_uppercase), count)
    names = [f"{''.join(base)}USD" for base in bases]
    model = instruments.get_pair("EURUSD")
    made = {
        name: instruments.Pair(name, name[:3], "USD", model.pip, model.point, model.contract_size) for name in names
    }
    # The table is a read-only view that other modules hold too, so the dictionary behind it is changed.
    (table,) = gc.get_referents(instruments.PAIRS)
    table |= made
    return names


def _store(settings: Any, names: list[str]) -> None:
    from flows.sweep_request import sweep_request  # noqa: PLC0415
    from necrozma_core.backtest.river import evaluate_pair  # noqa: PLC0415
    from necrozma_core.market.ticks import Ticks  # noqa: PLC0415
    from necrozma_core.storage.ticks.store import TickStore  # noqa: PLC0415
    from necrozma_core.sweep.plan import plan_requests  # noqa: PLC0415

    random = np.random.default_rng(0)
    bid = 110_000 + np.cumsum(random.integers(-20, 21, _TICKS, dtype=np.int32), dtype=np.int32)
    ask = bid + random.integers(2, 12, _TICKS, dtype=np.int32)
    moments = _START_MS + np.arange(_TICKS, dtype=np.int64) * _STEP_MS
    for name in names:
        TickStore(settings.data).write(Ticks(instruments.get_pair(name), 5, moments, bid, ask))
    for request in plan_requests(sweep_request(settings)):
        evaluate_pair(request, lambda *_: None)


def _shown(api_url: str, run_id: str) -> int:
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName  # noqa: PLC0415
    from prefect.client.schemas.objects import TaskRun  # noqa: PLC0415
    from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: PLC0415

    chosen = FlowRunFilter(name=FlowRunFilterName(any_=[run_id]))
    found: list[TaskRun] = []
    with temporary_settings({PREFECT_API_URL: api_url}), get_client(sync_client=True) as client:
        while page := client.read_task_runs(flow_run_filter=chosen, limit=200, offset=len(found)):
            found += page
    # Leave out the two task runs of the ranking and the report.
    pairs = [run for run in found if run.name in instruments.PAIRS]
    return sum(run.state is not None and run.state.is_completed() for run in pairs)
