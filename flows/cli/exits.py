"""How a command ends: an expected error becomes one line, and every end has its exit code."""

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

from necrozma_core.errors import ExitCode, NecrozmaError
from necrozma_core.system.refusals import explain_refusal

DEBUG: Final = "--debug"
FLOW_THREAD: Final = "necrozma-flow"
"""The name of the thread that `flows.flow_thread` runs the flow in, whose import takes longer than help may."""


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
        advice = "please report it" if debug else f"please report it with what {DEBUG} shows"
        return _explain(error, f"this is a bug, {type(error).__name__}: {error}; {advice}", ExitCode.BUG, debug)
    return code if isinstance(code, int) else ExitCode.OK


def _explain(error: BaseException, message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    line = " ".join(message.split())
    print(f"error: {line}", file=sys.stderr)  # noqa: T201 -- stderr as it is now, wherever a test has put it
    return code


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
        code = exit_code_of(run, debug=kept != words)
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
