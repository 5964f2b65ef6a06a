"""Every error the product raises on purpose, in one tree.

::

    NecrozmaError                    exit code 1
    ├── UsageError                   2   a flag, a setting, a name
    │   └── UnknownPairError         2   carries the nearest known names
    ├── DataError                    2   input that cannot be trusted, by file, row and column
    │   └── ConversionError          2   no price to turn a profit into the account's currency
    ├── StrategyError                3   one strategy; the others of its pair go on
    ├── WorkerError                  3   a worker process did not finish its pair
    │   ├── WorkerDiedError          3   killed or crashed
    │   ├── WorkerTimeoutError       3   ended because it outlived --pair-timeout
    │   ├── WorkerMemoryError        3   out of memory
    │   └── PoisonousPairError       3   a pair that no worker survived; set aside
    ├── PairsFailedError             3   a run ended with pairs that failed
    ├── StoppedError                 130 the run is ending; the pair was not begun or not finished
    ├── LockedError                  11  another run holds the results folder
    └── StorageError                 74  disk full, read-only, unreadable
        └── DamagedError             74  stored bytes do not match their hash

A message is one line: what, where, what was expected and found, what to do. Errors cross process borders,
so each is rebuilt from its ``args`` alone. What a message says of an unknown name comes from :func:`nearest`.
"""

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar


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


class StrategyError(NecrozmaError):
    """A strategy that raised or returned something other than its contract; it fails alone."""

    exit_code = ExitCode.PAIRS_FAILED


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


class WorkerTimeoutError(WorkerError):
    """A worker process that was ended because it took longer than allowed."""


class WorkerMemoryError(WorkerError):
    """A worker process that ran out of the memory it may use."""


class PoisonousPairError(WorkerError):
    """A pair that used up its tries: it killed its workers, or outgrew them even alone. Not tried again."""


class PairsFailedError(NecrozmaError):
    """A run that ended with failed pairs; the message names the command that retries them."""

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


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Say which known names begin like an unknown one or come closest to it, whatever their case.

    Parameters
    ----------
    name : str
    known : iterable of str
    otherwise : str
        What is known, in words, for where none is near; without it all names are listed.
    """
    names = {found.lower(): found for found in sorted(known)}
    wanted = name.lower()
    begun = [low for low in names if wanted and low.startswith(wanted)]
    near = begun[:3] or difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(names[low] for low in near)}?"
    return f"known are {otherwise or ', '.join(names.values())}"
