"""Where the strategies of a run come from, as a value that travels to workers.

A source carries the text itself, not only a path. So workers run the text that was read at the start of the run, on
any machine and at any later time, and the fingerprint is that of the text that runs.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from necrozma_core.errors import UsageError, nearest, shown
from necrozma_core.market.date_range import DateRange, Split
from necrozma_core.strategies.files import read_python, read_toml
from necrozma_core.strategies.trial import try_text

if TYPE_CHECKING:
    # The command line makes sources before it needs what these load: numpy, and the families with the compiler.
    from necrozma_core.strategies.protocol import Strategy
    from necrozma_core.strategies.settings import Sweep


class SourceKind(StrEnum):
    """How strategies are given."""

    DEFAULT = "default"
    EXTENDED = "extended"
    FILE = "file"
    SETTINGS = "settings"
    GRID = "grid"


CATALOGS: Final = (SourceKind.DEFAULT, SourceKind.EXTENDED)
"""The kinds whose strategies are the engine's."""


@dataclass(frozen=True, slots=True)
class StrategySource:
    """The strategies of a run, not yet made.

    Made by :meth:`from_file`, :meth:`from_settings`, :meth:`from_grid` and :meth:`from_catalog`; ``StrategySource()``
    stands for the default fifty.

    Attributes
    ----------
    kind : SourceKind
    origin : str
        The path of the file that was read; empty where there is none.
    text : str
        The file's text, or the grid.
    """

    kind: SourceKind = SourceKind.DEFAULT
    origin: str = ""
    text: str = ""

    @classmethod
    def from_file(cls, path: Path) -> "StrategySource":
        """Read a user's Python file; :class:`UsageError` if that is not possible. It is not run yet."""
        return cls(SourceKind.FILE, str(path), read_python(path))

    @classmethod
    def from_settings(cls, path: Path) -> "StrategySource":
        """Read a TOML file of settings; :class:`UsageError` if that is not possible. It is not parsed yet."""
        return cls(SourceKind.SETTINGS, str(path), read_toml(path))

    @classmethod
    def from_grid(cls, text: str) -> "StrategySource":
        """Take a grid written on one line; it is not parsed yet."""
        return cls(SourceKind.GRID, text=text)

    @classmethod
    def from_catalog(cls, name: str) -> "StrategySource":
        """Take the built-in strategies of a catalog, ``default`` or ``extended``; :class:`UsageError` for another."""
        if name not in CATALOGS:
            raise UsageError(f"catalog: unknown value {shown(name, 40)}: {nearest(name, CATALOGS)}")
        return cls(SourceKind(name))

    def load(self) -> "tuple[Strategy, ...]":
        """Make the strategies.

        Returns
        -------
        tuple of Strategy
            At least one, with unique names, in the same order every time. A user's file is run anew at every call,
            so that no state of it passes from one pair to the next.

        Raises
        ------
        UsageError
            If the file or the text cannot be used.
        """
        if self.kind is SourceKind.DEFAULT:
            from necrozma_core.strategies.catalog import default_strategies  # noqa: PLC0415

            return default_strategies()
        if self.kind is SourceKind.EXTENDED:
            from necrozma_core.strategies.catalogs.extended import extended_strategies  # noqa: PLC0415

            return extended_strategies()
        if self.kind is SourceKind.FILE:
            from necrozma_core.strategies.user import load_strategies  # noqa: PLC0415

            return load_strategies(Path(self.origin), self.text)
        return _sweep(self).strategies

    def try_file(self, timeframe_ms: int | None = None) -> None:
        """Run a user's file once, in a process of its own, to find before anything starts whether it can be used.

        Parameters
        ----------
        timeframe_ms : int, optional
            Of the bars that the strategies, whatever their source, will be given: their filters must go with it.

        Raises
        ------
        UsageError
            As :meth:`load`, or for a filter whose timeframe cannot be made of that one.
        """
        if self.kind is SourceKind.FILE:
            try_text(self.origin, self.text, timeframe_ms)
        elif self.kind is not SourceKind.DEFAULT and timeframe_ms is not None:
            from necrozma_core.strategies.filters import check_filters  # noqa: PLC0415 -- it loads numpy

            check_filters(self.load(), timeframe_ms)

    def range(self) -> Split:
        """Return the range of dates that a file of settings says, and its hold-out; open where it says nothing.

        Raises
        ------
        UsageError
            If the file cannot be used.
        """
        if self.kind is not SourceKind.SETTINGS:
            return Split(DateRange(), None)
        from necrozma_core.strategies.settings import load_range  # noqa: PLC0415

        return load_range(Path(self.origin), self.text)

    def fingerprint(self) -> str:
        """Return a sha256, hex, of what was given: a user's text, or the settings that a sweep stands for.

        A sweep's spelling, comments and file name do not count; neither do the packages that a user's file imports.
        The built-in strategies are the engine's code, which :mod:`necrozma_core.backtest.key` names.
        """
        parts: list[str] = [self.kind]
        if self.kind is SourceKind.FILE:
            parts.append(self.text)
        elif self.kind not in CATALOGS:
            # A sweep is the same whether it was typed or read.
            parts = [strategy.name for strategy in self.load()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def count(self) -> int | None:
        """Return how many strategies there are, or None where only loading them in a worker would tell."""
        return len(_sweep(self).strategies) if self.kind in (SourceKind.SETTINGS, SourceKind.GRID) else None

    def describe(self) -> str:
        """Say in a few words what the source holds, for the start-up block and the manifest."""
        if self.kind is SourceKind.DEFAULT:
            return "the default fifty strategies"
        if self.kind is SourceKind.EXTENDED:
            return f"the {len(self.load())} strategies of the extended catalog"
        if self.kind is SourceKind.FILE:
            return f"the strategies of {self.origin}"
        sweep = _sweep(self)
        settings = "1 setting" if len(sweep.strategies) == 1 else f"{len(sweep.strategies):,} settings"
        text = f"{settings} of {self.origin or 'a grid'}"
        left_out = [
            f"{count:,} {what}"
            for count, what in ((sweep.conflicting, "impossible"), (sweep.repeated, "repeated"))
            if count
        ]
        return f"{text} ({' and '.join(left_out)} left out)" if left_out else text


@lru_cache(maxsize=2)
def _sweep(source: StrategySource) -> "Sweep":
    # Settings are values: pairs may share them, and 50,000 of them take a good part of a second to make.
    from necrozma_core.strategies.settings import load_settings, parse_grid  # noqa: PLC0415

    if source.kind is SourceKind.SETTINGS:
        return load_settings(Path(source.origin), source.text)
    return parse_grid(source.text)
