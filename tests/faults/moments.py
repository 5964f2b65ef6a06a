"""Runs whose parent is killed at random moments, again and again, until they are complete; and what must hold."""

import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from storage_samples import CHILD, CHILD_ENVIRONMENT, KEEP_BYTECODE, tree

from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RANKING_FILE
from necrozma_core.storage.runs.listing import list_runs, run_folders
from necrozma_core.storage.runs.manifest import PairState, RunStatus
from necrozma_core.storage.runs.verify import verify_results

PAIRS = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "NZDUSD", "USDCAD", "EURGBP")
_MARK = "FAULTS_MARK"
_MOST_KILLS = 6
_GONE_S = 10.0
_END_S = 180.0


@dataclass(frozen=True)
class Program:
    """What is run and killed: its words without the results folder, which comes last, and its environment."""

    words: tuple[str, ...]
    environment: Mapping[str, str]

    @contextmanager
    def running(self, results: Path) -> Iterator["Running"]:
        """Start it; whatever it started is gone at the end."""
        mark = uuid.uuid4().hex
        results.parent.mkdir(parents=True, exist_ok=True)
        with _output(results).open("ab") as output:
            process = subprocess.Popen(
                [*self.words, str(results)], env={**self.environment, _MARK: mark}, stdout=output, stderr=output
            )
        running = Running(process, mark, results)
        try:
            yield running
        finally:
            process.kill()
            process.wait()
            running.end_orphans()


@dataclass(frozen=True)
class Running:
    """A program that runs. All that it starts has its mark in the environment, whoever its parent has become."""

    process: "subprocess.Popen[bytes]"
    mark: str
    results: Path

    def output(self) -> str:
        """What it and its forerunners in the same folder wrote."""
        return _output(self.results).read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        """Every process with the mark."""
        return [
            process
            for process in psutil.process_iter(["environ", "status"])
            if (process.info["environ"] or {}).get(_MARK) == self.mark
            and process.info["status"] != psutil.STATUS_ZOMBIE
        ]

    def orphans(self) -> list[psutil.Process]:
        """What is left of the family some time after the parent's end."""
        return self.family() if not holds(lambda: not self.family(), _GONE_S) else []

    def end_orphans(self) -> None:
        """Kill what is left."""
        for process in self.family():
            process.kill()


@dataclass
class Tally:
    """What came of the kills; each entry of a list is a line on something that must not be."""

    kills: int = 0
    folders: int = 0
    wrong: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)

    @property
    def flaws(self) -> list[str]:
        """All that must not be."""
        return [*self.wrong, *self.again, *self.orphans]


@dataclass(frozen=True)
class Undisturbed:
    """What a run leaves that nobody disturbs, and how many seconds it takes from its beginning."""

    store: dict[str, bytes]
    ranking: list[dict[str, object]]
    seconds: float


def session_program(folder: Path, how: str = "safely") -> Program:
    """A run of toy pairs without Prefect; ticks and caches go into a folder."""
    write_samples(folder / "ticks", PAIRS, 1_000, 1)
    without_pandas = CHILD.parent / "without_pandas"
    environment = CHILD_ENVIRONMENT | KEEP_BYTECODE | {"XDG_CACHE_HOME": str(folder / "cache")}
    environment["PYTHONPATH"] = f"{environment['PYTHONPATH']}{os.pathsep}{without_pandas}"
    words = (sys.executable, str(CHILD.with_name("session_child.py")), how, str(folder / "ticks"))
    return Program(words, environment)


def run_undisturbed(program: Program, folder: Path) -> Undisturbed:
    """Run a program twice, to warm its caches and to time it, and return what it left."""
    for name in ("warm", "undisturbed"):
        results = folder / name / "results"
        with program.running(results) as running:
            assert holds(lambda results=results: bool(run_folders(results)), _END_S), _words_of(results)
            began = time.monotonic()
            assert running.process.wait(_END_S) == 0, _words_of(results)
            seconds = time.monotonic() - began
    assert not verify_results(results)
    return Undisturbed(tree(ResultsFolder(results).store.root), _ranking(results), seconds)


def kill_at_moments(program: Program, undisturbed: Undisturbed, folder: Path, kills: int, seed: int) -> Tally:
    """Kill a program so many times, in one results folder after the other, each completed in the end."""
    chance, tally = random.Random(seed), Tally()
    while tally.kills < kills:
        tally.folders += 1
        most = min(chance.randint(1, _MOST_KILLS), kills - tally.kills)
        _kill_until_complete(program, undisturbed, folder / f"{seed}-{tally.folders}" / "results", most, chance, tally)
    return tally


