"""What the commands of ``necrozma data`` do with bars."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from necrozma_core.feeds.bars.sides import Side, Spread
    from necrozma_core.feeds.formats.registry import ReadOptions
    from necrozma_core.storage.bars.store import BarStore


@dataclass(frozen=True, slots=True)
class BarFlags:
    """The flags of an import that concern bars, as they were typed."""

    spread: str | None
    side: str | None
    quarantine_share: float

    def take_bars(self, by_pair: dict[str, list[Path]], options: "ReadOptions") -> "BarFiles":
        """Take the files of bars out of those that were found.

        Parameters
        ----------
        by_pair : dict of str to list of Path
            The files of bars are removed from its lists.
        options : ReadOptions

        Raises
        ------
        UsageError
            A flag cannot be what it is, or says something of bars where there are none.
        """
        from necrozma_core.errors import UsageError  # noqa: PLC0415
        from necrozma_core.feeds.bars.sides import Side, Spread  # noqa: PLC0415
        from necrozma_core.feeds.bars.sources import split_files  # noqa: PLC0415

        spread = Spread.parse(self.spread) if self.spread is not None else None
        side = Side.parse(self.side) if self.side is not None else None
        found = BarFiles(options, spread, side, self.quarantine_share)
        for name, paths in by_pair.items():
            bars, by_pair[name] = split_files(paths, options)
            if bars:
                found.files[name] = bars
        if not found.files and (spread is not None or side is not None):
            flag = "--spread" if spread is not None else "--side"
            raise UsageError(f"{flag} is for bars that have one side, and there are no bars here: leave it out")
        return found


@dataclass(frozen=True, slots=True)
class BarFiles:
    """Files of bars, by their pair, and how to read them."""

    options: "ReadOptions"
    spread: "Spread | None"
    side: "Side | None"
    quarantine_share: float
    files: dict[str, list[Path]] = field(default_factory=dict)

    def import_pair(self, name: str, data_dir: Path) -> None:
        """Store a pair's bars and say what was done."""
        from flows.terminal.bar_wording import bar_import_lines  # noqa: PLC0415
        from necrozma_core.feeds.bars.intake import import_bars  # noqa: PLC0415

        report = import_bars(
            self.files[name],
            name,
            data_dir,
            spread=self.spread,
            side=self.side,
            quarantine_share=self.quarantine_share,
            options=self.options,
        )
        typer.echo("\n".join(bar_import_lines(report)))


@dataclass(frozen=True, slots=True)
class StoredBars:
    """A pair's stored bars, by the timeframe that was typed."""

    data_dir: Path
    pair: str
    timeframe: str

    @classmethod
    def chosen(cls, data_dir: Path, pair: str, timeframe: str | None) -> "StoredBars | None":
        """Return the bars that are meant; None where ticks are.

        Raises
        ------
        UsageError
            No timeframe is given, and the pair has bars alone.
        """
        from necrozma_core.errors import UsageError  # noqa: PLC0415
        from necrozma_core.market.timeframes import format_timeframe  # noqa: PLC0415
        from necrozma_core.storage.bars.store import BarStore  # noqa: PLC0415
        from necrozma_core.storage.ticks.store import TickStore  # noqa: PLC0415

        if timeframe:
            return cls(data_dir, pair, timeframe)
        stored = BarStore(data_dir).timeframes(pair)
        if stored and pair not in TickStore(data_dir).pairs():
            names = " or ".join(map(format_timeframe, stored))
            raise UsageError(f"{pair}: no ticks are stored, but bars: say which with --timeframe {names}")
        return None

    def count(self) -> int:
        """Return how many there are."""
        store, timeframe_ms = self._store()
        return store.summary(self.pair, timeframe_ms).bars

    def remove(self, from_ms: int | None, to_ms: int | None) -> int:
        """Remove those of a range, and return how many were removed."""
        store, timeframe_ms = self._store()
        return store.remove(self.pair, timeframe_ms, from_ms, to_ms)

    def export(self, path: Path, from_ms: int | None, to_ms: int | None) -> int:
        """Write those of a range to a file, and return how many were written."""
        from necrozma_core.feeds.bars.export import export_bars  # noqa: PLC0415

        store, timeframe_ms = self._store()
        return export_bars(store, self.pair, timeframe_ms, path, from_ms, to_ms)

    def _store(self) -> "tuple[BarStore, int]":
        from necrozma_core.market.timeframes import parse_timeframe  # noqa: PLC0415
        from necrozma_core.storage.bars.store import BarStore  # noqa: PLC0415

        return BarStore(self.data_dir), parse_timeframe(self.timeframe)


def check_bars(data_dir: Path, pairs: list[str] | None) -> dict[str, list[str]]:
    """Say what the stored bars of pairs are like, and what is doubtful in them.

    Parameters
    ----------
    data_dir : Path
    pairs : list of str or None
        All that have bars where None.

    Returns
    -------
    dict of str to list of str
        Lines by the pair; only those that have bars.
    """
    from flows.terminal.bar_wording import stored_bars_line  # noqa: PLC0415
    from necrozma_core.feeds.bars.doubts import doubts  # noqa: PLC0415
    from necrozma_core.storage.bars.store import BarStore  # noqa: PLC0415

    store = BarStore(data_dir)
    found: dict[str, list[str]] = {}
    for name in pairs or store.pairs():
        for timeframe_ms in store.timeframes(name):
            lines = found.setdefault(name, [])
            lines.append(stored_bars_line(store.summary(name, timeframe_ms)))
            said = [f"  {text}" for text in doubts(store.read(name, timeframe_ms))]
            lines += said or ["  nothing doubtful"]
    return found
