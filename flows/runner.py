"""Prefect's thread runner with a turnstile in front, so that no task run exists before its pair has begun."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, Protocol

from prefect.client.schemas.objects import RunInput, State
from prefect.futures import PrefectConcurrentFuture, PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task


class Turnstile(Protocol):
    """Lets tasks in one by one and hears of their end."""

    def admit(self) -> None:
        """Return when one more task may run; raise StoppedError when none ever will."""
        ...

    def leave(self, parameters: Mapping[str, Any], state: "State[Any] | None") -> None:
        """Take note that an admitted task ended; None where it came to no state at all."""
        ...


class ThrottledRunner(ThreadPoolTaskRunner[Any]):
    """A thread runner whose `submit` waits at a turnstile before the task run exists.

    So a task that Prefect shows as running does run, and one that waits is not shown at all. Waiting blocks the flow's
    own thread; a task must not submit tasks in turn. Works with ``.submit`` and ``.map``; a task's further tries do not
    pass it again.

    Parameters
    ----------
    max_workers : int, optional
        Threads; none is made before it is needed, so the turnstile alone decides.
    turnstile : Turnstile, optional
        Without one, it is a plain thread runner; see `hold_back`.
    """

    def __init__(self, max_workers: int | None = None, turnstile: Turnstile | None = None) -> None:
        super().__init__(max_workers)
        self._turnstile = turnstile

    def hold_back(self, turnstile: Turnstile) -> None:
        """Put a turnstile in front, for the tasks submitted from now on."""
        self._turnstile = turnstile

    def duplicate(self) -> "ThrottledRunner":
        """Return a runner like this one, with the same turnstile; Prefect asks for one a flow run."""
        return type(self)(self._max_workers, self._turnstile)

    def submit(
        self,
        task: "Task[Any, Any]",
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectConcurrentFuture[Any]:
        """Wait for admission, then submit.

        Raises
        ------
        StoppedError
            The turnstile admits no more tasks.
        """
        if self._turnstile is None:
            return super().submit(task, parameters, wait_for, dependencies)
        turnstile = self._turnstile
        turnstile.admit()
        try:
            future = super().submit(task, parameters, wait_for, dependencies)
        except BaseException:
            turnstile.leave(parameters, None)
            raise
        # Not by Prefect's own callback: there, asking for the state asks the server. And in the flow's context: without
        # it, whatever the turnstile tells Prefect would go to a server that Prefect starts for the purpose.
        context = copy_context()
        future.wrapped_future.add_done_callback(lambda done: context.run(_pass_on, turnstile, parameters, done))
        return future


def _pass_on(turnstile: Turnstile, parameters: Mapping[str, Any], done: "Future[State[Any]]") -> None:
    turnstile.leave(parameters, None if done.cancelled() or done.exception() else done.result())
