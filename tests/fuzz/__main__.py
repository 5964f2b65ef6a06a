"""Spoil files of every layout by the thousand and print what the import made of them.

``python -m tests.fuzz [--cases N] [--seed N] [--processes N] [--write]``, or ``--case NAME:NUMBER`` for one again.
"""
# ruff: noqa: T201 - a command's answer.

import argparse
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.measuring.measure import describe_machine, markdown_table
from benchmarks.measuring.pages import DOCS, put_between_marks

from .campaign import Findings, all_samples, run_in_processes
from .mutations import mutate
from .oracle import Fate, run_case

_PAGE = DOCS / "reliability.md"


def main() -> int:
    """Run the campaign, or one case of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="of all samples together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--case", metavar="NAME:NUMBER", help="only this one, whose file is kept")
    parser.add_argument("--write", action="store_true", help=f"also put the table into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    if arguments.case:
        return _again(arguments.case, arguments.seed)
    began = time.monotonic()
    findings = run_in_processes(arguments.cases, arguments.seed, arguments.processes, partial(print, flush=True))
    table = _table(findings)
    print(f"\n{table}\n\n{arguments.cases:,} cases in {time.monotonic() - began:,.0f} s")
    if arguments.write:
        told = f"`make fuzz`, seed {arguments.seed}, {arguments.cases:,} cases, on {describe_machine()}"
        put_between_marks(_PAGE, "fuzz", f"{table}\n\n{told}")
    return int(bool(findings.wrong))


def _table(findings: Findings) -> str:
    fates = list(Fate)
    rows = [
        (name, f"{counter.total():,}", *(f"{counter[fate]:,}" for fate in fates))
        for name in (sample.name for sample in all_samples())
        if (counter := findings.fates.get(name))
    ]
    total = [sum(counter[fate] for counter in findings.fates.values()) for fate in fates]
    rows.append(("all", f"{sum(total):,}", *(f"{count:,}" for count in total)))
    return markdown_table(("sample", "cases", *(fate.value for fate in fates)), rows)


def _again(case: str, seed: int) -> int:
    name, _, number = case.rpartition(":")
    sample = next(sample for sample in all_samples() if sample.name == name)
    folder = Path(tempfile.mkdtemp(prefix="necrozma-fuzz-"))
    outcome = run_case(sample, int(number), seed, folder / "case")
    path = folder / sample.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mutate(sample, sample.chance(seed, int(number)))[1])
    print(f"{path}\n{outcome.kind}: {outcome.fate}: {outcome.text}")
    return int(outcome.fate is Fate.WRONG)


if __name__ == "__main__":
    # Also the processes of a campaign import this module, and find the plain readers as pytest does.
    sys.exit(main())
