"""Calls to Prefect that may fail: results do not depend on them."""

import functools
import logging
import math
import time
from collections.abc import Callable
from typing import Final, ParamSpec

from necrozma_core.errors import StorageError

P = ParamSpec("P")

_QUIET_S: Final = 60.0
"""After a failed call, how long no other is tried: each might wait for a lost server."""

_log = logging.getLogger(__name__)


class _Line:
    """The connection to the server: after a failed call no other is tried for a while."""

    quiet_until = -math.inf


def best_effort(show: Callable[P, None]) -> Callable[P, None]:
    """Turn any error but StorageError into one warning, and skip further calls for a minute."""

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
