"""Which failures of a pair may pass, and how long they are given."""

from typing import Final

from necrozma_core.errors import DamagedError, PoisonousPairError, StorageError, WorkerError

RETRY_DELAYS_S: Final = (0.5, 2.0)
"""Seconds before each further try; short enough for Ctrl-C, since Prefect sleeps through them whatever happens."""


def is_worth_retrying(error: object) -> bool:
    """Tell whether another try may end better: after a died worker or trouble with the disk, nothing else.

    Bad data stays bad, a strategy that raises will raise again, and a run that ends wants no retries.
    """
    if isinstance(error, PoisonousPairError | DamagedError):
        return False
    return isinstance(error, WorkerError | StorageError | OSError)
