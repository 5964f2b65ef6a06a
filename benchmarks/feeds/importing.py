"""How fast files of ticks come in: an Exness CSV beside pandas and polars, and hours of Dukascopy's."""

import json
import lzma
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.measuring.market import prepare_ticks
from benchmarks.measuring.measure import Report, markdown_table, megabytes
from benchmarks.scale import FULL, Scale
from necrozma_core.market.ticks import Ticks
from necrozma_core.storage.ticks.store import TickStore

_READ_QUOTES: Final = Path(__file__).parents[1] / "peers/read_quotes.py"
_PEERS: Final = Path(__file__).parents[2] / ".venv-peers/bin/python"
_PAIR: Final = "EURUSD"
_HOUR_MS: Final = 3_600_000
_MOST_HOURLY: Final = 4_000_000
_RECORD: Final = np.dtype([("ms", ">u4"), ("ask", ">u4"), ("bid", ">u4"), ("ask_volume", ">f4"), ("bid_volume", ">f4")])
_VOLUMES: Final = (0.12, 0.75, 0.9, 1.5, 1.8, 2.25, 3.75)
_BLOCK: Final = 200_000


@dataclass(frozen=True, slots=True)
class _Run:
    rows: int
    wall: float
    cpu: float
    mb: float


def measure_importing(scale: Scale = FULL) -> Report:
    """Return the table of rows a second, each reader in processes of its own."""
    ticks = TickStore(prepare_ticks([_PAIR], scale.ticks)).read(_PAIR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        csv, hours = folder / "EURUSD_2024.csv", folder / "hours"
        _write_csv(ticks, csv)
        size = csv.stat().st_size
        _write_hours(ticks, hours, min(scale.ticks, _MOST_HOURLY))
        works: dict[str, Callable[[], _Run]] = {
            "ours: every row checked, stored with hashes": partial(_run, sys.executable, "ours", csv, folder),
            "pandas: read_csv, to_datetime, to_parquet": partial(_run, sys.executable, "pandas", csv, folder),
        }
        if _has_polars():
            works["polars: read_csv, to_datetime, write_parquet"] = partial(_run, str(_PEERS), "polars", csv, folder)
        for processes in (1, 2):
            of = "1 process" if processes == 1 else f"{processes} processes"
            works[f"ours: hours of bi5, {of}"] = partial(_run, sys.executable, "hours", hours, folder, f"{processes}")
        runs: dict[str, list[_Run]] = {what: [] for what in works}
        for _ in range(scale.job_runs):
            for what, work in works.items():
                runs[what].append(work())
    rows = [_row(what, of) for what, of in runs.items()]
    head = (
        f"An Exness CSV of {len(ticks):,} rows ({size / 1e6:,.0f} MB), and {min(scale.ticks, _MOST_HOURLY):,} of its "
        f"ticks as hours of bi5; each run a process of its own, start and imports counted; median of {scale.job_runs}. "
        "Processor time is that of all threads and processes together; the peak is the main process's."
    )
    if not _has_polars():
        head += " Polars is not installed: `make bench-peers` makes the environment that has it."
    header = ("what", "rows a second of processor time", "rows a second", "peak memory")
    figures = {
        "csv_millions": _rate(runs["ours: every row checked, stored with hashes"], "cpu") / 1e6,
        "bi5_millions": _rate(runs["ours: hours of bi5, 2 processes"], "wall") / 1e6,
    }
    return Report(f"{head}\n\n{markdown_table(header, rows)}", figures)


def _row(what: str, runs: Sequence[_Run]) -> tuple[str, ...]:
    peak = megabytes(statistics.median(run.mb for run in runs))
    return what, f"{_rate(runs, 'cpu'):,.0f}", f"{_rate(runs, 'wall'):,.0f}", peak


def _rate(runs: Sequence[_Run], of: str) -> float:
    return statistics.median([run.rows / (run.cpu if of == "cpu" else run.wall) for run in runs])


def _run(python: str, reader: str, source: Path, folder: Path, *more: str) -> _Run:
    with _scratch(folder) as out:
        start = time.perf_counter()
        command = [python, str(_READ_QUOTES), reader, str(source), str(out / "out"), *more]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_READ_QUOTES.parents[2])
        wall = time.perf_counter() - start
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return _Run(found["rows"], wall, found["cpu"], found["mb"])


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    out = folder / "scratch"
    out.mkdir()
    try:
        yield out
    finally:
        shutil.rmtree(out)


def _has_polars() -> bool:
    if not _PEERS.exists():
        return False
    return subprocess.run([_PEERS, "-c", "import polars"], check=False, capture_output=True).returncode == 0


def _write_csv(ticks: Ticks, path: Path) -> None:
    """Write ticks as Exness does."""
    price = f"{{:.{ticks.digits}f}}".format
    with path.open("w") as file:
        file.write('"Exness","Symbol","Timestamp","Bid","Ask"\n')
        for start in range(0, len(ticks), _BLOCK):
            part = slice(start, start + _BLOCK)
            times = np.datetime_as_string(ticks.time_ms[part].view("datetime64[ms]")).tolist()
            sides = [(side[part] / ticks.scale).tolist() for side in (ticks.bid, ticks.ask)]
            file.writelines(
                f'"exness","{_PAIR}","{time.replace("T", " ")}Z",{price(bid)},{price(ask)}\n'
                for time, bid, ask in zip(times, *sides, strict=True)
            )


def _write_hours(ticks: Ticks, folder: Path, most: int) -> None:
    """Write the first ticks as Dukascopy's hours, with volumes drawn from a seed."""
    random = np.random.default_rng(1)
    hour = ticks.time_ms[:most] // _HOUR_MS
    edges = [0, *(np.flatnonzero(np.diff(hour)) + 1).tolist(), min(most, len(ticks))]
    for start, end in pairwise(edges):
        records = np.zeros(end - start, _RECORD)
        records["ms"] = ticks.time_ms[start:end] % _HOUR_MS
        for side in ("bid", "ask"):
            records[side] = getattr(ticks, side)[start:end]
            records[f"{side}_volume"] = random.choice(_VOLUMES, end - start)
        moment = np.datetime64(int(hour[start]), "h").item()
        path = folder / _PAIR / f"{moment.year}/{moment.month - 1:02}/{moment.day:02}/{moment.hour:02}h_ticks.bi5"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(records.tobytes(), format=lzma.FORMAT_ALONE))
