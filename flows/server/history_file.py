"""The SQLite file that keeps a server's history: whether Prefect can use it, how it is set aside, who may read it.

Results are elsewhere and need no history, so a file that is damaged costs nothing but what it recorded.
"""

import shlex
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from necrozma_core.errors import DamagedError, NecrozmaError, UsageError

HISTORY: Final = "prefect.db"
_VERSIONS: Final = "alembic_version"
"""The table in which Prefect's migrations note how far they are."""
_BUSY_S: Final = 0.0
_OTHER_REVISION: Final = "Can't locate revision"
"""What the server's log says of a file that a newer Prefect has migrated."""
_OURS: Final = (f"{HISTORY}*", "*.log", "*.log.1")


def find_fault(home: Path, log: Path | None = None) -> NecrozmaError | None:
    """Say what is wrong with a history that the server did not start with; None where nothing is found.

    Parameters
    ----------
    home : Path
        The server's folder.
    log : Path, optional
        What that server printed.

    Returns
    -------
    DamagedError
        The file is damaged or another program's.
    UsageError
        Another version of Prefect wrote it.
    """
    file = home / HISTORY
    if not file.exists():
        return None
    advice = f"results do not need it; set it aside, and a new one is made: {_set_aside(home)}"
    if fault := _fault_of(file):
        return DamagedError(f"{file} {fault}, so no Prefect server can use it; {advice}")
    with suppress(OSError):
        if log is not None and _OTHER_REVISION in log.read_text(encoding="utf-8", errors="replace"):
            text = "was written by a newer Prefect than this one; go back to that version. Or"
            return UsageError(f"{file} {text}: {advice}")
    return None


def keep_private(home: Path) -> None:
    """Let nobody but their owner read the history and the logs that an earlier version made."""
    for pattern in _OURS:
        for path in home.glob(pattern):
            # Another user's are that user's to protect.
            with suppress(OSError):
                if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o077:
                    path.chmod(0o600)


def _fault_of(file: Path) -> str:
    """Return what is wrong with a file, to follow its name; empty where it may be used, or be locked just now."""
    if file.is_dir():
        return "is a folder"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if tables and not {_VERSIONS, "flow_run"} <= tables:
                return "is the database of another program"
            [(verdict,)] = connection.execute("PRAGMA quick_check(1)")
    except sqlite3.OperationalError:
        return ""
    except sqlite3.DatabaseError as error:
        return "is no SQLite database" if "not a database" in str(error) else f"is damaged ({error})"
    return "" if verdict == "ok" else f"is damaged ({' '.join(verdict.split())})"


def _set_aside(home: Path) -> str:
    """Return the command that moves a history away, with the files that SQLite keeps beside it."""
    number = next(number for number in range(1, 1_000_000) if not (home / f"aside-{number}").exists())
    folder = shlex.quote(str(home / f"aside-{number}"))
    return f"mkdir {folder} && mv {shlex.quote(str(home))}/{HISTORY}* {folder}"
