"""The documents say what is there: links lead somewhere, commands, flags and variables exist, errors are all drawn."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from config import PREFIX
from flows.cli.app import app
from flows.settings import HostSettings, Settings

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)[^)]*\)")
COMMAND = re.compile(r"(?:^(?:    )+|`)(necrozma [^`\n]*|python run_sequential_backtest\.py[^`\n]*)", re.MULTILINE)


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def flags_of(words: list[str]) -> set[str] | None:
    """The flags of the command that begins a line; None where it is no command."""
    command: Any = get_command(app)
    flags = {spelling for option in command.params for spelling in (*option.opts, *option.secondary_opts)}
    for word in words:
        if not hasattr(command, "commands"):
            break
        if word not in command.commands:
            return None
        command = command.commands[word]
    return (
        flags
        | {"--help"}
        | {spelling for option in command.params for spelling in (*option.opts, *option.secondary_opts)}
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_commands_of_a_document_exist_with_their_flags(document: Path) -> None:
    for line in COMMAND.findall(document.read_text(encoding="utf-8")):
        words = shlex.split(line.partition("#")[0].replace("[", "").replace("]", "").rstrip("\\"), posix=False)
        words = ["backtest", *words[2:]] if words[0] == "python" else words[1:]
        flags = flags_of([word for word in words if not word.startswith("-")][:2])
        if words and not words[0].startswith("-"):
            assert flags is not None, line
        for word in words:
            if word.startswith("-"):
                assert flags is not None
                assert word.partition("=")[0] in flags, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_variables_of_a_document_are_settings(document: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields.keys() | HostSettings.model_fields.keys()}
    for name in re.findall(r"\bNECROZMA_[A-Z_]*[A-Z]\b", document.read_text(encoding="utf-8")):
        assert name in known | {"NECROZMA_HOME", "NECROZMA_PORTABLE"}, name


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    for record in (ROOT / "docs/decisions").glob("0*.md"):
        title = record.read_text(encoding="utf-8").splitlines()[0].partition(". ")[2]
        assert f"- [{record.name[:4]}]({record.name}) {title}\n" in listed, record.name


def test_error_tree_of_the_architecture_is_that_of_the_code() -> None:
    from necrozma_core import errors

    drawn = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.NecrozmaError):
            assert re.search(rf"{error.__name__} +{error.exit_code:d}\b", drawn), error.__name__
