"""A user's file in processes of its own, so that nothing it does reaches the engine, or another strategy's figures.

Only signals and levels come back, as bytes. A strategy that ends its process, fills the memory, replaces a library's
functions or leaves threads behind fails alone, and those after it go on in a new process. A failure counts only in a
new process: in one that other strategies have used, they may be to blame.
"""

import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn

from necrozma_core.engine.instructions import Sides, find_unknown, keep_sides
from necrozma_core.errors import StrategyError, UsageError, WorkerError, shown
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.bar_distances import find_problem
from necrozma_core.strategies.catalog import FAMILIES
from necrozma_core.strategies.isolation.answers import Answer, unpacked
from necrozma_core.strategies.isolation.frames import Frames, GarbledError
from necrozma_core.strategies.order_settings import make_orders
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.rule import ORDERS
from necrozma_core.strategies.source import StrategySource
from necrozma_core.strategies.user import UserStrategy, checked_filter, checked_order

if sys.platform == "linux":
    from necrozma_core.strategies.isolation.keeper import CLOSED, keep

assert sys.platform == "linux", "imported where it is needed, see `open_strategies`"

_MESSAGE_S: Final = 60.0
"""A message that was begun is whole by then, or it never will be."""
_KILLS_ALLOWED: Final = 3
"""A strategy whose process was killed this often is to blame."""
_REPORT_S: Final = 1.0
"""How long a process that closed its socket has to end by itself."""


class IsolatedStrategies:
    """The strategies of a user's file, computed in a process that is replaced whenever that is necessary.

    Parameters
    ----------
    source : StrategySource
    bars : Bars
    announce : callable
        Told the id of the process that computes; 0 once there is none.

    Attributes
    ----------
    strategies : tuple of Strategy
        Those of the user's say what they are, and cannot be asked for signals but through `answer`.

    Raises
    ------
    UsageError
        The file cannot be used.
    WorkerError
        The system has no process left.
    """

    def __init__(self, source: StrategySource, bars: Bars, announce: Callable[[int], object]) -> None:
        self._source, self._bars, self._announce = source, bars, announce
        self._keeper: _Keeper | None = None
        self._computing: _Computing | None = None
        self._may_load_once = False
        self._imports: set[str] = set()
        try:
            self._listed = self._begin()
        except BaseException:
            self.close()
            raise
        self.strategies = tuple(_described(entry) for entry in self._listed)

    def __enter__(self) -> "IsolatedStrategies":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._drop()
        if self._keeper is not None:
            self._keeper.close()

    def answer(self, position: int) -> Answer:
        """As in `necrozma_core.strategies.isolation.answers.Answers`."""
        name = self.strategies[position].name
        kills = 0
        while True:
            computing = self._computing or self._replaced(name)
            is_new, computing.is_new = computing.is_new, False
            try:
                return self._ask(computing, position, name)
            except StrategyError as error:
                self._drop()
                kills += isinstance(error, _KilledError)
                # A kill may come from elsewhere, as when the system is short of memory.
                if is_new and (kills == 0 or kills >= _KILLS_ALLOWED):
                    raise

    def _replaced(self, name: str) -> "_Computing":
        """Make another computing process."""
        try:
            listed = self._begin()
        except UsageError as error:
            raise StrategyError(f"strategy {shown(name)}: loading its file once more failed: {error}") from error
        if listed != self._listed:
            self._drop()
            raise StrategyError(f"strategy {shown(name)}: its file lists other strategies whenever it is loaded")
        assert self._computing is not None, "begun just now"
        return self._computing

    def _ask(self, computing: "_Computing", position: int, name: str) -> Answer:
        try:
            computing.frames.send({"position": position})
            message, payload = self._reply(computing)
        except GarbledError:
            raise StrategyError(f"strategy {shown(name)} wrote into descriptors that are not its own") from None
        except (OSError, _EndedError) as error:
            why = str(error) if isinstance(error, _EndedError) else CLOSED
            kind = _KilledError if "SIGKILL" in why else StrategyError
            raise kind(f"strategy {shown(name)} {why}") from None
        self._imports.update(message.get("imported", ()))
        if "failed" in message:
            raise StrategyError(str(message["failed"]))
        try:
            answer = self._unpacked(position, message, payload)
        except (ValueError, TypeError):
            raise StrategyError(f"strategy {shown(name)} wrote into descriptors that are not its own") from None
        if not message.get("is_whole"):
            self._drop()
        return answer

    def _unpacked(self, position: int, message: dict[str, Any], payload: bytes) -> Answer:
        """Return what a computing process answered, checked once more; ValueError or TypeError if it is no answer."""
        signals, levels = unpacked(message.get("levels", ()), payload, len(self._bars))
        if find_unknown(signals) is not None:
            raise ValueError("no signals")
        if levels is not None:
            entering = keep_sides(signals, Sides(self.strategies[position].sides))
            if problem := find_problem(levels, entering, self._bars.digits):
                raise ValueError(problem)
        return Answer(signals, str(message.get("silence")), levels)

    def _reply(self, computing: "_Computing") -> tuple[dict[str, Any], bytes]:
        """Wait for what a computing process says; _EndedError if it ends or closes its socket instead."""
        assert self._keeper is not None, "it made the process"
        waiting = select.poll()
        for frames in (computing.frames, self._keeper.frames):
            waiting.register(frames.fileno(), select.POLLIN)
        ready = {number for number, _ in waiting.poll()}
        if computing.frames.fileno() in ready and (found := computing.frames.receive()) is not None:
            return found
        # It ended, or closed its socket and goes on.
        raise _EndedError(self._end(computing) or CLOSED)

    def _begin(self) -> list[dict[str, Any]]:
        """Make a computing process, with a new keeper if there is none, and return what the file lists there."""
        for may_load_once in (self._may_load_once, False):
            try:
                if self._keeper is None:
                    self._keeper = _Keeper(self._source, self._bars)
                self._computing = self._keeper.make_process(may_load_once, self._imports)
                break
            except OSError as error:
                problem = error
                if self._keeper is not None:
                    self._keeper.close()
                self._keeper = None
        else:
            raise WorkerError(f"no process can be made for the strategies of {self._source.origin}: {problem}")
        self._announce(self._computing.pid)
        return self._loaded(self._computing)

    def _loaded(self, computing: "_Computing") -> list[dict[str, Any]]:
        where = self._source.origin
        try:
            message, _ = self._reply(computing)
        except (GarbledError, OSError, _EndedError) as error:
            self._drop()
            raise UsageError(f"{where}: loading it {error or 'wrote into descriptors that are not its own'}") from None
        if "strategies" not in message:
            self._drop()
            raise UsageError(str(message.get("unusable") or f"{where}: {message.get('failed')}"))
        self._may_load_once = bool(message["forks"])
        listed: list[dict[str, Any]] = message["strategies"]
        return listed

    def _drop(self) -> None:
        """End the computing process; the next question makes another."""
        if self._computing is not None:
            self._end(self._computing, at_once=True)

    def _end(self, computing: "_Computing", at_once: bool = False) -> str:
        """Close a computing process, wait for its end, and return how it ended; empty if it was ended here."""
        assert self._keeper is not None, "it made the process"
        self._computing = None
        self._announce(0)
        try:
            return self._keeper.end_of(computing, at_once)
        except OSError:
            # A strategy may end the keeper, which is its parent; the process ends with it.
            self._keeper.close()
            self._keeper = None
            with suppress(OSError):
                os.killpg(computing.pid, signal.SIGKILL)
            return "ended the process that watches it"
        finally:
            computing.frames.close()


