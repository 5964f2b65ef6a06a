"""What a command prints: printable, and no reason for it to end, whatever becomes of stdout and stderr."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.terminal.streams import StandardStream, standard_streams

PROGRAM = """
import sys
from flows.terminal.streams import survive_any_start
survive_any_start()
import typer
from flows.cli.exits import Commands
from necrozma_core.errors import LockedError

app = typer.Typer(cls=Commands, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

@app.command()
def work(lines: int = 3, fails: bool = False) -> None:
    for line in range(lines):
        typer.echo(f"line {line}")
    open("done", "w").write("1")
    if fails:
        raise LockedError("held by another")

@app.command()
def silent() -> None:
    open("done", "w").write("1")

app()
"""


class Broken(io.StringIO):
    """A stream that the system refuses to write."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


def run_in_shell(redirections: str, *words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "program.py").write_text(PROGRAM)
    line = f'"$0" program.py {" ".join(words)} {redirections}'
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        ["bash", "-c", line, sys.executable], cwd=folder, capture_output=True, text=True, env=environment
    )


@pytest.mark.parametrize(
    ("redirections", "words", "code", "said"),
    [
        (">&-", ["work"], 74, "standard output could not be written: Bad file descriptor"),
        (">/dev/full", ["work"], 74, "standard output could not be written: No space left on device"),
        (">/dev/full", ["work", "--lines", "9000"], 74, "No space left on device"),
        (">/dev/full", ["work", "--fails"], 11, "held by another"),
        (">&-", ["silent"], 0, None),
        (">/dev/full", ["silent"], 0, None),
        ("2>&-", ["work"], 0, None),
        ("2>&-", ["work", "--fails"], 11, None),
        ("2>/dev/full", ["work", "--fails"], 11, None),
        (">&- 2>&- <&-", ["work"], 74, None),
        ("| head -1; exit ${PIPESTATUS[0]}", ["work", "--lines", "90000"], 0, None),
        ("| head -1; exit ${PIPESTATUS[0]}", ["work", "--lines", "90000", "--fails"], 11, "held by another"),
    ],
)
def test_command_does_its_work_and_says_by_its_code_what_was_lost(
    tmp_path: Path, redirections: str, words: list[str], code: int, said: str | None
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    done = run_in_shell(redirections, *words, folder=tmp_path)
    assert done.returncode == code
    assert (tmp_path / "done").read_text() == "1"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert (said in done.stderr) if said else done.stderr == ""


def test_stream_that_fails_is_written_once_and_remembers_why() -> None:
    stream = StandardStream(Broken(errno.ENOSPC))
    stream.write("one")
    stream.write("two")
    stream.flush()
    assert stream.failure is not None
    assert stream.failure.errno == errno.ENOSPC
    assert not stream.has_lost_reader
    assert not stream.isatty()

    closed = StandardStream(None)
    closed.flush()
    assert closed.failure is None
    closed.write("one")
    assert closed.failure is not None


def test_stream_whose_reader_went_away_says_so() -> None:
    stream = StandardStream(Broken(errno.EPIPE))
    stream.as_is.write("seen by both")
    assert stream.has_lost_reader


def test_stream_writes_what_is_printable_and_codes_only_where_they_are_wanted() -> None:
    behind = io.StringIO()
    stream = StandardStream(behind)
    stream.write("a\x1b[31m\nb\n")
    stream.as_is.write("\x1b[1mc\x1b[0m")
    assert behind.getvalue() == "a\\x1b[31m\nb\n\x1b[1mc\x1b[0m"
    with pytest.raises(TypeError):
        stream.write(b"bytes")  # type: ignore[arg-type]


def test_streams_are_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with standard_streams() as (stdout, stderr):
        assert (sys.stdout, sys.stderr) == (stdout, stderr)
        sys.stdout.write("x\x07\n")
        sys.stderr.write("y\x07\n")
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("x\\x07\n", "y\\x07\n")
