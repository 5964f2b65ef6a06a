"""Reads the two kinds of files that a user writes. What they mean is in other modules, which load the compiler."""

import importlib.util
from pathlib import Path

from necrozma_core.errors import UsageError, not_a_file


def read_python(path: Path) -> str:
    """Return the text of a Python file, in the encoding that it declares.

    Raises
    ------
    UsageError
        If it is no Python file, cannot be read, or its encoding is not what it says.
    """
    data = _read(path, ".py", "a Python file of strategies")
    try:
        return importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot read a Python file of strategies: {error}") from error


def read_toml(path: Path) -> str:
    """Return the text of a TOML file.

    Raises
    ------
    UsageError
        If it is no TOML file, cannot be read, or is no UTF-8.
    """
    try:
        return _read(path, ".toml", "a settings file in TOML").decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#x}") from error


def _read(path: Path, suffix: str, expected: str) -> bytes:
    if path.suffix.lower() != suffix:
        raise UsageError(f"{path}: expected {expected} ({suffix}), found {path.suffix or 'a name without an ending'}")
    try:
        if found := not_a_file(path):
            raise UsageError(f"{path}: {found}; expected {expected}")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot read {expected}: {error.strerror}") from error
