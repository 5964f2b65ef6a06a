"""``config.py``, imported: the one door to it, where whatever is wrong in the user's file is told as the user's line.

The rest of the flows import the settings' table from here. `find_line` gives the line of a value that is of the wrong
kind, for those who check values.
"""

import ast
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from necrozma_core.errors import UsageError

__all__ = [
    "BACKTEST_CONFIG",
    "PREFIX",
    "PROFILES",
    "SETTINGS",
    "STORAGE_CONFIG",
    "WORKER_CONFIG",
    "HostFields",
    "RunFields",
    "explain",
    "find_line",
    "find_profile",
]

CONFIG_FILE: Final = Path(__file__).resolve().parents[1] / "config.py"
"""Where the file is; what is imported may be another one that stands before it on the path."""

_OF_OTHER_LANGUAGES: Final = {"true": "True", "false": "False", "null": "None", "none": "None", "nil": "None"}


def explain(error: BaseException) -> UsageError:
    """Return the error that names the line of ``config.py`` at which its import failed.

    Parameters
    ----------
    error : BaseException
        What the import raised, with its traceback.
    """
    if isinstance(error, ModuleNotFoundError) and error.name == "config":
        return UsageError(f"{CONFIG_FILE}: not found; restore it, for example with `git checkout config.py`")
    if isinstance(error, SyntaxError) and _is_config(error.filename):
        return _at_line(error.filename, error.lineno, error.msg)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_config(frame.filename)]
    kind = "" if isinstance(error, ImportError | NameError) else f"{type(error).__name__}: "
    python = _OF_OTHER_LANGUAGES.get(str(error.name)) if isinstance(error, NameError) else None
    problem = f"{kind}{error}{f': Python writes {python}' if python else ''}"
    if frames:
        return _at_line(frames[-1].filename, frames[-1].lineno, problem)
    named = getattr(error, "path", None) or getattr(error, "filename", None) or CONFIG_FILE
    return _at_line(str(named), None, problem)


def find_line(dictionary: str, key: str | None = None) -> str:
    """Return where a dictionary of ``config.py``, or one of its keys, is written: its path and line.

    Without the line where the file does not say it, such as for a key that code puts in.
    """
    import config  # noqa: PLC0415 -- imported long before

    path = config.__file__
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.parse(Path(path).read_bytes()).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == dictionary for target in targets):
                return f"{path}, line {_line_of(node, key)}"
    return path


def find_profile(name: str) -> Mapping[str, Any]:
    """Return what a profile recommends; UsageError where ``config.py`` has no such profile any more."""
    if not isinstance(PROFILES, Mapping) or not isinstance(recipe := PROFILES.get(name), Mapping):
        expected = f'PROFILES should say "{name}": {{"workers": ...}}'
        raise UsageError(f"{find_line('PROFILES', name)}: {expected}; add it, or leave --profile out")
    return recipe


def _line_of(assignment: ast.stmt, key: str | None) -> int:
    value = getattr(assignment, "value", None)
    if key is not None and isinstance(value, ast.Dict):
        for name in value.keys:
            if isinstance(name, ast.Constant) and name.value == key:
                return name.lineno
    return assignment.lineno


def _is_config(filename: str | None) -> bool:
    return filename is not None and Path(filename).name == CONFIG_FILE.name


def _at_line(path: str | None, line: int | None, problem: str) -> UsageError:
    return UsageError(f"{path}{f', line {line}' if line else ''}: {problem}")


try:
    from config import (
        BACKTEST_CONFIG,
        PREFIX,
        PROFILES,
        SETTINGS,
        STORAGE_CONFIG,
        WORKER_CONFIG,
        HostFields,
        RunFields,
    )
except Exception as error:
    raise explain(error) from error
