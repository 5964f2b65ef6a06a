"""Prefect's own log lines on a terminal: they go where everything else goes, above the live view.

Prefect's handler writes through a rich console of its own, which goes around whatever stands in for stderr while the
view is drawn: it takes hold of the stream behind. So it is given a stream that has none behind it.
"""

import logging
import sys

from prefect.logging.handlers import PrefectConsoleHandler

from flows.terminal.streams import unfiltered


class CurrentStderr:
    """A stream that is, at every call, what ``sys.stderr`` is then."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Write to it; the record was made printable, and what rich adds to it are a terminal's codes."""
        return int(unfiltered(sys.stderr).write(text))

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return sys.stderr.isatty()


def follow_stderr() -> None:
    """Make the handlers that Prefect has set up write to what stands for stderr when they write."""
    for logger in (logging.getLogger(), *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, PrefectConsoleHandler):
                handler.console.file = CurrentStderr()  # type: ignore[assignment]
