"""Ours beside the original's rule on simulated machines: ``python -m benchmarks.governor.simulation [--write]``.

The machines and loads are those of the governor's tests; each trace is played twice, once under each rule.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measuring.measure import markdown_table
from benchmarks.measuring.pages import DOCS, put_between_marks

sys.path.append(str(Path(__file__).parents[2] / "tests" / "test_necrozma_core"))

from test_throttle.simulated_machine import Run, SeedRule, Trace, Workload, index, simulate
from test_throttle.traces import SETTLED_S, Others, Scene, draw_scene, turns_of

_PAGE = DOCS / "throttling.md"
_NAME = "governor-simulation"


@dataclass(frozen=True, slots=True)
class Score:
    """One trace once it has settled: points from the limit, share of time over it, changes of direction a minute."""

    off: float
    over: float
    turns: float


def play_traces(traces: int) -> str:
    """Play every kind of trace under both rules and return the table."""
    rows: list[Sequence[object]] = []
    for kind in Others:
        scenes = [_with_tasks(draw_scene(kind, seed)) for seed in range(traces)]
        for name, scores in (
            ("ours", [_score(scene, *scene.play()) for scene in scenes]),
            ("original", [_score(scene, *scene.play(_original(scene))) for scene in scenes]),
        ):
            rows.append((kind, name, *_summary(scores)))
    for name in ("ours", "original"):
        shares = [_uneven(draw_scene(Others.CONSTANT, seed), seed, name == "original") for seed in range(traces // 3)]
        rows.append(("two runs", name, f"{statistics.mean(shares):.0f} % from equal", f"{max(shares):.0f} %", "", ""))
    header = ("load", "rule", "points from the limit", "at worst", "time over it by 5", "turns a minute")
    return markdown_table(header, rows)


def _with_tasks(scene: Scene) -> Scene:
    """Give the tasks an end: the original's rule looks only when tasks end."""
    endless = scene.workload.work_s[1] > 1e6
    return replace(scene, workload=Workload(work_s=(5, 20))) if endless else scene


def _original(scene: Scene) -> Run:
    return Run(SeedRule(scene.limits), scene.workload, noise=scene.noise, seed=scene.seed)


def _score(scene: Scene, trace: Trace, run: Run) -> Score:
    settled = trace.total[index(SETTLED_S) :]
    over = sum(total > scene.limit_cores + 0.05 * scene.cores for total in settled) / len(settled)
    minutes = (scene.duration_s - SETTLED_S) / 60
    return Score(abs(trace.mean_percent(SETTLED_S) - scene.cpu_limit), 100 * over, len(turns_of(run.allowed)) / minutes)


def _summary(scores: Sequence[Score]) -> tuple[str, ...]:
    return (
        f"{statistics.mean(score.off for score in scores):.1f}",
        f"{max(score.off for score in scores):.1f}",
        f"{statistics.mean(score.over for score in scores):.0f} %",
        f"{statistics.mean(score.turns for score in scores):.1f}",
    )


def _uneven(scene: Scene, seed: int, original: bool) -> float:
    """Return how far from its half a run is, in percent of it, when two share a machine."""
    scene = _with_tasks(scene)
    runs = [_original(scene) if original else scene.governed(seed=2 * seed + number) for number in range(2)]
    for number, run in enumerate(runs):
        run.begins_s = 30.0 * number
    simulate(scene.cores, runs, 540, seed=seed)
    used: list[float] = [sum(run.used[index(420) :]) for run in runs]
    first, second = used
    return 100 * abs(first - second) / (first + second)


def main() -> None:
    """Print the table, and put it into docs/throttling.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=60, help="of each kind")
    parser.add_argument("--write", action="store_true", help=f"also put the table into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    table = play_traces(arguments.traces)
    print(table)
    if arguments.write:
        note = f"{arguments.traces} traces of each kind, settled: `python -m benchmarks.governor.simulation --write`"
        put_between_marks(_PAGE, _NAME, f"{table}\n\n{note}")


if __name__ == "__main__":
    main()
