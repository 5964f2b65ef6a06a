"""Names in the code use the words of docs/words.md; the retired ones do not come back."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/words.md"

RETIRED = (
    "shard", "stretch", "station", "place", "own", "ours", "word", "words", "serve", "service", "settle", "settled",
    "unsettled", "jobs", "evaluation",
)  # fmt: skip
"""Words that no name holds any more."""

ALLOWED = {
    ("own", "benchmarks/measuring/sampler/"): "files of this project",
    ("ours", "benchmarks/"): "the product, beside the original and other backtesters",
    ("ours", "flows/launch.py"): "Prefect's settings that a run changes; a server that a run started",
    ("ours", "flows/server/"): "a server or a pool that this project made",
    ("ours", "necrozma_core/strategies/checking.py"): "files of this project",
    ("ours", "necrozma_core/kernels/deltas.py"): "pages as this project's writer makes them",
    ("ours", "necrozma_core/storage/ticks/"): "files as this project's writer makes them",
    ("place", "benchmarks/"): "a folder for runs; a line of a stack",
    ("place", "flows/settings.py"): "where a setting was given",
    ("place", "necrozma_core/kernels/signals.py"): "the close's position in its range",
    ("place", "necrozma_core/strategies/"): "a line of a user's file",
    ("settle", "benchmarks/governor/"): "time for a load to become steady",
    ("settled", "benchmarks/governor/"): "a load that has become steady",
    ("word", "flows/cli/exits.py"): "a word of the command line",
    ("words", "flows/cli/exits.py"): "the words of the command line",
    ("word", "necrozma_core/kernels/"): "64 bits that the processor takes at once",
    ("words", "necrozma_core/kernels/"): "the same, many of them",
    ("words", "necrozma_core/storage/ticks/"): "the same, given to the kernel",
    ("word", "necrozma_core/strategies/settings.py"): "a word of a grid",
    ("words", "flows/server/"): "the last lines that a server wrote; a schedule as text",
    ("words", "flows/notifications.py"): "the text of a notification",
    ("words", "flows/terminal/live.py"): "a state as text",
    ("words", "necrozma_core/workers/slot.py"): "the report of a worker's death",
}
"""Where a retired word has a meaning of its own, and which."""


def names_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name


def words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def rows_after(heading: str) -> list[list[str]]:
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return rows[2:]


@cache
def code() -> dict[str, set[str]]:
    """Return the words of all names of a module, its own name among them, by its path."""
    files = [ROOT / "config.py"]
    for folder in ("benchmarks", "flows", "necrozma_core", "tasks"):
        files += (ROOT / folder).rglob("*.py")
    return {
        path.relative_to(ROOT).as_posix(): set().union(
            *(words_of(name) for name in (path.stem, *names_of(path.read_text(encoding="utf-8"))))
        )
        for path in files
    }


@pytest.mark.parametrize("retired", RETIRED)
def test_retired_word_is_in_no_name(retired: str) -> None:
    allowed = tuple(path for word, path in ALLOWED if word == retired)
    found = [path for path, words in code().items() if retired in words and not path.startswith(allowed)]
    assert not found, rows_after("Retired words")


def test_every_retired_word_is_on_the_page_and_looked_for() -> None:
    listed = [word for row in rows_after("Retired words") for word in row[0].split(", ")]
    assert sorted(listed) == sorted(RETIRED)


def test_every_place_that_is_allowed_needs_it() -> None:
    found = code()
    for word, place in ALLOWED:
        assert any(word in words for path, words in found.items() if path.startswith(place)), (word, place)


def test_every_word_of_the_page_has_one_meaning_in_one_sentence() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    rows = [row for heading in headings if heading != "Retired words" for row in rows_after(heading)]
    words = [word for word, _ in rows]
    assert len(set(words)) == len(words)
    assert not set(words) & {*RETIRED}
    for word, meaning in rows:
        assert meaning.endswith("."), word
        assert ". " not in meaning, word
