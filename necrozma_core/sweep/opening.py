"""A run opened and closed: its folder locked and made, and never left saying that it runs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from necrozma_core.backtest.request import PairRequest
from necrozma_core.errors import ExitCode, StorageError
from necrozma_core.storage.disk.lock import ResultsLock, lock_results
from necrozma_core.storage.disk.network import network_file_system
from necrozma_core.storage.disk.publish import probe_writable
from necrozma_core.storage.disk.scratch import scratch_folder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.listing import mark_crashed, mark_ended
from necrozma_core.storage.runs.manifest import RunStatus
from necrozma_core.storage.ticks.quality import Quality
from necrozma_core.sweep.data_reports import doubt_lines, find_reports, recorded_reports
from necrozma_core.sweep.observer import Observer
from necrozma_core.sweep.plan import find_stored, plan_requests, recorded_inputs
from necrozma_core.sweep.request import SweepRequest
from necrozma_core.sweep.session import RunSession


@contextmanager
def open_session(
    sweep: SweepRequest, observer: Observer, start_others: Callable[[], Iterable[int]] = tuple
) -> Iterator[RunSession]:
    """Hold a run: everything it needs is there, its folder exists, its workers warm up.

    Parameters
    ----------
    sweep : SweepRequest
    observer : Observer
        Its `on_start` is given the session, whose `stop` ends the run from a signal handler.
    start_others : callable
        Starts what else a run needs that computes something, such as a server, and returns the ids of its processes,
        whose load is not somebody else's. Not called where everything is stored.

    Raises
    ------
    LockedError
        Another run holds the results folder.
    UsageError, DataError
        There is nothing to compute, or from; or no pair's profits can be converted.
    StorageError
        The results folder cannot be written.
    """
    requests = plan_requests(sweep)
    with ExitStack() as stack:
        lock = stack.enter_context(lock_results(sweep.results))
        probe_writable(sweep.results)
        # Before this run exists: whatever says that it is running is dead, because we hold the lock.
        crashed = mark_crashed(lock)
        missing = sum(find_stored(request) is None for request in requests)
        # Before the run's folder is made: what cannot be started leaves no run behind, and starts the sooner.
        pids = start_others() if missing else ()
        reports = find_reports(requests)
        scratch = stack.enter_context(scratch_folder())
        with _ending(lock):
            run = _make_run(sweep, requests, reports, lock)
            session = RunSession(sweep, requests, run, crashed, scratch, observer, missing)
            stack.callback(session.close)
        try:
            for pid in pids:
                session.throttle.count_as_overhead(pid)
            if kind := network_file_system(sweep.results):
                session.tell(f"{sweep.results} is on a network file system ({kind}): start no run there elsewhere")
            session.begin()
            for line in doubt_lines(reports, requests):
                session.tell(line)
            yield session
        except Exception:
            raise
        except BaseException as error:
            # Prefect ends a run that was cancelled in its UI by raising one of these, on the worker's SIGTERM.
            is_users = isinstance(error, KeyboardInterrupt)
            session.stop(ExitCode.INTERRUPTED if is_users else ExitCode.TERMINATED)
            raise


@contextmanager
def _ending(lock: ResultsLock) -> Iterator[None]:
    """Say in the manifest of a run that never comes to be that it is over: a signal may come while it is made."""
    try:
        yield
    except BaseException as error:
        with suppress(StorageError):
            mark_ended(lock, RunStatus.FAILED if isinstance(error, Exception) else RunStatus.CANCELLED)
        raise


def _make_run(
    sweep: SweepRequest, requests: list[PairRequest], reports: Mapping[str, Quality | None], lock: ResultsLock
) -> RunFolder:
    run = RunFolder.create(
        sweep.results,
        settings=sweep.described() if sweep.settings is None else sweep.settings,
        inputs={**recorded_inputs(requests), **recorded_reports(reports)},
        keys={request.pair: request.key for request in requests if request.key},
    )
    lock.announce(run.run_id)
    return run
