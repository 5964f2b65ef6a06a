"""How a command ends: an expected error becomes one line, and every end has its exit code."""

import errno
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from flows.hidden_values import keep_secrets
from flows.terminal.streams import StandardStream, standard_streams
from necrozma_core.errors import ExitCode, NecrozmaError
from necrozma_core.printing import keep_logs_printable, one_line, shorten
from necrozma_core.system.refusals import explain_refusal

DEBUG: Final = "--debug"
FLOW_THREAD: Final = "necrozma-flow"
"""The name of the thread that `flows.flow_thread` runs the flow in, whose import takes longer than help may."""

# What is wrong with a path itself; anything else that the system says of one is trouble with the disk.
_BAD_PATHS: Final = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.EISDIR})
_LONGEST_PATH: Final = 120
"""Characters of a path in a message that is about the path itself."""


def exit_code_of(run: Callable[[], object], *, debug: bool = False) -> int:
    """Run a command and return its exit code; an error becomes one line on stderr.

    Parameters
    ----------
    run : callable
        Returns the exit code; None stands for 0.
    debug : bool
        Show where an error came from.
    """
    try:
        code = run()
    except NecrozmaError as error:
        return _explain(error, str(error), error.exit_code, debug)
    except typer.TyperException as error:
        if (text := error.format_message()).startswith("Usage: "):
            typer.echo(text, err=True)  # a group without a command shows its help
            return ExitCode.USAGE
        return _explain(error, _usage(error), ExitCode.USAGE, debug)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the last place that can turn an error into a line
        if refused := explain_refusal(error):
            return _explain(error, refused, ExitCode.DISK if isinstance(error, OSError) else ExitCode.USAGE, debug)
        if isinstance(error, OSError) and error.filename is not None:
            return _explain(error, _about_path(error), _code_of_path(error), debug)
        return _explain_bug(error, debug)
    return code if isinstance(code, int) else ExitCode.OK


def code_after_printing(code: int, stdout: StandardStream) -> int:
    """Return the exit code of a command that had `code`, now that all it says has left, or could not.

    A reader that went away, as ``head`` does, has what it wanted. What a full disk or a closed descriptor did not take
    is lost, which the user must learn even where all else went well.
    """
    stdout.flush()
    if stdout.failure is None or stdout.has_lost_reader:
        return code
    _say_error(f"standard output could not be written: {stdout.failure.strerror}; only what it would say is lost")
    return code if code != ExitCode.OK else ExitCode.DISK


def _explain(error: BaseException, message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    _say_error(message)
    return code


def _explain_bug(error: BaseException, debug: bool) -> int:
    advice = "please report it" if debug else f"please report it with what {DEBUG} shows"
    return _explain(error, f"this is a bug, {type(error).__name__}: {error}; {advice}", ExitCode.BUG, debug)


def _say_error(message: str) -> None:
    print(f"error: {one_line(message)}", file=sys.stderr)  # noqa: T201 -- stderr as it is now, wherever a test put it


def _about_path(error: OSError) -> str:
    path = str(error.filename)
    if len(path) > _LONGEST_PATH:
        path = f"{shorten(path, _LONGEST_PATH)} ({len(path):,} characters)"
    remedy = "check the path" if error.errno in _BAD_PATHS else "check the disk and who may use it"
    return f"{path}: {os.strerror(error.errno or 0)}; {remedy}, and run the same command again"


def _code_of_path(error: OSError) -> ExitCode:
    return ExitCode.USAGE if error.errno in _BAD_PATHS else ExitCode.DISK


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    message = error.format_message().rstrip(".")
    return f"{message}; see {context.command_path} --help" if context else message


def _leave(code: int) -> NoReturn:
    """End the process.

    A run that is stopped while Prefect is imported abandons the thread that imports it. Python ends such threads where
    they stand, and one that stands in compiled code then aborts the process instead of letting it exit with its code.
    """
    if any(thread.name == FLOW_THREAD for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


class _OneLineErrors:
    """The outermost step of `TyperCommand` and `TyperGroup`, with our exit codes and without boxes around errors."""

    def main(self, *positional: Any, **named: Any) -> Any:
        """Run and, unless told otherwise, exit."""
        given = positional[0] if positional else named.pop("args", None)
        words = list(sys.argv[1:] if given is None else given)
        # The flag is taken out before parsing, so that it may stand anywhere and applies to errors of parsing too.
        kept = [word for word in words if word != DEBUG]
        exits = named.pop("standalone_mode", True)
        run = partial(super().main, kept, standalone_mode=False, **named)  # type: ignore[misc]
        keep_logs_printable()
        keep_secrets()
        with standard_streams() as (stdout, _):
            code = code_after_printing(exit_code_of(run, debug=kept != words), stdout)
        if exits:
            _leave(code)
        return code


class Commands(_OneLineErrors, TyperGroup):
    """A group of commands."""


class Command(_OneLineErrors, TyperCommand):
    """A command whose help is in groups, and whose ``--pairs`` takes names up to the next flag."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the flags group by group; Typer does so only with rich, which takes longer to import than the rest."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                groups.setdefault(getattr(param, "rich_help_panel", None) or "Options", []).append(record)
        for name in sorted(groups, key="Options".__eq__):
            with formatter.section(name):
                formatter.write_dl(groups[name])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Join the names after ``--pairs`` before anything is parsed."""
        joined: list[str] = []
        taking = False
        for word in args:
            if taking and not word.startswith("-"):
                joined[-1] = f"{joined[-1]},{word}" if joined[-1] != "--pairs" else f"--pairs={word}"
                continue
            taking = word == "--pairs" or word.startswith("--pairs=")
            joined.append(word)
        return super().parse_args(ctx, joined)
