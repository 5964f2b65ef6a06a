"""Aims beside measurements; each benchmark keeps its figures, and this one compares them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.measuring.market import CACHE
from benchmarks.measuring.measure import Report, markdown_table
from benchmarks.peers.compare import FIFTY, FIFTY_WITH_LEVELS
from benchmarks.scale import FULL, Scale

_FIGURES: Final = CACHE / "figures.json"


@dataclass(frozen=True, slots=True)
class Target:
    """One aim.

    Attributes
    ----------
    what : str
    table : str
        Which table measures it; "short" and "visits" are the governor's, see docs/throttling.md.
    figure : str
        Its name there.
    bound : float
    unit : str
    at_least : bool
        Whether more is better.
    """

    what: str
    table: str
    figure: str
    bound: float
    unit: str
    at_least: bool = False

    def row(self, figures: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
        """Return the target's row of the table."""
        sign = "at least" if self.at_least else "at most"
        aim = f"{sign} {self.bound:,g} {self.unit}"
        value = figures.get(self.table, {}).get(self.figure)
        if value is None:
            return self.what, aim, "not measured", "-", self.table
        met = value >= self.bound if self.at_least else value <= self.bound
        return self.what, aim, f"{_write(value)} {self.unit}", "yes" if met else "**no**", self.table


def _against_peers(what: str, grid: str) -> list[Target]:
    bounds = {
        "vectorbt": ("vectorbt", 30),
        "raptorbt, both": ("raptorbt on both sides", 30),
        "raptorbt, long": ("raptorbt on the long side alone", 30),
        "backtesting": ("backtesting.py", 1_000),
    }
    return [
        Target(f"{what} {name}", "peers", f"{peer}, {grid}", bound, "times", at_least=True)
        for peer, (name, bound) in bounds.items()
    ]


TARGETS: Final = (
    Target("whole job, 2 workers, no server running", "job", "cold", 12, "s"),
    Target("the same, the first time ever", "job", "first", 20, "s"),
    Target("the same, against a running server", "job", "served", 6, "s"),
    Target("of it the pairs, first one's beginning to last one's end, Prefect beside them", "job", "pairs", 2.5, "s"),
    Target(
        "the engine: the same pairs by the workers' pool alone, the best one's trades stored",
        "parallel",
        "engine",
        2.5,
        "s",
    ),
    Target("engine time of 2 workers to that of 1", "parallel", "ratio", 0.55, "of 1"),
    Target("fifty settings with a trailing stop to the same without", "orders", "trailing_times", 3, "times"),
    Target("work on 5,000 settings to that on 50", "settings", "times_5000", 100, "times"),
    Target("a worker's peak memory in the whole job", "job", "worker_mb", 700, "MB"),
    Target("a worker's peak memory with 50,000 settings", "settings", "mb_50000", 700, "MB"),
    Target("Exness CSV to the store, a core", "importing", "csv_millions", 3, "million rows/s", at_least=True),
    Target("bi5 to the store, 2 processes", "importing", "bi5_millions", 5, "million ticks/s", at_least=True),
    Target("`necrozma --help`", "startup", "help", 0.4, "s"),
    Target("a run in which everything is stored, less six times `necrozma --help`", "stored", "above_help", 1, "s"),
    Target("a job of ten seconds under a limit of 80 % to the same under 100 %", "short", "ratio", 1.2, "times"),
    Target("its load from the second second of the pairs on, off the limit", "short", "off", 5, "points"),
    Target("beside a load that comes and goes, mean load of 30 s off the limit", "visits", "off", 3, "points"),
    Target("that load made room for", "visits", "shed_s", 3, "s"),
    Target("changes of the allowance's direction beside it", "visits", "turns", 1, "a minute"),
    Target("Prefect's part of a pair", "overhead", "pair_ms", 50, "ms"),
    Target("the last of 200 pairs to the first", "overhead", "slower", 1.2, "times"),
    Target("sweeps of luck in which a setting is called strong, the worst kind", "statistics", "strong", 0.08, "of 1"),
    Target("all statistics of 50,000 settings x 250 days", "statistics", "seconds", 60, "s"),
    Target("a process's peak memory with them", "statistics", "peak_mb", 700, "MB"),
    *_against_peers("50 crossings of averages on 1-minute bars, to", FIFTY),
    *_against_peers("10 crossings, each with 5 stops and targets, to", FIFTY_WITH_LEVELS),
    Target("one strategy on every tick, to vectorbt", "peers", "ticks", 50, "times", at_least=True),
)


def keep_figures(table: str, figures: Mapping[str, float]) -> None:
    """Store a table's figures for the table of targets."""
    if not figures:
        return
    known = {**_known(), table: dict(figures)}
    _FIGURES.parent.mkdir(parents=True, exist_ok=True)
    _FIGURES.write_text(json.dumps(known, indent=2, sort_keys=True))


def measure_targets(scale: Scale = FULL) -> Report:
    """Return the aims beside the figures of the other tables' last runs."""
    known = _known()
    header = ("target", "aim", "measured", "met", "table")
    return Report(markdown_table(header, [target.row(known) for target in TARGETS]))


def _known() -> dict[str, dict[str, float]]:
    try:
        known: dict[str, dict[str, float]] = json.loads(_FIGURES.read_text())
    except (OSError, ValueError):
        return {}
    return known


def _write(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
