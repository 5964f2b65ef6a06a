"""Where the installed commands begin: imports the command line, and tells what hinders that as an error is told."""

import sys
from collections.abc import Callable
from functools import partial

from flows.cli.exits import DEBUG, exit_code_of


def main() -> None:
    """Run ``necrozma``."""
    _run("main")


def main_sequential() -> None:
    """Run the backtest command alone."""
    _run("main_sequential")


def _run(name: str) -> None:
    loaded: list[Callable[[], None]] = []
    # The flags of the commands are made of config.py while they are imported, and users edit that file.
    if code := exit_code_of(partial(_load, name, loaded), debug=DEBUG in sys.argv):
        sys.exit(code)
    loaded[0]()


def _load(name: str, into: list[Callable[[], None]]) -> None:
    from flows.cli import app  # noqa: PLC0415

    into.append(getattr(app, name))
