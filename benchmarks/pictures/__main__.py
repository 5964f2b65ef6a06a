"""Draw one trade for each kind of order: ``python -m benchmarks.pictures [--write]``."""

import argparse
import sys

from benchmarks.measuring.pages import DOCS
from benchmarks.pictures.order_trades import draw_orders

_FOLDER = DOCS / "img" / "orders"


def main() -> None:
    """Draw all pictures, and put them into the folder if asked to; else say which differ from those there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the pictures into docs/img/orders")
    write = parser.parse_args().write
    for name, picture in draw_orders().items():
        path = _FOLDER / f"{name}.svg"
        is_same = path.exists() and path.read_text(encoding="utf-8") == picture
        if write:
            path.write_text(picture, encoding="utf-8")
        sys.stdout.write(f"{path.name}: {'as it was' if is_same else 'new'}\n")


if __name__ == "__main__":
    main()
