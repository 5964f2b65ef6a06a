"""Print the tables: ``python -m benchmarks [--smoke] [--write] [NAME ...]``."""

import argparse
from collections.abc import Callable

from benchmarks.engine import measure_engine
from benchmarks.job import measure_job, measure_parallel
from benchmarks.measure import describe_machine
from benchmarks.pages import DOCS, put_between_marks

_PAGE = DOCS / "performance.md"
_TABLES: dict[str, Callable[[], str]] = {
    "engine": measure_engine,
    "parallel": measure_parallel,
    "job": measure_job,
}
_SMOKE: dict[str, Callable[[], str]] = {"engine": lambda: measure_engine(ticks=50_000, runs=1)}


def main() -> None:
    """Measure the tables that were asked for, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*_TABLES], help="which tables; all without a name")
    parser.add_argument("--smoke", action="store_true", help="parity on little data, to see that the suite runs")
    parser.add_argument("--write", action="store_true", help=f"also put the tables into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    tables = _SMOKE if arguments.smoke else _TABLES
    machine = describe_machine()
    print(machine, end="\n\n")
    for name in arguments.names or tables:
        table = tables[name]()
        print(f"## {name}\n\n{table}\n", flush=True)
        if arguments.write:
            put_between_marks(_PAGE, name, f"{table}\n\nMeasured on {machine}: `python -m benchmarks {name} --write`")


if __name__ == "__main__":
    main()
