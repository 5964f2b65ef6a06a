"""One mutated file goes through the importer, and what came of it is compared with what is in it.

What *silently* means. A changed file may come in with other ticks than the clean one, if that is what it now says: a
digit that became another digit is data, and no reader can know better. So the clean file is not the measure. The
measure is a naive reader, which is told the sample's layout, reads the mutated bytes row by row in plain Python, and
refuses nothing but what it cannot understand. An import differs silently if

- it stores a quote that does not stand in the mutated file, with that time, bid and ask, under that layout;
- it leaves out a row that is a good quote, or a row that is none, without counting it: the rows set aside must be
  exactly those that the naive reader finds bad or out of order, by their numbers;
- it takes a file that is of no layout, of another pair, or damaged so that no reader can unpack it.

A refusal is never silent. It has to be an error made for the user: of the input (exit code 2, not trouble with the
disk), one line, with the file's name. A file that only differs in form (line ends, encoding, an empty line at its end)
must not be refused. Warnings, output of libraries, exceptions that Python ignores, and any other exception are faults.

Parquet and Feather without checksums can be changed so that no reader sees it: their naive reader is the library that
wrote them, over the whole file at once. What it reads is compared, and whether the file was meant so nobody knows.
"""

import csv
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from necrozma_core.errors import DataError, NecrozmaError, UsageError
from necrozma_core.feeds.intake import ImportReport, import_files
from necrozma_core.feeds.sorting import sort_files
from necrozma_core.storage.disk.layer import FileLayer
from necrozma_core.storage.ticks.store import TickStore

from .mutations import HARMLESS, mutate
from .naive_reader import Expected, Quote, UnreadableError, judge
from .samples import Sample

_MOST_TEXT = 700


class Fate(StrEnum):
    """What came of a case."""

    REFUSED = "refused"
    SET_ASIDE = "rows set aside"
    OTHER = "read as what it now says"
    SAME = "read as the clean one"
    WRONG = "wrong"


@dataclass(frozen=True)
class Outcome:
    """A case and what came of it; `text` says what was wrong, or the refusal."""

    sample: str
    number: int
    kind: str
    fate: Fate
    text: str = ""

    @property
    def case(self) -> str:
        """By which the case can be repeated."""
        return f"{self.sample}:{self.number}"


class NoWaiting(FileLayer):
    """A disk that is not waited for: nothing is lost here but time."""

    def sync(self, path: Path) -> None:
        """Do nothing."""

    def sync_folder(self, folder: Path) -> None:
        """Do nothing."""


def run_case(sample: Sample, number: int, seed: int, folder: Path) -> Outcome:
    """Mutate a sample and import it into an empty folder."""
    random = sample.chance(seed, number)
    kind, content = mutate(sample, random)
    share = random.choice([0.0, 0.9])
    fate, text = import_content(sample, content, share, folder)
    if fate is Fate.REFUSED and _is_harmless(sample, content):
        fate, text = Fate.WRONG, f"a good file was refused: {text}"
    return Outcome(sample.name, number, kind, fate, text)


def _is_harmless(sample: Sample, content: bytes) -> bool:
    if sample.text is None or not sample.table:
        return False
    text = sample.text(sample.table)
    return any(content == sample.pack(change(text)) for change in HARMLESS.values())


def import_content(sample: Sample, content: bytes, share: float, folder: Path) -> tuple[Fate, str]:
    """Import a file into an empty folder, which is removed, and compare what came of it with what is in it."""
    folder.mkdir(parents=True)
    path = folder / sample.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    try:
        with _nothing_unseen() as seen:
            fate, text = _fate(sample, path, content, share, folder / "data")
        return (Fate.WRONG, f"{seen[0]}; {text}") if seen else (fate, text)
    except NecrozmaError as error:
        text = str(error)
        told = isinstance(error, DataError | UsageError) and path.name in text and "\n" not in text
        if told and len(text) - len(str(path)) < _MOST_TEXT:
            return Fate.REFUSED, text
        return Fate.WRONG, f"{type(error).__name__}: {text}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return Fate.WRONG, f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)


def _fate(sample: Sample, path: Path, content: bytes, share: float, data: Path) -> tuple[Fate, str]:
    with suppress(DataError, UsageError):  # nothing may tell the pair; here it is said
        sort_files([path], None, sample.options)
    report = import_files([path], sample.pair, data, quarantine_share=share, options=sample.options, disk=NoWaiting())
    ticks = TickStore(data).read(sample.pair)
    sides = [[Decimal(p).scaleb(-ticks.digits) for p in side.tolist()] for side in (ticks.bid, ticks.ask)]
    found: list[Quote] = list(zip(ticks.time_ms.tolist(), *sides, strict=True))
    try:
        expected = judge(sample.read(content), datetime.now(UTC))
    except UnreadableError as error:
        return Fate.WRONG, f"imported although {error}"
    if wrong := _differs(found, report, expected):
        return Fate.WRONG, wrong
    if expected.bad:
        return Fate.SET_ASIDE, ""
    same = found == judge(sample.read(sample.clean), datetime.now(UTC)).quotes
    return Fate.SAME if same else Fate.OTHER, ""


def _differs(found: list[Quote], report: ImportReport, expected: Expected) -> str:
    if found != expected.quotes:
        pairs = zip(found, expected.quotes, strict=False)
        first = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(found), len(expected.quotes)))
        return (
            f"{len(found)} ticks where {len(expected.quotes)} stand there; tick {first} is "
            f"{found[first : first + 1]}, expected {expected.quotes[first : first + 1]}"
        )
    aside = set()
    for path in report.quarantine_files:
        with path.open(encoding="utf-8", newline="") as file:
            aside |= {int(row["row"]) for row in csv.DictReader(file)}
    if aside != expected.bad or sum(report.quarantined.values()) != len(aside):
        return f"set aside rows {sorted(aside)}, expected {sorted(expected.bad)}"
    if report.rows != report.kept + len(aside) + report.one_sided:
        return f"{report.rows} rows are not {report.kept} kept, {len(aside)} set aside, {report.one_sided} one-sided"
    return ""


@contextmanager
def _nothing_unseen() -> Iterator[list[str]]:
    """Catch what would reach the terminal without being an error: warnings, and exceptions that Python ignores."""
    seen: list[str] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda told: seen.append(f"ignored {told.exc_value!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield seen
    finally:
        sys.unraisablehook = before
