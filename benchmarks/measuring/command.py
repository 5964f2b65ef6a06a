"""One run of ``necrozma backtest`` as a user starts it, timed and watched from outside."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.measuring.processes import Family, Role, watch
from flows.server.embedded import start_embedded

NECROZMA: Final = str(Path(sys.executable).with_name("necrozma"))


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of the command.

    Attributes
    ----------
    seconds : float
        From start to exit.
    manifest : mapping
        As the run left it.
    family : Family
        The processes that it consisted of.
    moments : mapping of str to float
        When things happened, seconds after the start; read from the files that the run left.
    results_mb : float
        Size of the results folder.
    """

    seconds: float
    manifest: Mapping[str, Any]
    family: Family
    moments: Mapping[str, float] = field(default_factory=dict)
    results_mb: float = float("nan")

    @property
    def pairs_seconds(self) -> float:
        """Seconds from the first pair's beginning to the last pair's end: the job without start-up and closing."""
        return float(self.manifest["seconds"]["pairs"])

    @property
    def stage_seconds(self) -> dict[str, float]:
        """Seconds that workers spent in each stage, all pairs together, from their receipts."""
        total: dict[str, float] = {}
        for record in self.manifest["pairs"].values():
            for stage, seconds in record["seconds"].items():
                total[stage] = total.get(stage, 0.0) + seconds
        return total

    @property
    def work_seconds(self) -> float:
        """Seconds that workers spent on pairs, all pairs and stages together."""
        return sum(self.stage_seconds.values())

    @property
    def trades(self) -> int:
        """Trades of all strategies on all pairs."""
        return sum(int(record["counts"]["trades"]) for record in self.manifest["pairs"].values())

    @property
    def worker_peak_mb(self) -> float:
        """The most memory that a worker held."""
        return self.family.peak_mb(Role.WORKER)


class Bench:
    """A folder for a benchmark's runs: results that are thrown away, a separate Prefect history and separate kernels.

    Parameters
    ----------
    scratch : Path
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.home = scratch / "prefect"
        self.cache = scratch / "cache"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a run, without any setting of the caller's."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("NECROZMA_", "PREFECT_"))}
        ours |= {
            "NECROZMA_PREFECT_HOME": str(self.home),
            "NECROZMA_CPU_LIMIT": "100",
            "PREFECT_PROFILES_PATH": str(self._scratch / "no-profiles.toml"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "XDG_CACHE_HOME": str(self.cache),
        }
        return ours | more

    def forget(self) -> None:
        """Make the next run the first ever: no database of Prefect's, no compiled kernels."""
        for folder in (self.home, self.cache):
            shutil.rmtree(folder, ignore_errors=True)

    def run(self, data: Path, flags: Sequence[str], *, prefix: Sequence[str] = (), **environment: str) -> JobRun:
        """Run ``necrozma backtest`` into a new results folder, which is gone afterwards.

        Parameters
        ----------
        data : Path
        flags : sequence of str
        prefix : sequence of str
            A command that runs the command, such as a profiler.
        **environment : str
            More variables.

        Raises
        ------
        SystemExit
            If it fails, with its output.
        """
        results = Path(tempfile.mkdtemp(dir=self._scratch))
        log = results.with_suffix(".log")
        command = [*prefix, NECROZMA, "backtest", "--data", str(data), "--results", str(results), "--cooldown", "0"]
        began, start = time.time(), time.perf_counter()
        with log.open("wb") as output:
            child = subprocess.Popen(
                [*command, *flags], env=self.environment(**environment), stdout=output, stderr=output
            )
            with watch(child.pid) as family:
                code = child.wait()
                seconds = time.perf_counter() - start
        if code:
            raise SystemExit(f"{' '.join([*command, *flags])} ended with {code}:\n{log.read_text(errors='replace')}")
        try:
            (path,) = results.glob("runs/*/manifest.json")
            manifest = json.loads(path.read_text())
            moments = _moments(results, path.parent, manifest, family, self._flow_began(), began)
            size = sum(file.stat().st_size for file in results.rglob("*") if file.is_file()) / 1e6
            return JobRun(seconds, manifest, family, {**moments, "exit": seconds}, size)
        finally:
            shutil.rmtree(results)

    def _flow_began(self) -> float:
        """Return when Prefect's newest flow run began, seconds since 1970; NaN where its history is elsewhere."""
        database = self.home / "prefect.db"
        if not database.exists():
            return float("nan")
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as history:
            row = history.execute("SELECT start_time FROM flow_run ORDER BY created DESC LIMIT 1").fetchone()
        if row is None or row[0] is None:
            return float("nan")
        return datetime.fromisoformat(f"{row[0].removesuffix('Z')}+00:00").timestamp()


@contextmanager
def bench() -> Iterator[Bench]:
    """Hold a folder for a benchmark's runs."""
    with tempfile.TemporaryDirectory(prefix="necrozma-bench-") as name:
        yield Bench(Path(name))


@contextmanager
def running_server(bench: Bench) -> Iterator[dict[str, str]]:
    """Keep a Prefect server up for several runs; yields the variables that point them at it."""
    server = start_embedded(bench.home)
    try:
        server.wait_ready()
        yield {"PREFECT_API_URL": server.api_url}
    finally:
        server.stop()


def _moments(
    results: Path, run: Path, manifest: Mapping[str, Any], family: Family, flow_began: float, began: float
) -> dict[str, float]:
    stored = max(
        (results / "store" / pair / record["key"] / "commit.json").stat().st_mtime
        for pair, record in manifest["pairs"].items()
    )
    moments = {
        "the server's process begins": began + family.began_s(Role.SERVER),
        "the workers' processes begin": began + family.began_s(Role.WORKER),
        "Prefect's flow run begins": flow_began,
        "the first pair is begun": stored - manifest["seconds"]["pairs"],
        "the last pair is stored": stored,
        "the ranking is published": (run / "ranking.parquet").stat().st_mtime,
        "the report is published": (run / "report.html").stat().st_mtime,
    }
    return {name: moment - began for name, moment in moments.items()}
