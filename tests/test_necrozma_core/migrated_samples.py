"""Documents of the original program as it wrote them, and a reader of migrated ones that is not the code's own."""

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq

FIGURES = (
    *("win_rate", "profit_factor", "total_return", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown"),
    *("avg_win", "avg_loss", "largest_win", "largest_loss", "expectancy", "recovery_factor", "ulcer_index"),
)


def trade(chance: Random) -> dict[str, Any]:
    """One trade as the original's detailed tracking kept it."""
    entry = round(1 + chance.random() / 5, 5)
    return {
        "entry_time": "2025-01-15 14:35:00",
        "exit_time": "2025-01-15 18:20:00",
        "entry_price": entry,
        "exit_price": round(entry + chance.gauss(0, 0.001), 5),
        "direction": chance.choice(["long", "short"]),
        "pnl_pips": chance.gauss(0, 30),
        "pnl_usd": chance.gauss(0, 30),
        "pnl_pct": chance.gauss(0, 1),
        "duration_minutes": chance.randint(1, 500),
        "exit_reason": "take_profit",
        "market_context": {"volatility": chance.random(), "pattern_sequence": ["ohl:L", "ohl:H"], "hour_of_day": 14},
        "price_history": {"timestamps": ["2025-01-15 13:05:00"], "close": [entry] * 3},
    }


def strategy(number: int, chance: Random) -> dict[str, Any]:
    """One strategy's figures as the original's `to_dict` gave them: it wrote 0.0, NaN and Infinity for undefined."""
    figures: dict[str, Any] = {"strategy_name": f"TrendFollower_L{number}_SL10_TP50", "n_trades": number}
    figures |= {name: chance.gauss(0, 1) for name in FIGURES}
    if number % 3 == 0:
        figures |= {"profit_factor": math.inf, "sharpe_ratio": math.nan, "max_drawdown": -0.0, "win_rate": 0}
    return figures


def backtest(name: str, strategies: int = 6, trades: int = 0) -> dict[str, Any]:
    """One ``universe_*_backtest.json``."""
    chance = Random(name)
    results = [strategy(number, chance) for number in range(strategies)]
    for result in results[: strategies // 2] if trades else ():
        result["trades_detailed"] = [trade(chance) for _ in range(trades)]
    return {
        "universe_name": name,
        "universe_metadata": {"interval": 5, "lookback": 5, "total_patterns": 72},
        "backtest_timestamp": "2026-01-14T10:22:31.123456",
        "statistics": {"total_strategies": strategies, "successful": strategies, "failed": 0},
        "results": results,
    }


def write_original(folder: Path) -> None:
    """Write a folder as the original's documents show it: universes, results, consolidated, trades, sidecars."""
    chance = Random(1)
    results = folder / "backtest_results"
    documents: dict[str, Any] = {
        f"backtest_results/{name}_backtest.json": backtest(name, trades=3 if "002" in name else 0)
        for name in ("universe_001_5m_5lb", "universe_002_5m_10lb")
    }
    documents["backtest_results/consolidated_backtest_results.json"] = {
        "backtest_timestamp": "2026-01-14T10:30:00",
        "total_universes": 2,
        "universes": [{"universe_name": "universe_001_5m_5lb", "strategies_tested": 6, "best_sharpe": 2.1}],
    }
    documents["backtest_results/all_strategies_metrics.json"] = {
        "total_strategies": 2,
        "strategies": [
            {"strategy_name": f"s{number}", "universe": "universe_001_5m_5lb", "metrics": strategy(number, chance)}
            for number in range(2)
        ],
    }
    documents["backtest_results/detailed_trades/TrendFollower_L1_SL10_TP50.json"] = {
        "strategy_name": "TrendFollower_L1_SL10_TP50",
        "universe": "universe_001_5m_5lb",
        "rank": 1,
        "metrics": strategy(1, chance),
        "trades": [trade(chance) for _ in range(4)],
        "equity_curve": [10_000.0, 10_003.25, 9_999.5],
        "drawdown_curve": [],
    }
    documents["backtest_results/universe_003_1h_5lb_backtest_metadata.json"] = {"universe_name": "universe_003_1h_5lb"}
    documents["universes/universe_001_5m_5lb.json"] = {
        "name": "universe_001_5m_5lb",
        "config": {"interval": 5, "lookback": 5},
        "results": {"Médio": {"up": {"total_occurrences": 15, "feature_stats": {"ohlc_body_mean_mean": 0.48}}}},
        "ohlc_data": [{"timestamp": "2025-01-01T00:00:00", "open": 1.1, "tick_volume": 250}] * 3,
    }
    for name, document in documents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(document, indent=2))
    (results / "universe_003_1h_5lb_backtest.parquet").write_bytes(b"PAR1 of the original")


def rebuild(folder: Path) -> Any:
    """Make a document of its Parquet files and their manifest alone."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    rows = _records(folder / "document.parquet")
    members = {row["member"]: json.loads(row["json"]) if row["file"] is None else None for row in rows}
    for row in rows:
        if row["file"] is not None:
            members[row["member"]] = _records(folder / row["file"])
        if row["file"] == "levels.parquet":
            levels: dict[str, Any] = {}
            for record in members[row["member"]]:
                levels.setdefault(record.pop("level"), {})[record.pop("direction")] = record
            members[row["member"]] = levels
    for name, file in files.items():
        if file["of"] and (key := file["of"]["inner"]):
            parents = members[file["of"]["member"]]
            for parent in parents:
                parent[key] = [] if parent.get(key) is not None else parent.get(key, "absent")
                if parent[key] == "absent":
                    del parent[key]
            for record, parent in zip(_records(folder / name), _parents(folder / name), strict=True):
                parents[parent][key].append(record)
    return members.get(None, members)


def is_same_number_or_text(found: Any, wanted: Any) -> bool:
    """Compare as JSON: 1 and 1.0 are one number, minus zero is another than zero, NaN is NaN, true is no number."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        if isinstance(found, float) and isinstance(wanted, float):
            both_nan = math.isnan(found) and math.isnan(wanted)
            return both_nan or (found == wanted and math.copysign(1, found) == math.copysign(1, wanted))
        return found == wanted
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(is_same_number_or_text(found[key], wanted[key]) for key in found)
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(is_same_number_or_text, found, wanted))
    return type(found) is type(wanted) and bool(found == wanted)


def _records(path: Path) -> list[dict[str, Any]]:
    table = pq.read_table(path)
    columns = json.loads(table.schema.metadata[b"necrozma.columns"])
    records = []
    for row in table.to_pylist():
        absent = json.loads(row.get("_absent") or "[]")
        record: dict[str, Any] = {}
        for column in columns:
            if column["name"] in absent:
                continue
            cell = row[column["name"]]
            value = json.loads(cell) if column["kind"] == "json" and cell is not None else cell
            if not column["path"]:
                record = value
            elif len(column["path"]) == 1:
                record[column["path"][0]] = value
            else:
                record.setdefault(column["path"][0], {})[column["path"][1]] = value
        records.append(record)
    return records


def _parents(path: Path) -> list[int]:
    return pq.read_table(path, columns=["_row"])["_row"].to_pylist()
