"""Results as JSON, as a script would write them: one file of objects a strategy.

The product stores Parquet alone; the benchmarks compare it with this.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc


def write_json(folder: Path, metrics: pa.Table, trades: pa.Table) -> None:
    """Write one pair's metrics, and each strategy's trades, as indented JSON.

    Parameters
    ----------
    folder : Path
        Made if missing.
    metrics, trades : pyarrow.Table
        As the store returns them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _dump(folder / "metrics.json", metrics)
    for number, name in enumerate(metrics["strategy"].to_pylist()):
        chosen = trades.filter(pc.equal(trades["strategy"], pa.scalar(name, trades["strategy"].type)))
        _dump(folder / f"trades-{number:05d}.json", chosen)


def read_json(folder: Path) -> int:
    """Read all of them back; returns how many rows there were."""
    return sum(len(json.loads(path.read_text())) for path in sorted(folder.glob("*.json")))


def folder_mb(folder: Path) -> float:
    """Return the size of a folder's files in megabytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _dump(path: Path, table: pa.Table) -> None:
    # Times and decimals have no form in JSON; their text is what a script would write.
    path.write_text(json.dumps(table.to_pylist(), default=str, indent=2))
