"""What runs in the processes of a user's file: a keeper, which makes and watches them, and the one that computes.

The keeper is forked from the worker and never runs a strategy. So it can always fork another computing process, which
finds everything as it was: after a strategy that ended its process, or left it in a state that others must not see.
"""

import ctypes
import gc
import importlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from os import _exit
from pathlib import Path
from typing import Any, Final, NoReturn

from necrozma_core.errors import NecrozmaError, StrategyError, UsageError
from necrozma_core.market.bars import Bars
from necrozma_core.strategies.checking import one_line
from necrozma_core.strategies.isolation.answers import AnswersHere
from necrozma_core.strategies.isolation.frames import Frames
from necrozma_core.strategies.isolation.process_settings import has_children
from necrozma_core.strategies.protocol import Strategy
from necrozma_core.strategies.rule import ORDERS, bounds_of, is_built_in
from necrozma_core.strategies.source import StrategySource
from necrozma_core.strategies.user import checked_name, checked_params

assert sys.platform == "linux", "imported where it is needed, see `open_strategies`"

_PR_SET_PDEATHSIG: Final = 1
_STDIO: Final = (0, 1, 2)
_LOST: Final = 113
"""Exit status of a computing process whose socket a strategy has closed."""

CLOSED: Final = "closed descriptors that are not its own"


class Loaded:
    """A user's file as loaded in one process, with the answers of its strategies."""

    def __init__(self, source: StrategySource, bars: Bars, imports: Sequence[str] = ()) -> None:
        for name in imports:
            with suppress(Exception):
                importlib.import_module(name)
        self.strategies = source.load()
        self.answers = AnswersHere(self.strategies, bars)
        self.answers.remember()


def keep(control: socket.socket, source: StrategySource, bars: Bars, parent: int) -> NoReturn:
    """Be the keeper: make a computing process whenever the worker asks for one, and tell how it ended."""
    try:
        _part_from_worker(control.fileno(), parent)
        commands, loaded = Frames(control), None
        while True:
            _, (end, *_), _, _ = socket.recv_fds(control, 1, 1)
            order = commands.receive()
            assert order is not None, "the worker sends both"
            imports = order[0]["imports"]
            if order[0]["load"] and (loaded is None or not sys.modules.keys() >= set(imports)):
                # From the second process on the file is loaded here, once, if nothing of it would be lost in a fork.
                with suppress(NecrozmaError):
                    loaded = Loaded(source, bars, imports)
            keeper, pid = os.getpid(), os.fork()
            if pid == 0:
                _compute(socket.socket(fileno=end), loaded or partial(Loaded, source, bars, imports), keeper)
            os.close(end)
            commands.send({"pid": pid})
            commands.send({"ended": _wait_for(pid)})
    finally:
        _exit(0)


def _compute(end: socket.socket, load: Loaded | Callable[[], Loaded], keeper: int) -> NoReturn:
    """Be the computing process: load the file if need be, and answer what the worker asks."""
    try:
        _part_from_worker(end.fileno(), keeper)
        _be_expendable()
        frames = Frames(end)
        try:
            loaded = load if isinstance(load, Loaded) else load()
        except UsageError as error:
            frames.send({"unusable": str(error)})
            _exit(0)
        # Python seeds its random numbers anew in a fork.
        loaded.answers.restore()
        frames.send({"strategies": [_described(strategy) for strategy in loaded.strategies], "forks": _may_fork()})
        while (asked := frames.receive()) is not None:
            _answer(frames, loaded.answers, asked[0]["position"])
    except BaseException as error:  # noqa: BLE001 -- told to the worker, whatever it is
        with suppress(BaseException):
            Frames(end).send({"failed": one_line(error)})
            _exit(0)
        _exit(_LOST)
    finally:
        _exit(0)


def _answer(frames: Frames, answers: AnswersHere, position: int) -> None:
    try:
        answer = answers.answer(position)
    except StrategyError as error:
        frames.send({"failed": str(error), "imported": answers.imported})
    else:
        left = {"is_whole": answers.is_whole, "imported": answers.imported}
        levels, payload = answer.packed()
        frames.send({"silence": answer.silence, "levels": levels, **left}, payload)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(BaseException):
                stream.flush()


def _part_from_worker(kept: int, parent: int) -> None:
    """Make a forked process one of its own: it ends with its parent, and holds no descriptor of the worker's."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The kernel sends no signal for a parent that ended before the call above.
    if os.getppid() != parent:
        _exit(0)
    os.setsid()
    # A person's Ctrl-C ends the worker's parent; an interrupt that is raised here is the strategy's own doing.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # Nothing that the worker held is collected here, where its descriptors mean something else.
    gc.freeze()
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for entry in list(Path("/proc/self/fd").iterdir()):
        descriptor = int(entry.name)
        if descriptor not in (*_STDIO, kept, nothing):
            with suppress(OSError):
                # Arrow closes the pipe that it wakes by at every fork, and aborts where that fails: so the number stays
                # open, on nothing.
                if str(entry.readlink()).startswith("pipe:"):
                    os.dup2(nothing, descriptor, inheritable=False)
                else:
                    os.close(descriptor)
    os.close(nothing)


def _be_expendable() -> None:
    """Where the system runs out of memory it ends this process first; a crash leaves no gigabytes on the disk."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _may_fork() -> bool:
    """Tell whether a fork of this process has all that the file made when it was loaded."""
    return len(list(Path("/proc/self/task").iterdir())) == 1 and not has_children()


def _wait_for(pid: int) -> str:
    """Wait for the end of a computing process, end what it left running, and say how it ended."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
    # Its group lives as long as one of its processes does. It is not waited for yet, so the number is not used anew.
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert found is not None, "waited for without WNOHANG"
    if found.si_code == os.CLD_EXITED:
        is_lost = found.si_status == _LOST
        return CLOSED if is_lost else f"ended its process with status {found.si_status}"
    try:
        name = signal.Signals(found.si_status).name
    except ValueError:
        name = "unknown"
    if found.si_code == os.CLD_STOPPED:
        return f"stopped its process by signal {found.si_status} ({name})"
    advice = "; the system may be short of memory" if found.si_status == signal.SIGKILL else ""
    return f"had its process ended by signal {found.si_status} ({name}){advice}"


def _described(strategy: Strategy) -> dict[str, Any]:
    """Return what the worker has to know of a strategy. One of ours it makes anew, and runs itself."""
    if is_built_in(strategy):
        return {
            "family": strategy.family,
            "settings": {name: getattr(strategy, name) for name in bounds_of(type(strategy))},
            "orders": strategy.orders.given(),
        }
    return {
        "name": checked_name(strategy.name, "strategies()"),
        "params": dict(checked_params(strategy.params, "strategies()")),
        "levels": [strategy.stop_loss_pips, strategy.take_profit_pips],
        "filter": strategy.filter,
        "sides": [getattr(strategy, name) for name in ORDERS],
        "orders": strategy.orders.given(),
    }
