"""Every error the product raises on purpose, in one tree.

::

    NecrozmaError                    exit code 1
    ├── UsageError                   2   a flag, a setting, a name
    │   └── UnknownPairError         2   carries the nearest known names
    ├── DataError                    2   input that cannot be trusted, by file, row and column
    │   └── ConversionError          2   no price to turn a profit into the account's currency
    ├── DownloadError                3   a service did not give the files of a pair
    ├── StrategyError                3   one strategy; the others of its pair go on
    │   └── AllStrategiesFailedError 3   every strategy of a pair, which fails with them
    ├── WorkerError                  3   a worker process did not finish its pair
    │   ├── WorkerDiedError          3   killed, by whomever
    │   │   └── WorkerCrashedError   3   ended by what it ran
    │   ├── WorkerRefusedError       3   the system starts no process for us
    │   ├── WorkerTimeoutError       3   ended because it outlived --pair-timeout
    │   ├── WorkerMemoryError        3   out of memory
    │   └── PoisonousPairError       3   a pair that no worker survived; set aside
    ├── PairsFailedError             3   a run ended with pairs that failed, or too many strategies
    ├── StoppedError                 130 the run is ending; the pair was not begun or not finished
    ├── LockedError                  11  another run holds the results folder
    └── StorageError                 74  disk full, read-only, unreadable
        └── DamagedError             74  stored bytes do not match their hash

A message is one line: what, where, what was expected and found, what to do. Errors cross process borders,
so each is rebuilt from its ``args`` alone. What a message says of an unknown name comes from :func:`nearest`, of a path
that is no file from :func:`not_a_file`.
"""

import difflib
import json
import stat
from collections.abc import Iterable, Mapping
from enum import IntEnum
from numbers import Number
from pathlib import Path, PurePath
from typing import ClassVar, Final

from necrozma_core.printing import printable

_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe, which can be read only once",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class ExitCode(IntEnum):
    """What the command's exit status means."""

    OK = 0
    BUG = 1
    USAGE = 2
    PAIRS_FAILED = 3
    LOCKED = 11
    DISK = 74
    INTERRUPTED = 130
    TERMINATED = 143


class NecrozmaError(Exception):
    """The root: anything the product can explain to its user."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __str__(self) -> str:
        """Return the message as it may be shown, whatever file, name or exception it quotes."""
        return printable(super().__str__())


class UsageError(NecrozmaError):
    """A flag, a setting or a name that cannot be used as given."""

    exit_code = ExitCode.USAGE


class UnknownPairError(UsageError):
    """A currency pair that the instrument table does not hold."""


class DataError(NecrozmaError):
    """Input data that cannot be trusted; the message names file, row and column."""

    exit_code = ExitCode.USAGE


class ConversionError(DataError):
    """No price of the pair that converts a profit into the account's currency."""


class DownloadError(NecrozmaError):
    """A service that does not give the files of a pair; what came so far is kept, and the same command goes on."""

    exit_code = ExitCode.PAIRS_FAILED


class StrategyError(NecrozmaError):
    """A strategy that raised or returned something other than its contract; it fails alone."""

    exit_code = ExitCode.PAIRS_FAILED


class AllStrategiesFailedError(StrategyError):
    """Every strategy of a pair failed, so that nothing of it is stored.

    Parameters
    ----------
    message : str
    strategies : int
        How many.
    """

    def __init__(self, message: str, strategies: int) -> None:
        super().__init__(message, strategies)
        self.strategies = strategies

    def __str__(self) -> str:
        """Return the message alone, as it may be shown."""
        return printable(self.args[0])


class WorkerError(NecrozmaError):
    """A worker process that did not finish its pair; worth another try.

    Attributes
    ----------
    suspect : tuple of (int, str) or None
        The strategy that may be to blame, by its position among the pair's, and why.
    """

    exit_code = ExitCode.PAIRS_FAILED
    suspect: tuple[int, str] | None = None