def holds(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait for a condition and tell whether it came to hold."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _kill_until_complete(
    program: Program, undisturbed: Undisturbed, results: Path, most: int, chance: random.Random, tally: Tally
) -> None:
    for _ in range(most):
        before = Stored.of(results)
        with program.running(results) as running:
            if not _kill_at_a_moment(running, results, undisturbed.seconds, chance):
                break
            tally.kills += 1
            tally.orphans += [f"{results}: {orphan} outlived its parent" for orphan in running.orphans()]
        _look(results, before, tally)
    before = Stored.of(results)
    with program.running(results) as running:
        code = running.process.wait(_END_S)
        tally.orphans += [f"{results}: {orphan} outlived its parent" for orphan in running.orphans()]
    _look(results, before, tally)
    _compare(results, code, undisturbed, tally)


def _kill_at_a_moment(running: Running, results: Path, seconds: float, chance: random.Random) -> bool:
    """Kill the parent, mostly while it works, sometimes while it starts; tell whether it was still alive."""
    known = run_folders(results)
    if chance.random() < 0.85:
        holds(lambda: run_folders(results) != known or running.process.poll() is not None, _END_S)
    # By the clock, because the moment must not depend on what the program does.
    deadline = time.monotonic() + chance.uniform(0, seconds)
    holds(lambda: time.monotonic() > deadline or running.process.poll() is not None, _END_S)
    if running.process.poll() is not None:
        return False
    running.process.kill()
    running.process.wait()
    return True


@dataclass(frozen=True)
class Stored:
    """What was stored at some moment: each entry with what would change were it written again; and the runs."""

    entries: dict[tuple[str, str], tuple[tuple[str, int, int], ...]]
    runs: frozenset[str]

    @classmethod
    def of(cls, results: Path) -> "Stored":
        """Look at a results folder."""
        store = ResultsFolder(results).store
        stored = [entry for entry in store.entries() if store.has(*entry)]
        return cls(
            {entry: _stamp(store.folder(*entry)) for entry in stored},
            frozenset(path.name for path in run_folders(results)),
        )


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    files = [(path.name, path.stat()) for path in sorted(folder.glob("[!.]*"))]
    return tuple((name, stat.st_ino, stat.st_mtime_ns) for name, stat in files)


def _look(results: Path, before: Stored, tally: Tally) -> None:
    """Check what must hold after any kill: what is there is whole, and what was there was left alone."""
    if not results.exists():
        return
    tally.wrong += [damage.reason for damage in verify_results(results)]
    after = Stored.of(results)
    tally.again += [
        f"{results}: {entry} was written again"
        for entry, stamp in before.entries.items()
        if after.entries.get(entry) != stamp
    ]
    for run in list_runs(results):
        computed = {(pair, run.keys[pair]) for pair in run.pairs_in(PairState.COMPUTED)}
        if run.run_id not in before.runs:
            tally.again += [f"{results}: {entry} was computed again" for entry in computed & before.entries.keys()]


def _compare(results: Path, code: int, undisturbed: Undisturbed, tally: Tally) -> None:
    """Check what must hold in the end: the bytes of a run that nobody disturbed, and every dead run known as such."""
    if code != 0:
        tally.wrong.append(f"{results}: the last run ended with {code}: {_words_of(results)}")
        return
    if tree(ResultsFolder(results).store.root) != undisturbed.store:
        tally.wrong.append(f"{results}: the store differs from that of an undisturbed run")
    if _ranking(results) != undisturbed.ranking:
        tally.wrong.append(f"{results}: the ranking differs from that of an undisturbed run")
    states = {run.status for run in list_runs(results)}
    if not states <= {RunStatus.COMPLETED, RunStatus.CRASHED}:
        tally.wrong.append(f"{results}: runs are left as {states}")


def _ranking(results: Path) -> list[dict[str, object]]:
    newest = list_runs(results)[0]
    rows: list[dict[str, object]] = pq.read_table(ResultsFolder(results).run(newest.run_id) / RANKING_FILE).to_pylist()
    return rows


def _words_of(results: Path) -> str:
    return _output(results).read_text(errors="replace")[-500:]


def _output(results: Path) -> Path:
    return results.parent / "output"
