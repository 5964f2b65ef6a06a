"""Print the tables: ``python -m benchmarks [--smoke] [--write] [NAME ...]``."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.engine import measure_engine, measure_parity
from benchmarks.feeds.importing import measure_importing
from benchmarks.job import measure_job
from benchmarks.luck.tables import measure_statistics
from benchmarks.measuring.cpu_profile import measure_profile
from benchmarks.measuring.measure import Report, describe_machine, one_of
from benchmarks.measuring.pages import DOCS, put_between_marks
from benchmarks.measuring.timeline import measure_timeline
from benchmarks.orders import measure_orders
from benchmarks.original import measure_original, measure_storage
from benchmarks.overhead import measure_overhead
from benchmarks.parallel import measure_parallel
from benchmarks.scale import FULL, SMOKE, Scale
from benchmarks.scaling import measure_pairs, measure_settings
from benchmarks.startup import measure_startup
from benchmarks.stored import measure_stored
from benchmarks.targets import keep_figures, measure_targets

_PAGE: Final = DOCS / "performance.md"
_OTHER_PAGES: Final = {"statistics": DOCS / "statistics.md"}
TABLES: Final[dict[str, Callable[[Scale], Report]]] = {
    "parity": measure_parity,
    "engine": measure_engine,
    "orders": measure_orders,
    "importing": measure_importing,
    "startup": measure_startup,
    "stored": measure_stored,
    "timeline": measure_timeline,
    "job": measure_job,
    "parallel": measure_parallel,
    "settings": measure_settings,
    "pairs": measure_pairs,
    "overhead": measure_overhead,
    "storage": measure_storage,
    "original": measure_original,
    "profile": measure_profile,
    "statistics": measure_statistics,
    "targets": measure_targets,
}
"""In the order in which they are measured: parity first, and what was aimed at last."""


def page_of(name: str) -> Path:
    """Return the page that a table stands in."""
    return _OTHER_PAGES.get(name, _PAGE)


def main() -> None:
    """Measure the tables that were asked for, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", type=one_of([*TABLES]), help="which tables; all without a name")
    parser.add_argument("--smoke", action="store_true", help="on little data, to see that the suite runs")
    parser.add_argument("--write", action="store_true", help="also put the tables into their pages of docs/")
    arguments = parser.parse_args()
    if arguments.smoke and arguments.write:
        parser.error("what --smoke measures is not worth writing down")
    machine = describe_machine()
    print(machine, end="\n\n")
    for name in arguments.names or TABLES:
        report = TABLES[name](SMOKE if arguments.smoke else FULL)
        print(f"## {name}\n\n{report.text}\n", flush=True)
        if arguments.smoke:
            continue
        keep_figures(name, report.figures)
        if arguments.write:
            command = f"python -m benchmarks {name} --write"
            put_between_marks(page_of(name), name, f"{report.text}\n\nMeasured on {machine}: `{command}`")


if __name__ == "__main__":
    main()
