"""Prefect told as far as its server answers: results do not depend on it."""

import functools
import logging
import math
import time
from collections.abc import Callable
from typing import Final, ParamSpec

from necrozma_core.errors import StorageError

P = ParamSpec("P")

QUIET_S: Final = 60.0
"""How long nothing more is told to a server that did not answer: nobody waits for a lost one again and again."""

_log = logging.getLogger(__name__)


class _Line:
    """Until when nothing is told, by the monotonic clock."""

    quiet_until = -math.inf


def best_effort(tell: Callable[P, None]) -> Callable[P, None]:
    """Let a server that does not answer cost one warning, and nothing is tried for a minute; StorageError passes."""

    @functools.wraps(tell)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        if time.monotonic() >= _Line.quiet_until and not _try(tell, *args, **kwargs):
            _Line.quiet_until = time.monotonic() + QUIET_S

    return told


def once_tried(tell: Callable[P, None]) -> Callable[P, None]:
    """As `best_effort`, for what is told only once and so is tried even while the server is thought lost."""

    @functools.wraps(tell)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        _try(tell, *args, **kwargs)

    return told


def _try(tell: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> bool:
    try:
        tell(*args, **kwargs)
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever an HTTP client may raise
        _log.warning("Prefect was not told (%s): %s: %s", tell.__name__, type(error).__name__, error)
        return False
    return True
