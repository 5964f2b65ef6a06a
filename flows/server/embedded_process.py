"""The embedded Prefect server's process; started by :mod:`flows.server.embedded`, never imported.

Runs what ``prefect server start`` runs, and leaves with its last user. Every user holds a shared lock on one file for
as long as it lives; this process waits to get it for itself. The kernel frees the lock of a user however it dies, so a
``kill -9`` of everyone else leaves no server behind, and two runs that share a server need not agree on who stops it.
"""

import gc
import os
import signal
import sys
import threading
import time

from necrozma_core.system.locks import lock_file

_GRACE_S = 3.0


def _leave_with_last_user(lease: str) -> None:
    lock_file(os.open(lease, os.O_RDWR), wait=True)
    # Kept locked until the end, so that a newcomer waits for this server to be gone.
    signal.raise_signal(signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(0)


def _run_server(host: str, port: int) -> None:
    # What an import makes is there to stay: looking through it for garbage is a tenth of the start.
    gc.disable()
    import uvicorn  # noqa: PLC0415 -- after the collector is off
    from prefect.server.api.server import create_app  # noqa: PLC0415
    from prefect.settings import get_current_settings  # noqa: PLC0415

    app = create_app(final=True)
    gc.freeze()
    gc.enable()
    level = get_current_settings().server.logging_level.lower()
    uvicorn.run(app, host=host, port=port, log_level=level, timeout_graceful_shutdown=1)


if __name__ == "__main__":
    threading.Thread(target=_leave_with_last_user, args=(sys.argv[1],), daemon=True).start()
    _run_server(sys.argv[2], int(sys.argv[3]))