class _KilledError(StrategyError):
    """A computing process was killed, by its strategy or by somebody else."""


class _EndedError(Exception):
    """A computing process ended, or closed its socket, instead of answering; says how."""


class _Computing:
    """A computing process: its id, what is said to it, and whether a strategy has run in it."""

    def __init__(self, pid: int, frames: Frames) -> None:
        self.pid, self.frames, self.is_new = pid, frames, True


class _Keeper:
    """The worker's half of a keeper; raises OSError where the keeper has ended."""

    def __init__(self, source: StrategySource, bars: Bars) -> None:
        mine, its = socket.socketpair()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        parent = os.getpid()
        try:
            self.pid = os.fork()
        except BaseException:
            mine.close()
            its.close()
            raise
        if self.pid == 0:
            keep(its, source, bars, parent)
        its.close()
        mine.settimeout(_MESSAGE_S)
        self.frames = Frames(mine)

    def make_process(self, may_load_once: bool, imports: Iterable[str]) -> _Computing:
        """Have a computing process made; with ``may_load_once`` the file is loaded once, for all that follow."""
        mine, its = socket.socketpair()
        try:
            mine.settimeout(_MESSAGE_S)
            socket.send_fds(self.frames.end, [b"\0"], [its.fileno()])
            self.frames.send({"load": may_load_once, "imports": sorted(imports)})
            return _Computing(self._told("pid"), Frames(mine))
        except BaseException:
            mine.close()
            raise
        finally:
            its.close()

    def end_of(self, computing: _Computing, at_once: bool) -> str:
        """Wait for the end of a computing process and return how it ended; empty if it had to be ended."""
        waiting = select.poll()
        waiting.register(self.frames.fileno(), select.POLLIN)
        is_forced = at_once or not waiting.poll(_REPORT_S * 1000)
        if is_forced:
            with suppress(ProcessLookupError):
                os.kill(computing.pid, signal.SIGKILL)
        how: str = self._told("ended")
        return "" if is_forced else how

    def close(self) -> None:
        """End the keeper, whose children end with it."""
        self.frames.close()
        with suppress(ProcessLookupError), _unaccounted():
            os.kill(self.pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self.pid, 0)

    def _told(self, what: str) -> Any:
        try:
            found = self.frames.receive()
        except GarbledError as error:
            raise OSError("the keeper cannot be understood") from error
        if found is None:
            raise OSError("the keeper ended")
        return found[0][what]


@contextmanager
def _unaccounted() -> Iterator[None]:
    """Wait for a child without adding its processor time to ours, which the throttle has counted while it ran."""
    try:
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    except ValueError:
        # Not in the main thread, and so not in a worker.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)


def _described(entry: dict[str, Any]) -> Strategy:
    orders = make_orders(entry["orders"], "strategies(): ")
    if "family" in entry:
        return FAMILIES[entry["family"]](**entry["settings"], orders=orders)
    stop, target = entry["levels"]
    sides, on_opposite = (
        checked_order(name, value, "strategies()") for name, value in zip(ORDERS, entry["sides"], strict=True)
    )
    only_where = checked_filter(entry["filter"], "strategies()")
    name, params = entry["name"], entry["params"]
    return UserStrategy(name, params, stop, target, _ask_elsewhere, sides, on_opposite, orders, filter=only_where)


def _ask_elsewhere(_: Bars) -> NoReturn:
    raise AssertionError("this strategy runs in a process of its own")
