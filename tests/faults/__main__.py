"""Break things by the thousand and print what it cost: ``python -m tests.faults [--write] [NAME ...]``."""
# ruff: noqa: T201 - a command's answer.

import argparse
import json
import sys
import time
from dataclasses import asdict
from functools import reduce
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring.measure import describe_machine, markdown_table, one_of
from benchmarks.measuring.pages import DOCS, put_between_marks

# What pytest adds by its own settings.
sys.path.insert(0, str(Path(__file__).parents[1] / "test_necrozma_core"))

from .campaigns import CAMPAIGNS, Piece

_PAGE = DOCS / "reliability.md"
_HEADER = ("what was broken", "times", "wrong or lost after it", "finished work done again", "processes left behind")


def main() -> None:
    """Run the campaigns that were asked for, or all of them, and print the table of what is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", type=one_of([*CAMPAIGNS, "none"]), help="which; all without a name")
    parser.add_argument("--piece", type=int, metavar="N", help="only the N-th piece of each, which takes minutes")
    parser.add_argument("--pieces", type=Path, metavar="FOLDER", help="keep what each piece found, and show all of it")
    parser.add_argument("--write", action="store_true", help=f"also put the table into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="necrozma-faults-") as scratch:
        kept = arguments.pieces or Path(scratch) / "pieces"
        kept.mkdir(parents=True, exist_ok=True)
        for name in arguments.names or CAMPAIGNS:
            if name != "none":
                _run(name, arguments.piece, Path(scratch) / name, kept)
        table = markdown_table(_HEADER, [_row(piece) for piece in _gather(kept)])
        done, total = len(list(kept.glob("*.json"))), sum(campaign.pieces for campaign in CAMPAIGNS.values())
    print(f"\n{table}")
    if arguments.write:
        part = "" if done == total else f", of whose {total} pieces {done} are counted here"
        put_between_marks(_PAGE, "faults", f"{table}\n\nBroken on {describe_machine()}: `make faults`{part}")


def _run(name: str, only: int | None, scratch: Path, kept: Path) -> None:
    campaign = CAMPAIGNS[name]
    for number in range(1, campaign.pieces + 1) if only is None else [only]:
        began = time.monotonic()
        piece = campaign.run(scratch / str(number), number)
        (kept / f"{name}-{number}.json").write_text(json.dumps(asdict(piece)))
        print(f"{name} {number}/{campaign.pieces}: {piece}, {time.monotonic() - began:.0f} s", flush=True)


def _gather(kept: Path) -> list[Piece]:
    """Add up the pieces of each campaign, in the table's order."""
    found = {
        name: [Piece(**json.loads(path.read_text())) for path in sorted(kept.glob(f"{name}-[0-9]*.json"))]
        for name in CAMPAIGNS
    }
    return [reduce(add, pieces) for pieces in found.values() if pieces]


def _row(piece: Piece) -> tuple[str, ...]:
    numbers = (piece.times, piece.wrong, piece.again, piece.orphans)
    return (piece.what, *("" if number is None else f"{number:,}" for number in numbers))


if __name__ == "__main__":
    main()
