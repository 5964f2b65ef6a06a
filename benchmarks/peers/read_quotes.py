"""Read an Exness CSV with one library and write it as Parquet, times as times.

``python read_quotes.py LIBRARY CSV OUT``, by whichever interpreter has the library; pandas and polars need nothing of
this project.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path


def read_with_pandas(csv: str, out: str) -> int:
    """Read and write with pandas, as its users do."""
    import pandas as pd  # noqa: PLC0415

    table = pd.read_csv(csv)
    table["Timestamp"] = pd.to_datetime(table["Timestamp"], format="%Y-%m-%d %H:%M:%S.%fZ", utc=True)
    table.to_parquet(out)
    return len(table)


def read_with_polars(csv: str, out: str) -> int:
    """Read and write with polars."""
    import polars as pl  # noqa: PLC0415

    time = pl.col("Timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S%.3fZ", time_unit="ms", time_zone="UTC")
    table = pl.read_csv(csv).with_columns(time)
    table.write_parquet(out)
    return int(table.height)


def read_with_ours(csv: str, out: str) -> int:
    """Import into a data folder, every row checked."""
    from necrozma_core.feeds.intake import import_files  # noqa: PLC0415

    return import_files([Path(csv)], "EURUSD", Path(out)).kept


def import_hours(folder: str, out: str, workers: str = "1") -> int:
    """Import a folder of bi5 with some processes."""
    from necrozma_core.feeds.formats.registry import ReadOptions  # noqa: PLC0415
    from necrozma_core.feeds.sorting import sort_files  # noqa: PLC0415
    from necrozma_core.workers.importing import import_pairs  # noqa: PLC0415

    found = sort_files([Path(folder)], None, ReadOptions()).by_pair
    reports = [done.report for done in import_pairs(found, Path(out), workers=int(workers))]
    return sum(report.kept for report in reports if report is not None)


READERS: dict[str, Callable[..., int]] = {
    "pandas": read_with_pandas,
    "polars": read_with_polars,
    "ours": read_with_ours,
    "hours": import_hours,
}

if __name__ == "__main__":
    rows = READERS[sys.argv[1]](*sys.argv[2:])
    used = os.times()
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    print(
        json.dumps(
            {
                "rows": rows,
                "cpu": used.user + used.system + used.children_user + used.children_system,
                "mb": int(peak[1]) / 1024 if peak else float("nan"),
            }
        )
    )
