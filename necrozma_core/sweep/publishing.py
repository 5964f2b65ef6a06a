"""The end of the river: stored results to a ranking and a report in the run's folder."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from necrozma_core.backtest.request import Receipt
from necrozma_core.errors import StorageError
from necrozma_core.market.timeframes import parse_timeframe
from necrozma_core.reporting.curves import Curve, read_curve
from necrozma_core.reporting.page import render_report
from necrozma_core.reporting.ranking import RankBy, best_of_pairs, rank_metrics
from necrozma_core.storage.disk.sealed import JSON
from necrozma_core.storage.results.json_copy import json_copy_name, trades_in_order, write_json_copy
from necrozma_core.storage.runs.folder import RunFolder, read_ranking
from necrozma_core.sweep.judging import judge_run


def publish_ranking(run: RunFolder, receipts: Sequence[Receipt]) -> tuple[Path, pa.Table]:
    """Judge and rank every strategy of every pair, and publish the table in the run's folder.

    What is ranked by is the run's setting ``rank_by``; what is found of the whole run goes into its manifest.

    Parameters
    ----------
    run : RunFolder
    receipts : sequence of Receipt
        Of the pairs that are stored, in any order.

    Returns
    -------
    tuple of (Path, pyarrow.Table)
        Of ``ranking.parquet``; the table is of ``RANKING_SCHEMA``.

    Raises
    ------
    DamagedError
        A stored result is not what was committed.
    StorageError
        The table cannot be written.
    """
    store = run.results.store
    receipts = sorted(receipts, key=lambda receipt: receipt.pair)
    tables = [store.read_metrics(receipt.pair, receipt.key) for receipt in receipts]
    judgement = judge_run(store, receipts, tables)
    by = RankBy(run.manifest.settings.get("rank_by", RankBy.DEFLATED_SHARPE))
    ranking = rank_metrics(tables, judgement.columns, by)
    return run.publish_ranking(ranking, judgement.run), ranking


def publish_json(run: RunFolder, receipt: Receipt) -> Path:
    """Publish a pair's result once more as JSON in the run's folder, unless it is there, and return where it is.

    Raises
    ------
    DamagedError
        The stored result is not what was committed.
    StorageError
        The file cannot be written.
    ValueError
        The result holds what JSON has no word for.
    """
    name = json_copy_name(receipt.pair)
    if name in run.manifest.files:
        return run.path / name
    store = run.results.store
    metrics = store.read_metrics(receipt.pair, receipt.key)
    timeframe = str(metrics["timeframe"][0])
    failed = len(receipt.failures)
    head: dict[str, JSON] = {
        "universe_name": f"{receipt.pair}_{timeframe}",
        "universe_metadata": {"pair": receipt.pair, "timeframe": timeframe, "interval": _minutes(timeframe)},
        "backtest_timestamp": run.manifest.started_at,
        "statistics": {
            "total_strategies": receipt.strategies,
            "successful": receipt.strategies - failed,
            "failed": failed,
        },
        "run": run.run_id,
        "key": receipt.key,
    }
    trades = trades_in_order(store, receipt.pair, receipt.key)
    return run.publish_json(name, lambda handle: write_json_copy(handle, head, metrics, trades))


def _minutes(timeframe: str) -> float:
    minutes = parse_timeframe(timeframe) / 60_000
    return int(minutes) if minutes.is_integer() else minutes


def publish_page(run: RunFolder) -> Path:
    """Publish the report of a run that has a ranking, and return where it is.

    The balance of each pair's best strategy is drawn where its trades are stored.

    Raises
    ------
    DamagedError
        The ranking is not what was published.
    StorageError
        The report cannot be written.
    """
    ranking = read_ranking(run.path, run.manifest)
    return run.publish_report(render_report(ranking, asdict(run.manifest), _curves(run, ranking)))


def _curves(run: RunFolder, ranking: pa.Table) -> list[Curve]:
    """Follow the account under each pair's best strategy, as far as its trades are stored and can be read."""
    balance = run.manifest.settings.get("initial_balance")
    if balance is None:
        return []
    store, keys = run.results.store, run.manifest.keys
    curves = []
    for row in best_of_pairs(ranking).select(["pair", "strategy", "trades"]).to_pylist():
        pair, strategy = row["pair"], row["strategy"]
        if not row["trades"] or pair not in keys:
            continue
        try:
            curve = read_curve(store, pair, keys[pair], strategy, float(balance))
        except StorageError as error:
            # The ranking is whole: a report without this picture is worth more than none.
            curve = Curve(pair, strategy, None, f"not drawn: {error}")
        if curve is not None:
            curves.append(curve)
    return curves
