"""Print the comparison with other backtesters: ``python -m benchmarks.peers [time|orders] [--smoke] [--write]``."""

import argparse

from benchmarks.measuring.measure import describe_machine
from benchmarks.measuring.pages import DOCS, put_between_marks
from benchmarks.peers.compare import measure_peers
from benchmarks.peers.orders import compare_orders
from benchmarks.scale import FULL, SMOKE
from benchmarks.targets import keep_figures

_NAME = "peers"
_PAGE = DOCS / "performance.md"
_ORDERS = "peers' orders"
_ORDERS_PAGE = DOCS / "bars-and-dates.md"


def main() -> None:
    """Measure, and put the tables into the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=("time", "orders"), default="time", help="how fast they are, or what orders fill"
    )
    parser.add_argument("--smoke", action="store_true", help="on little data, to see that it runs")
    parser.add_argument("--write", action="store_true", help="also put the tables into docs/")
    arguments = parser.parse_args()
    if arguments.smoke and arguments.write:
        parser.error("what --smoke measures is not worth writing down")
    if arguments.what == "orders":
        text = compare_orders(2_000 if arguments.smoke else 20_000)
        print(text)
        if arguments.write:
            put_between_marks(_ORDERS_PAGE, _ORDERS, f"{text}\n\nMade by `python -m benchmarks.peers orders --write`")
        return
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
