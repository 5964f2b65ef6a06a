"""What an import of bars did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from necrozma_core.feeds.bars.doubts import doubts
from necrozma_core.feeds.bars.rows import BadRow
from necrozma_core.market.quote_bars import QuoteBars
from necrozma_core.storage.bars.manifest import BarSource


@dataclass(frozen=True, slots=True)
class BarImport:
    """What an import did to a pair's bars of one timeframe.

    Attributes
    ----------
    pair : str
    timeframe_ms : int
    files : tuple of str
        Those that were imported, oldest bars first.
    bars : int
        In them.
    known : int
        Of these, how many were stored already, the same.
    first_ms, last_ms : int
        Opening times, milliseconds since 1970 UTC.
    sides : str
        ``bid and ask``, or what the one side was read as.
    spread : str
    notes : tuple of str
        What was left out, rounded or scaled, a line each.
    findings : tuple of str
        What is doubtful, a line each.
    """

    pair: str
    timeframe_ms: int
    files: tuple[str, ...]
    bars: int
    known: int
    first_ms: int
    last_ms: int
    sides: str
    spread: str
    notes: tuple[str, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BarImportReport:
    """What an import did.

    Attributes
    ----------
    pair : str
    imports : tuple of BarImport
        One a timeframe, the finest first; none where everything was stored already.
    already_stored : tuple of str
        Files whose very content was stored before, read in the same way.
    empty : tuple of str
        Files without a row.
    formats : mapping of str to str
        How the files were read, and what showed it; by the name of the first file that was read so.
    """

    pair: str
    imports: tuple[BarImport, ...] = ()
    already_stored: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aside:
    """Bad rows of one file, and where they are to be written: under the file's own header."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Bars of one file, or of the two of a bid and its ask.

    Attributes
    ----------
    source : BarSource
    files : tuple of str
        Their names.
    bars : QuoteBars
    spread : str
        Where it is from.
    notes : tuple of str
        What was left out, rounded or scaled.
    aside : tuple of Aside
        The bad rows of its files.
    """

    source: BarSource
    files: tuple[str, ...]
    bars: QuoteBars
    spread: str
    notes: tuple[str, ...]
    aside: tuple[Aside, ...] = ()


def describe_import(segments: Sequence[Segment], added: int, zone: str | None) -> BarImport:
    """Say what the segments of one timeframe brought, ``added`` new bars among it, and what is doubtful in them."""
    ordered = sorted(segments, key=lambda segment: int(segment.bars.open_time_ms[0]))
    total = sum(len(segment.bars) for segment in ordered)
    sides = sorted({segment.source.side for segment in ordered})
    findings = [f"{segment.source.name}: {text}" for segment in ordered for text in doubts(segment.bars, zone)]
    notes = dict.fromkeys(note for segment in ordered for note in segment.notes)
    return BarImport(
        pair=ordered[0].bars.pair.name,
        timeframe_ms=ordered[0].bars.timeframe_ms,
        files=tuple(name for segment in ordered for name in segment.files),
        bars=total,
        known=total - added,
        first_ms=int(ordered[0].bars.open_time_ms[0]),
        last_ms=max(int(segment.bars.open_time_ms[-1]) for segment in ordered),
        sides=" or ".join(sides),
        spread=ordered[0].spread,
        notes=tuple(notes),
        findings=tuple(findings),
    )
