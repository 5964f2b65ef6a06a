"""Loads a user's file once in a process of its own, to find whether it can be used before anything else starts.

What the file does when it is loaded stays in that process: it may exit, patch libraries, or leave threads behind.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from necrozma_core.errors import UsageError

_LONGEST_TRACE: Final = 20_000


def try_text(path: str, text: str, timeframe_ms: int | None = None) -> None:
    """Load a user's file in a new process; what it prints goes to stderr.

    Parameters
    ----------
    path, text : str
    timeframe_ms : int, optional
        Of the bars that the strategies will be given.

    Raises
    ------
    UsageError
        It cannot be used, or ended the process, or a strategy's filter does not go with the timeframe.
    """
    asked = json.dumps({"path": path, "text": text, "sys_path": sys.path, "timeframe_ms": timeframe_ms})
    with TemporaryFile() as answer:
        # A file rather than a pipe, which a process that the file leaves behind would hold open.
        done = subprocess.run([sys.executable, "-P", "-m", __name__], input=asked.encode(), stdout=answer, check=False)
        answer.seek(0)
        found = answer.read()
    try:
        problem = json.loads(found)
    except ValueError:
        manner = f"status {done.returncode}" if done.returncode >= 0 else f"signal {-done.returncode}"
        raise UsageError(f"{path}: loading it ended its process ({manner})") from None
    if problem["error"] is not None:
        error = UsageError(problem["error"])
        error.add_note(problem["trace"])
        raise error


def _try_here() -> None:
    # A person's Ctrl-C ends this process without a word; the command has some.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    answer = os.dup(1)
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    sys.path[:] = asked["sys_path"]
    problem: dict[str, str | None] = {"error": None, "trace": None}
    try:
        from necrozma_core.strategies.filters import check_filters  # noqa: PLC0415 -- after the path is the caller's
        from necrozma_core.strategies.user import load_strategies  # noqa: PLC0415 -- as above

        strategies = load_strategies(Path(asked["path"]), asked["text"])
        if asked["timeframe_ms"] is not None:
            check_filters(strategies, asked["timeframe_ms"])
    except UsageError as error:
        problem = {"error": str(error), "trace": traceback.format_exc()[-_LONGEST_TRACE:]}
    os.write(answer, json.dumps(problem).encode())
    # At once: threads and exit handlers of the file's are no part of the answer.
    os._exit(0)


if __name__ == "__main__":
    _try_here()
