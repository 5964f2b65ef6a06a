"""Joins a flow run to the session of a sweep: Prefect's tasks show what the session does, as it does it."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from necrozma_core.backtest.request import PairRequest
from necrozma_core.errors import StoppedError
from necrozma_core.sweep.session import RunSession

if TYPE_CHECKING:
    # A command binds its session before Prefect is imported.
    from uuid import UUID

    from prefect.client.schemas.objects import State

    from tasks.progress import Progress


class FlowBinding:
    """A session and the flow run that shows it; also the turnstile that the flow's tasks pass, see `flows.runner`.

    Parameters
    ----------
    session : RunSession

    Attributes
    ----------
    flow_run_id : UUID or None
        None until a flow run shows the session.
    progress : Progress or None
        Told how many pairs are stored or failed, after each.
    """

    def __init__(self, session: RunSession) -> None:
        self.session = session
        self.flow_run_id: UUID | None = None
        self.progress: Progress | None = None
        self._left = threading.Condition()
        self._admitted = 0
        self._inside = 0
        self._pair_tasks = 0

    @property
    def task_runs(self) -> int:
        """Task runs that ended in Prefect: a pair each, then the ranking and the report."""
        session = self.session
        is_ranked = session.receipts and session.record.is_concluded and not session.is_stopping
        with self._left:
            return self._pair_tasks + (2 if is_ranked else 0)

    @contextmanager
    def admitting(self) -> Iterator[None]:
        """Hold a block that submits pairs, and wait until all of them have left.

        That the run was stopped meanwhile ends the block and nothing more.
        """
        with suppress(StoppedError):
            yield
        with self._left:
            self._left.wait_for(lambda: self._inside == 0)

    def admit(self) -> None:
        """Wait until the dispatch has begun one more pair; StoppedError where the run is ending."""
        if self.session.is_stopping:
            raise StoppedError("the run is ending")
        self.session.dispatch.wait_begun(self._admitted + 1)
        with self._left:
            self._admitted += 1
            self._inside += 1

    def leave(self, parameters: Mapping[str, Any], state: "State[Any] | None") -> None:
        """Note how a pair's task ended; None where it came to no state."""
        try:
            if state is not None and not state.is_cancelled():
                request: PairRequest = parameters["request"]
                self.session.record.note_result(request, state.result(raise_on_failure=False))
                if self.progress is not None:
                    self.progress.show(len(self.session.requests) - len(self.session.record.remaining))
        finally:
            with self._left:
                self._pair_tasks += state is not None
                self._inside -= 1
                self._left.notify_all()

    def cancelled_state(self) -> "State[None]":
        """Return the state in which a stopped run leaves its flow."""
        from prefect.states import Cancelled  # noqa: PLC0415 -- a command binds before Prefect is imported

        stored, total = len(self.session.receipts), len(self.session.requests)
        return Cancelled(message=f"stopped with {stored} of {total} pairs stored")


_current: FlowBinding | None = None


@contextmanager
def bind(session: RunSession) -> Iterator[FlowBinding]:
    """Hold a session ready for the flow that this process will run, which `bound_flow` joins to it."""
    global _current  # noqa: PLW0603 -- a process runs one backtest, and Prefect calls the flow with parameters alone
    _current = FlowBinding(session)
    try:
        yield _current
    finally:
        _current = None


@contextmanager
def bound_flow() -> Iterator[FlowBinding]:
    """Hold the session of the flow that calls: the one that this process has open, or one of the flow's own.

    The flow's task runner is held back by it, and the flow run gets its name and its pairs as tags.
    """
    if _current is not None:
        _join(_current)
        yield _current
        return
    with _session_of_flow() as session:
        binding = FlowBinding(session)
        _join(binding)
        from flows.history import mark_crashed_flow_runs, tell_untold_runs  # noqa: PLC0415 -- loads Prefect

        # A flow run that is retried may bear the name of the dead run that it continues.
        mark_crashed_flow_runs(session.crashed, but=binding.flow_run_id)
        tell_untold_runs(session.sweep.results)
        yield binding


@contextmanager
def _session_of_flow() -> Iterator[RunSession]:
    """Open a session by the parameters of the flow run that calls."""
    from prefect.context import FlowRunContext  # noqa: PLC0415 -- as above
    from prefect.logging import get_run_logger  # noqa: PLC0415

    from flows.hidden_values import keep_secrets  # noqa: PLC0415
    from flows.settings import load_settings  # noqa: PLC0415
    from flows.sweep_request import sweep_request  # noqa: PLC0415
    from necrozma_core.printing import keep_logs_printable  # noqa: PLC0415
    from necrozma_core.sweep.observer import RunLog  # noqa: PLC0415
    from necrozma_core.sweep.opening import open_session  # noqa: PLC0415

    keep_logs_printable()
    keep_secrets()
    context = FlowRunContext.get()
    settings = load_settings(context.parameters if context else {})
    with open_session(sweep_request(settings), RunLog(get_run_logger())) as session:
        yield session


def _join(binding: FlowBinding) -> None:
    """Make the flow run that calls the one that shows a session."""
    from prefect.context import FlowRunContext  # noqa: PLC0415 -- as above

    from flows.history import name_flow_run, quiet_expected_errors  # noqa: PLC0415
    from flows.runner import ThrottledRunner  # noqa: PLC0415
    from tasks.progress import Progress  # noqa: PLC0415

    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not isinstance(context.task_runner, ThrottledRunner):
        raise RuntimeError("a session is joined to a flow run inside the flow")
    context.task_runner.hold_back(binding)
    binding.flow_run_id = context.flow_run.id
    binding.session.throttle.note_started(os.getpid())
    pairs = [request.pair for request in binding.session.requests]
    label = [binding.session.sweep.label] if binding.session.sweep.label else []
    name_flow_run(context.flow_run, binding.session.run_id, [*label, *pairs])
    quiet_expected_errors()
    binding.progress = Progress(len(pairs))
