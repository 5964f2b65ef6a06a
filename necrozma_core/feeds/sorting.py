"""Files and folders sorted by the pair that they hold, told by their paths or by what their rows say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from necrozma_core.errors import DataError, UsageError, not_a_file, shown
from necrozma_core.feeds.formats.registry import ReadOptions, symbol_in
from necrozma_core.feeds.formats.symbols import pair_named, pair_of_path, strip_symbol
from necrozma_core.market.instruments import ONLY_PAIRS, PAIRS, get_pair

SUFFIXES: Final = frozenset(
    {".csv", ".txt", ".tsv", ".zip", ".gz", ".xz", ".zst", ".parquet", ".feather", ".arrow", ".bi5"}
)
"""What a folder is searched for; a file that is named itself may be called anything."""


@dataclass(frozen=True, slots=True)
class SortedFiles:
    """What was found.

    Attributes
    ----------
    by_pair : dict of str to list of Path
        In order of name.
    left : tuple of Path
        Files of a folder that are no ticks by their suffix.
    """

    by_pair: dict[str, list[Path]]
    left: tuple[Path, ...] = ()


def sort_files(paths: Sequence[Path], pair_name: str | None, options: ReadOptions) -> SortedFiles:
    """Find the files and tell which pair each of them holds.

    Parameters
    ----------
    paths : sequence of Path
        Files, and folders that are searched with all folders in them.
    pair_name : str or None
        What all of them hold; None where each is to be told by itself: by the symbol in its rows, or by its name, or
        by the nearest folder that speaks of a pair.
    options : ReadOptions

    Raises
    ------
    UsageError
        A path is missing, a folder has no files of ticks, or nothing tells a file's pair.
    DataError
        A file's rows are of an instrument that is not known, or its name is another pair's than the given one.
    """
    files, left = [], []
    for path in paths:
        found, others = _search(path) if path.is_dir() else ([_existing(path)], [])
        if not found:
            raise UsageError(f"{path}: expected files of ticks in the folder, found none; known are {_suffixes()}")
        files += found
        left += others
    by_pair: dict[str, list[Path]] = {}
    for path in files:
        name = _checked(path, get_pair(pair_name).name, options) if pair_name else _pair_of(path, options)
        by_pair.setdefault(name, []).append(path)
    return SortedFiles(dict(sorted(by_pair.items())), tuple(left))


def _search(folder: Path) -> tuple[list[Path], list[Path]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path, folder))
    found = [path for path in files if path.suffix.lower() in SUFFIXES]
    return found, [path for path in files if path not in set(found)]


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _existing(path: Path) -> Path:
    if found := not_a_file(path):
        raise UsageError(f"{path}: {found}; expected a file of ticks")
    return path


def _checked(path: Path, pair_name: str, options: ReadOptions) -> str:
    """Refuse a file whose name speaks of another pair than the given one, unless its rows say what they are of."""
    named = pair_named(path)
    # Of what rows say, every one is compared when the file is read.
    if named not in (None, pair_name) and symbol_in(path, options) is None:
        raise DataError(
            f"{path}: is named after {named}, and --pair says {pair_name}: leave --pair out, or rename the file"
        )
    return pair_name


def _pair_of(path: Path, options: ReadOptions) -> str:
    symbol = symbol_in(path, options)
    if symbol is not None:
        name = strip_symbol(symbol)
        if name is None or name not in PAIRS:
            raise DataError(f"{path}: holds {shown(symbol, 40)}: {ONLY_PAIRS}")
        return name
    if name := pair_of_path(path):
        return name
    raise UsageError(f"{path}: neither the rows nor the name tell the pair; say it with --pair, for files of one pair")


def _suffixes() -> str:
    return ", ".join(sorted(SUFFIXES))
