"""All pairs of a run in one table, in order of merit."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from necrozma_core.backtest.request import Receipt
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.sweep.publishing import publish_ranking
from tasks.artifacts import ranking_artifact


@task(name="rank-results", task_run_name="rank-results", cache_policy=NO_CACHE, persist_result=False)
def rank_results(run: RunFolder, receipts: Sequence[Receipt]) -> Path:
    """Publish the ranking of the pairs that are stored and show its top; see `publish_ranking`."""
    path, ranking = publish_ranking(run, receipts)
    ranking_artifact(ranking, path, run.manifest.settings, run.manifest.findings)
    return path
