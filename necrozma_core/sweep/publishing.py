"""The end of the river: stored results to a ranking and a report in the run's folder."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from necrozma_core.backtest.request import Receipt
from necrozma_core.reporting.page import render_report
from necrozma_core.reporting.ranking import rank_metrics
from necrozma_core.storage.runs.folder import RunFolder, read_ranking


def publish_ranking(run: RunFolder, receipts: Sequence[Receipt]) -> tuple[Path, pa.Table]:
    """Rank every strategy of every pair and publish the table in the run's folder.

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
    ranking = rank_metrics([store.read_metrics(receipt.pair, receipt.key) for receipt in receipts])
    return run.publish_ranking(ranking), ranking


def publish_page(run: RunFolder) -> Path:
    """Publish the report of a run that has a ranking, and return where it is.

    Raises
    ------
    DamagedError
        The ranking is not what was published.
    StorageError
        The report cannot be written.
    """
    return run.publish_report(render_report(read_ranking(run.path, run.manifest), asdict(run.manifest)))
