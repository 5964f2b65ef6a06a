"""What JSON of the original weighs as Parquet, and how long both take to read: ``python -m benchmarks.migration``.

``--write`` puts the table into docs/parquet-migration.md. The JSON is generated, from a seed, in the layouts of the
original: random figures and prices of five digits. Every value is compared on the way, as ``necrozma migrate`` does.
Files are read from the page cache, so the times are those of decoding.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow.parquet as pq

from benchmarks.measuring.measure import describe_machine, markdown_table, peak_memory_mb
from benchmarks.measuring.pages import DOCS, put_between_marks
from necrozma_core.storage.disk.lock import lock_results
from necrozma_core.storage.migrated.folder import Migration, look_for_documents, migrate_documents

_PAGE: Final = DOCS / "parquet-migration.md"
_FIGURES: Final = (
    *("win_rate", "profit_factor", "total_return", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown"),
    *("avg_win", "avg_loss", "largest_win", "largest_loss", "expectancy", "recovery_factor", "ulcer_index"),
)
_BARS_OF_A_TRADE: Final = 70
"""The original kept so many bars of prices with every trade."""


def measure_migration(trades: int) -> str:
    """Return the table of sizes and times.

    Parameters
    ----------
    trades : int
        Of a strategy whose trades were logged; all other sizes go with it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_original(folder / "old", trades)
        found = look_for_documents(folder / "old", folder / "results")
        with lock_results(folder / "results") as lock:
            migration = migrate_documents(found, lock, lambda one: None)
        memory = peak_memory_mb()
        if migration.left:
            raise SystemExit(f"not migrated: {migration.left}")
        rows = [_row(folder, what, migration, prefix) for what, prefix in _KINDS.items()]
        all_of_them = _row(folder, "all", migration, "")
    header = ("what", "JSON", "Parquet", "savings", "read as JSON", "all columns", "one column")
    size = migration.size_before / 1e6
    return (
        f"{markdown_table(header, [*rows, all_of_them])}\n\n"
        f"The migration took {migration.seconds:.0f} s for {size:.0f} MB, with every value compared, and at most "
        f"{memory:.0f} MB of memory."
    )


_KINDS: Final = {
    "backtest results": "backtest_results/universe",
    "trade logs": "backtest_results/detailed_trades",
    "metrics of all strategies": "backtest_results/all",
}


def _row(folder: Path, what: str, migration: Migration, prefix: str) -> tuple[str, ...]:
    done = [one for one in migration.done if one.name.startswith(prefix)]
    before, after = sum(one.size for one in done), sum(one.stored.bytes for one in done if one.stored)
    sources = [folder / "old" / one.name for one in done]
    tables = [one.stored.folder / file for one in done if one.stored for file in one.stored.files]
    return (
        what,
        f"{before / 1e6:.1f} MB",
        f"{after / 1e6:.1f} MB",
        f"{(1 - after / before) * 100:.0f} %",
        _seconds(lambda: [json.loads(path.read_bytes()) for path in sources]),
        _seconds(lambda: [pq.read_table(path, use_threads=False) for path in tables]),
        _seconds(lambda: [pq.read_table(path, columns=[_first(path)], use_threads=False) for path in tables]),
    )


def _first(path: Path) -> str:
    return str(pq.read_schema(path).names[0])


def _seconds(work: Callable[[], object]) -> str:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return f"{sorted(times)[1]:.3f} s"


def _write_original(folder: Path, trades: int) -> None:
    chance = Random(1)
    results = folder / "backtest_results"
    (results / "detailed_trades").mkdir(parents=True)
    for number in range(1, 6):
        name = f"universe_{number:03d}_5m_5lb"
        strategies = [_strategy(each, chance) for each in range(50)]
        for each in strategies[:2]:
            each["trades_detailed"] = [_trade(chance) for _ in range(trades)]
        document = {"universe_name": name, "statistics": {"total_strategies": 50}, "results": strategies}
        _dump(results / f"{name}_backtest.json", document)
    metrics = [{"strategy_name": f"s{each}", "metrics": _strategy(each, chance)} for each in range(trades * 10)]
    _dump(results / "all_strategies_metrics.json", {"total_strategies": len(metrics), "strategies": metrics})
    for number in range(4):
        logged = [_trade(chance) for _ in range(trades * 3)]
        log = {"strategy_name": f"s{number}", "metrics": _strategy(number, chance), "trades": logged}
        curve = [10_000 + chance.gauss(0, 100) for _ in logged]
        _dump(results / "detailed_trades" / f"s{number}.json", {**log, "equity_curve": curve})


def _dump(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2))


def _strategy(number: int, chance: Random) -> dict[str, Any]:
    figures = {name: chance.gauss(0, 1) for name in _FIGURES}
    return {"strategy_name": f"TrendFollower_L{number}_SL10_TP50", "n_trades": chance.randrange(1_000), **figures}


def _trade(chance: Random) -> dict[str, Any]:
    price = round(1.08 + chance.gauss(0, 0.01), 5)
    minutes = chance.randrange(500_000)
    bars = range(minutes - 50, minutes - 50 + _BARS_OF_A_TRADE)
    prices = [round(price + chance.gauss(0, 0.0005), 5) for _ in bars]
    return {
        "entry_time": _moment(minutes),
        "exit_time": _moment(minutes + chance.randrange(500)),
        "entry_price": price,
        "exit_price": round(price + chance.gauss(0, 0.001), 5),
        "direction": chance.choice(["long", "short"]),
        "pnl_pips": round(chance.gauss(0, 30), 1),
        "pnl_usd": chance.gauss(0, 30),
        "duration_minutes": chance.randrange(500),
        "exit_reason": chance.choice(["stop_loss", "take_profit", "signal"]),
        "market_context": {"volatility": chance.random(), "pattern_detected": "ohl:H", "hour_of_day": minutes // 60},
        "price_history": {
            "timestamps": [_moment(bar) for bar in bars],
            **{name: [round(one + chance.gauss(0, 0.0002), 5) for one in prices] for name in ("open", "high", "low")},
            "close": prices,
            "volume": [chance.randrange(50, 500) for _ in bars],
        },
    }


def _moment(minutes: int) -> str:
    day, rest = divmod(minutes, 1440)
    return f"2025-{day % 336 // 28 + 1:02d}-{day % 28 + 1:02d} {rest // 60:02d}:{rest % 60:02d}:00"


def main() -> None:
    """Print the table, and put it into the guide if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=500, help="of a strategy whose trades were logged")
    parser.add_argument("--write", action="store_true", help="also put the table into docs/parquet-migration.md")
    arguments = parser.parse_args()
    text, machine = measure_migration(arguments.trades), describe_machine()
    print(machine, text, sep="\n\n")
    if arguments.write:
        command = "python -m benchmarks.migration --write"
        put_between_marks(_PAGE, "migration", f"{text}\n\nMeasured on {machine}: `{command}`")


if __name__ == "__main__":
    main()
