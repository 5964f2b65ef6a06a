"""Folders of the user's that no setting names."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return where things are kept that can be made again, such as compiled kernels."""
    return _base("XDG_CACHE_HOME", ".cache") / "necrozma"


def history_folder() -> Path:
    """Return where the embedded Prefect server keeps its history, unless a setting says otherwise."""
    return _base("XDG_DATA_HOME", ".local/share") / "necrozma" / "prefect"


def server_folder() -> Path:
    """Return where `necrozma server` keeps its history and password, unless a setting says otherwise."""
    return _base("XDG_DATA_HOME", ".local/share") / "necrozma" / "server"


def _base(variable: str, default: str) -> Path:
    # The convention wants relative values ignored.
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / default
