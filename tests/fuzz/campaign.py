"""Cases by the thousand, in processes that may take a gigabyte, and that are ended where a case does not end."""

import multiprocessing
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from .oracle import Fate, Outcome, run_case
from .real_samples import real_samples
from .samples import Sample, generated_samples

MEMORY_BYTES: Final = 2**30
"""What a case may take beyond what its process holds before the first one."""

_MOST_SAID: Final = 400

PATIENCE_S: Final = 60.0
"""How long a case may go on: the slowest known takes half a second."""


@dataclass
class Findings:
    """What came of the cases of each sample, and every case that went wrong."""

    fates: dict[str, Counter[Fate]] = field(default_factory=dict)
    wrong: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count a case."""
        self.fates.setdefault(outcome.sample, Counter())[outcome.fate] += 1
        if outcome.fate is Fate.WRONG:
            self.wrong.append(outcome)


def all_samples() -> list[Sample]:
    """Return every sample that is at hand."""
    return [*generated_samples(), *real_samples()]


def run_here(samples: list[Sample], cases: int, seed: int, folder: Path) -> Findings:
    """Run so many cases of the samples in turn in this process."""
    findings = Findings()
    for case in range(cases):
        number, place = divmod(case, len(samples))
        findings.add(run_case(samples[place], number, seed, folder / "case"))
    return findings


def run_in_processes(cases: int, seed: int, processes: int, say: Callable[[str], None]) -> Findings:
    """Run so many cases in processes of their own; a process that dies, or hangs, did so in the case that it had begun.

    Parameters
    ----------
    cases : int
        Of all samples together.
    seed : int
    processes : int
    say : callable
        Hears how far it has come.
    """
    lanes = [_Lane(lane, range(lane, cases, processes), seed) for lane in range(processes)]
    findings, said = Findings(), time.monotonic()
    while any(not lane.is_done for lane in lanes):
        time.sleep(0.05)
        for lane in lanes:
            for outcome in lane.outcomes():
                findings.add(outcome)
                if outcome.fate is Fate.WRONG:
                    say(f"  --case '{outcome.case}' ({outcome.kind}): {outcome.text}"[:_MOST_SAID])
        if time.monotonic() - said > 30.0:
            said = time.monotonic()
            done = sum(counter.total() for counter in findings.fates.values())
            say(f"{done:,} of {cases:,} cases, {len(findings.wrong)} wrong")
    return findings


class _Lane:
    """One process after another that works through the cases of a lane."""

    def __init__(self, lane: int, cases: range, seed: int) -> None:
        self._lane = lane
        self._left = list(cases)
        self._seed = seed
        self._names = [sample.name for sample in all_samples()]
        self.is_done = not self._left
        if self._left:
            self._start()

    def _start(self) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        self._pipe = ours
        self._process = multiprocessing.get_context("spawn").Process(
            target=_work, args=(theirs, self._left, self._seed), daemon=True
        )
        self._process.start()
        theirs.close()
        self._heard = time.monotonic()

    def outcomes(self) -> Iterator[Outcome]:
        """Return what has come of cases since the last look."""
        if self.is_done:
            return
        ended = False
        with suppress(EOFError):
            while self._pipe.poll():
                outcome = self._pipe.recv()
                self._heard = time.monotonic()
                if outcome is not None:
                    del self._left[0]
                    yield outcome
            ended = not self._process.is_alive() and not self._pipe.poll()
        hangs = time.monotonic() - self._heard > PATIENCE_S
        if not self._left:
            self._process.join()
            self.is_done = True
        elif hangs or ended or not self._process.is_alive():
            self._process.kill()
            self._process.join()
            yield self._lost("does not end" if hangs else f"the process ended with {self._process.exitcode}")
            self.is_done = not self._left
            if self._left:
                self._start()

    def _lost(self, text: str) -> Outcome:
        number, place = divmod(self._left.pop(0), len(self._names))
        return Outcome(self._names[place], number, "?", Fate.WRONG, text)


def _work(pipe: Connection, cases: list[int], seed: int) -> None:
    """Work through cases in a process whose memory is limited; what it holds already is not the cases'."""
    samples = all_samples()
    with tempfile.TemporaryDirectory(prefix="necrozma-fuzz-", dir=_memory_folder()) as scratch:
        # Compiled code and libraries are loaded before the limit counts.
        run_here(samples[:1], 40, seed + 1, Path(scratch))
        pipe.send(None)
        held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY_BYTES, held + MEMORY_BYTES))
        for case in cases:
            number, place = divmod(case, len(samples))
            pipe.send(run_case(samples[place], number, seed, Path(scratch) / "case"))


def _memory_folder() -> str | None:
    """Return a folder in memory where there is one: nothing here has to outlive the process."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
