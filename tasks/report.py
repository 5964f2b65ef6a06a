"""A run as one HTML page, and what Prefect's UI shows of it."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.sweep.publishing import publish_page
from tasks.artifacts import governor_artifact, run_artifact


@task(name="publish-report", task_run_name="publish-report", cache_policy=NO_CACHE, persist_result=False)
def publish_report(run: RunFolder) -> Path:
    """Publish the report of a run that has a ranking and link to it; see `publish_page`."""
    path = publish_page(run)
    run_artifact(run.manifest, path)
    governor_artifact(run.path, run.manifest)
    return path
