"""A stored result once more as JSON, by the names of the original program, for programs that read nothing else."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from necrozma_core.errors import DamagedError, shown
from necrozma_core.storage.disk.parquet import read_bytes
from necrozma_core.storage.disk.publish import Published
from necrozma_core.storage.disk.sealed import JSON
from necrozma_core.storage.results.store import TRADES_FILE, ResultStore

_ORIGINAL_NAMES: Final = {
    "strategy": "strategy_name",
    "trades": "n_trades",
    "sharpe": "sharpe_ratio",
    "sortino": "sortino_ratio",
    "calmar": "calmar_ratio",
    "average_win": "avg_win",
    "average_loss": "avg_loss",
    "side": "direction",
    "pips": "pnl_pips",
}
"""Columns that the original has by another name; all others keep theirs."""
_TOLD_ABOVE: Final = frozenset({"pair", "timeframe"})
_BATCH_ROWS: Final = 4_096
_TRADES: Final = "trades_detailed"


def trades_in_order(store: ResultStore, pair: str, key: str) -> Iterator[pa.Table]:
    """Read an entry's trades, TRADES_SCHEMA, a few thousand at a time, strategy by strategy as they are stored.

    Raises
    ------
    DamagedError
        The entry is not there as it was committed; nothing is decoded before that is known.
    StorageError
        It cannot be read.
    """
    file = store.commit_of(pair, key)["files"][TRADES_FILE]
    content = read_bytes(store.folder(pair, key) / TRADES_FILE, Published(file["bytes"], file["sha256"]))
    for batch in pq.ParquetFile(pa.BufferReader(content)).iter_batches(_BATCH_ROWS, use_threads=False):
        yield pa.Table.from_batches([batch])


def write_json_copy(handle: TextIO, head: Mapping[str, JSON], metrics: pa.Table, trades: Iterator[pa.Table]) -> None:
    """Write a result as one JSON object: what `head` says, then ``results``, one strategy after the other.

    Parameters
    ----------
    handle : text file
        Takes ASCII; memory holds one table of trades, and some thousand strategies, as Python's values.
    head : mapping of str to JSON
    metrics : pyarrow.Table
        METRICS_SCHEMA.
    trades : iterator of pyarrow.Table
        TRADES_SCHEMA, strategy by strategy in the order of `metrics`.

    Raises
    ------
    DamagedError
        Trades are not in that order.
    ValueError
        A number is not finite: nothing undefined is stored but null, and JSON has no word for it.
    """
    rows = _Trades(trades)
    handle.write("{\n")
    for key, value in head.items():
        handle.write(f"{_text(key)}: {_text(value)},\n")
    handle.write('"results": [')
    strategies = (row for batch in metrics.to_batches(_BATCH_ROWS) for row in batch.to_pylist())
    for position, row in enumerate(strategies):
        handle.write(",\n" if position else "\n")
        figures = _text(_figures(row))
        handle.write(f"{figures[:-1]}, {_text(_TRADES)}: [")
        for number, trade in enumerate(rows.of(row["strategy"])):
            handle.write((",\n" if number else "\n") + _text(trade))
        handle.write("]}")
    if (left := rows.next_strategy) is not None:
        raise DamagedError(f"trades of {shown(left)} stand where none of that strategy belong; run `necrozma verify`")
    handle.write("\n]\n}\n")


class _Trades:
    """Takes trades off their tables as long as they are of one strategy."""

    def __init__(self, tables: Iterator[pa.Table]) -> None:
        self._rows = (row for table in tables for row in table.to_pylist())
        self._next: dict[str, Any] | None = next(self._rows, None)

    @property
    def next_strategy(self) -> str | None:
        return None if self._next is None else str(self._next["strategy"])

    def of(self, strategy: str) -> Iterator[dict[str, JSON]]:
        """Give the trades that come next, while they are of a strategy."""
        while self._next is not None and self._next["strategy"] == strategy:
            yield _trade(self._next)
            self._next = next(self._rows, None)


def _figures(row: Mapping[str, Any]) -> dict[str, JSON]:
    figures = {_ORIGINAL_NAMES.get(name, name): value for name, value in row.items() if name not in _TOLD_ABOVE}
    figures["params"] = json.loads(row["params"])
    # By these two names the original means a drawdown above zero, and an index in percent.
    if row["max_drawdown"] is not None:
        figures["max_drawdown"] = abs(row["max_drawdown"])
    if row["ulcer_index"] is not None:
        figures["ulcer_index"] = row["ulcer_index"] * 100
    return figures


def _trade(row: Mapping[str, Any]) -> dict[str, JSON]:
    trade = {_ORIGINAL_NAMES.get(name, name): value for name, value in row.items() if name != "strategy"}
    for name in ("entry_time", "exit_time"):
        trade[name] = row[name].isoformat(sep=" ", timespec="milliseconds")
    return trade


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def json_copy_name(pair: str) -> str:
    """Return the name of a pair's JSON file in a run's folder."""
    return f"{pair}_backtest.json"
