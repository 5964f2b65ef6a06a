"""Prefect told as far as its server answers: results do not depend on it."""

import functools
import logging
import math
import time
from collections.abc import Callable
from typing import Final, ParamSpec

from necrozma_core.errors import StorageError

P = ParamSpec("P")

_QUIET_S: Final = 60.0

_log = logging.getLogger(__name__)


class _Line:
    """Whether the server was reachable when it was last tried: nobody waits for a lost one again and again."""

    quiet_until = -math.inf


def best_effort(show: Callable[P, None]) -> Callable[P, None]:
    """Let a server that does not answer cost a warning, and nothing more for a while; StorageError passes."""

    @functools.wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        if time.monotonic() < _Line.quiet_until:
            return
        try:
            show(*args, **kwargs)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever an HTTP client may raise
            _Line.quiet_until = time.monotonic() + _QUIET_S
            _log.warning("Prefect was not told (%s): %s", show.__name__, error)

    return shown