class WorkerDiedError(WorkerError):
    """A worker process that was killed or crashed."""


class WorkerCrashedError(WorkerDiedError):
    """A worker process that was ended by what it ran, and not by somebody's signal."""


class WorkerRefusedError(WorkerError):
    """No worker process could be started: the system refused what it needs."""


class WorkerTimeoutError(WorkerError):
    """A worker process that was ended because it took longer than allowed."""


class WorkerMemoryError(WorkerError):
    """A worker process that ran out of the memory it may use."""


class PoisonousPairError(WorkerError):
    """A pair that used up its tries: it killed its workers, or outgrew them even alone. Not tried again."""


class PairsFailedError(NecrozmaError):
    """A run that ended with failed pairs, whose message names what retries them, or with too many failed strategies."""

    exit_code = ExitCode.PAIRS_FAILED


class StoppedError(NecrozmaError):
    """The run is ending on request; what asked was not begun or not finished."""

    exit_code = ExitCode.INTERRUPTED


class LockedError(NecrozmaError):
    """Another run holds the results folder."""

    exit_code = ExitCode.LOCKED


class StorageError(NecrozmaError):
    """The disk is full, read-only or does not answer."""

    exit_code = ExitCode.DISK


class DamagedError(StorageError):
    """Stored bytes that do not match the hash they were committed with."""


def shown(value: object, most: int = 60) -> str:
    """Write a value that was found into a message, as who gave it would: not as Python writes it.

    Parameters
    ----------
    value : object
        A text is put in quotes, and what a terminal cannot print in it is escaped; None is nothing; a list or a
        mapping is JSON; of anything else that is no number, its type is named.
    most : int
        Characters after which it is cut.
    """
    match value:
        case None:
            text = "nothing"
        case bool():
            text = "true" if value else "false"
        case str():
            return f"'{_cut(_escaped(value), most)}'"
        case Number() | PurePath():
            text = str(value)
        case list() | tuple() | Mapping():
            text = _as_json(value)
        case _:
            text = _of_type(value)
    return _cut(_escaped(text), most)


def _as_json(value: Mapping[object, object] | list[object] | tuple[object, ...]) -> str:
    plain = dict(value) if isinstance(value, Mapping) else value
    try:
        return json.dumps(plain, ensure_ascii=False, default=_of_type, skipkeys=True)
    except (ValueError, RecursionError):  # it holds itself
        return _of_type(value)


def _of_type(value: object) -> str:
    return f"a value of type {type(value).__name__}"


def _escaped(text: str) -> str:
    # Made printable before it is cut: half an address is not known for one, and would show its password.
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in printable(text))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def nearest(name: str, known: Iterable[str], otherwise: str = "", *, prefix: str = "") -> str:
    """Say which known names begin like an unknown one or come closest to it, whatever their case.

    Parameters
    ----------
    name : str
    known : iterable of str
    otherwise : str
        What is known, in words, for where none is near; without it all names are listed.
    prefix : str
        What all names begin with, so that it makes none nearer.
    """
    names = {found.lower().removeprefix(prefix.lower()): found for found in sorted(known)}
    wanted = name.lower().removeprefix(prefix.lower())
    begun = [low for low in names if wanted and low.startswith(wanted)]
    near = begun[:3] or difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(names[low] for low in near)}?"
    return f"known are {otherwise or ', '.join(names.values())}"


def not_a_file(path: Path, absent: str = "no such file") -> str | None:
    """Say what stands at a path where a file is wanted, such as ``a folder``; None where it is a file.

    Opening a pipe waits for whoever writes it, so this is asked first.

    Parameters
    ----------
    path : Path
    absent : str
        What to say where there is nothing.

    Raises
    ------
    OSError
        The system refuses to say.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return absent
    return None if kind == stat.S_IFREG else _KINDS.get(kind, "something that is no file")
