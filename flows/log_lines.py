"""Prefect's own log lines on a terminal: they go where everything else goes, above the live view.

Prefect's handler writes through a rich console of its own, which goes around whatever stands in for stderr while the
view is drawn: it takes hold of the stream behind. So it is given a stream that has none behind it.
"""

import logging
import sys

from prefect.logging.handlers import PrefectConsoleHandler

from necrozma_core.errors import NecrozmaError


class CurrentStderr:
    """A stream that is, at every call, what ``sys.stderr`` is then."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Write to it."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return sys.stderr.isatty()


def quiet_expected_errors() -> None:
    """Log errors of ours as a line, without the place in the code where they were raised; others keep it."""
    for name in ("prefect.task_runs", "prefect.flow_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], NecrozmaError):
        record.exc_info = None
    return True


def follow_stderr() -> None:
    """Make the handlers that Prefect has set up write to what stands for stderr when they write."""
    for logger in (logging.getLogger(), *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, PrefectConsoleHandler):
                handler.console.file = CurrentStderr()  # type: ignore[assignment]
