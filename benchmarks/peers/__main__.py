"""Print the comparison with other backtesters: ``python -m benchmarks.peers [--smoke] [--write]``."""

import argparse

from benchmarks.measuring.measure import describe_machine
from benchmarks.measuring.pages import DOCS, put_between_marks
from benchmarks.peers.compare import measure_peers
from benchmarks.scale import FULL, SMOKE
from benchmarks.targets import keep_figures

_NAME = "peers"
_PAGE = DOCS / "performance.md"


def main() -> None:
    """Measure, and put the tables into the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="on little data, to see that it runs")
    parser.add_argument("--write", action="store_true", help=f"also put the tables into docs/{_PAGE.name}")
    arguments = parser.parse_args()
    if arguments.smoke and arguments.write:
        parser.error("what --smoke measures is not worth writing down")
    report = measure_peers(SMOKE if arguments.smoke else FULL)
    machine = describe_machine()
    print(f"{machine}\n\n{report.text}")
    if arguments.smoke:
        return
    keep_figures(_NAME, report.figures)
    if arguments.write:
        put_between_marks(_PAGE, _NAME, f"{report.text}\n\nMeasured on {machine}: `python -m benchmarks.peers --write`")


if __name__ == "__main__":
    main()
