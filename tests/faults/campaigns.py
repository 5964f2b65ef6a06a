"""The long forms of the fault tests: each breaks something many times over and counts what it cost."""

import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from .command import POINTS, command_program, interrupt, patient_program
from .errands import kill_workers
from .moments import Program, Tally, kill_at_moments, run_undisturbed, session_program
from .publishing import MANIFEST, NAIVE_TABLE, NEW_ENTRY, REPLACED_ENTRY, TABLE, Publish, count, kill_publish

LANES: Final = 4
"""Chains of kills side by side: each mostly waits."""


@dataclass(frozen=True)
class Piece:
    """What one piece of a campaign found.

    Attributes
    ----------
    what : str
        What was broken, for the table's first column.
    times : int
        How often.
    wrong : int
        Times after which something was lost, torn or other than it would have been undisturbed.
    again : int or None
        Finished work done once more, or done by an innocent; None where that is not a question.
    orphans : int or None
        Processes that outlived their parent.
    """

    what: str
    times: int
    wrong: int
    again: int | None = None
    orphans: int | None = None

    def __add__(self, other: "Piece") -> "Piece":
        """Add the figures of two pieces of one campaign."""
        sums = {
            name: None if value is None else value + getattr(other, name)
            for name, value in asdict(self).items()
            if name != "what"
        }
        return replace(self, **sums)


@dataclass(frozen=True)
class Campaign:
    """A campaign in pieces of minutes: what a piece does in a folder, and the number by which its seed differs."""

    pieces: int
    run: Callable[[Path, int], Piece]


def _publishes(what: str, publishes: tuple[Publish, ...], most: int | None = None) -> Campaign:
    def run(folder: Path, _: int) -> Piece:
        def kill(number: int) -> Counter[str]:
            own = folder / str(number)
            own.mkdir(parents=True)
            return count(kill_publish(publishes[number], own, most))

        with ThreadPoolExecutor(LANES) as threads:
            found = sum(threads.map(kill, range(len(publishes))), Counter())
        return Piece(what, found.total(), found["wrong"])

    return Campaign(1, run)


def _moments(what: str, pieces: int, kills: int, program_in: Callable[[Path], Program], lanes: int) -> Campaign:
    def run(folder: Path, number: int) -> Piece:
        def lane(index: int) -> Tally:
            own = folder / str(index)
            program = program_in(own)
            return kill_at_moments(program, run_undisturbed(program, own), own, kills // lanes, lanes * number + index)

        with ThreadPoolExecutor(lanes) as threads:
            tallies = list(threads.map(lane, range(lanes)))
        for flaw in itertools.chain.from_iterable(tally.flaws for tally in tallies):
            print(f"  {flaw}"[:300])  # noqa: T201 - whoever runs a campaign wants to see what it found
        return Piece(
            what,
            sum(tally.kills for tally in tallies),
            sum(len(tally.wrong) for tally in tallies),
            sum(len(tally.again) for tally in tallies),
            sum(len(tally.orphans) for tally in tallies),
        )

    return Campaign(pieces, run)


def _workers(folder: Path, number: int) -> Piece:
    folder.mkdir(parents=True)
    fared = kill_workers(folder, 400, 75, seed=number)
    what = f"a worker killed among {fared.asked} small tasks"
    return Piece(what, fared.kills, fared.lost, fared.doubled + fared.innocent)


def _interrupts(folder: Path, times: int) -> Piece:
    program = folder / "program"
    undisturbed = run_undisturbed(patient_program(program), folder)
    flaws = [
        flaw
        for index, point in enumerate(POINTS)
        for flaw in interrupt(program, point, times, folder / str(index) / "results", undisturbed)
    ]
    orphans = sum("outlived" in flaw for flaw in flaws)
    what = f"Ctrl-C at {len(POINTS)} points of `necrozma backtest`, once and twice"
    return Piece(what, len(POINTS), len(flaws) - orphans, 0, orphans)


CAMPAIGNS: Final = {
    "publish": _publishes(
        "a publish killed at each of its writes, fsyncs and renames", (TABLE, NEW_ENTRY, REPLACED_ENTRY, MANIFEST)
    ),
    "naive-publish": _publishes("the same of a naive writer, as a control", (NAIVE_TABLE,), most=20),
    "session": _moments(
        "a run's process killed at a random moment, small pairs, no Prefect", 9, 100, session_program, LANES
    ),
    "naive-session": _moments(
        "the same with a naive store, as a control", 1, 20, lambda folder: session_program(folder, "naively"), LANES
    ),
    "command": _moments("the process of `necrozma backtest` killed at a random moment", 4, 10, command_program, 1),
    "workers": Campaign(1, _workers),
    "interrupts": Campaign(2, _interrupts),
}
"""By name, in the order of the table."""
