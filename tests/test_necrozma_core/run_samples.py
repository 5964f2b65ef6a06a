"""Runs as they are at rest, that the tests of stored runs share."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from necrozma_core.storage.disk.process import Process
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.folder import RunFolder
from necrozma_core.storage.runs.manifest import PairRecord, PairState, RunStatus, publish_manifest

FIXED = Process(pid=2**30, host="elsewhere", boot="", started="")


def put_run(
    results: Path,
    run_id: str,
    *,
    keys: Mapping[str, str] | None = None,
    state: PairState = PairState.COMPUTED,
    status: RunStatus = RunStatus.COMPLETED,
    process: Process = FIXED,
    settings: Mapping[str, Any] | None = None,
) -> RunFolder:
    """A run as if it had been made earlier, started at its id, with all pairs in one state."""
    run = RunFolder.create(
        results, settings=settings or {"lots": 0.1}, inputs={}, keys=keys or {}, versions={"numpy": "2.0"}
    )
    path = ResultsFolder(results).run(run_id)
    run.path.rename(path)
    pairs = {pair: PairRecord(key, state) for pair, key in (keys or {}).items()}
    manifest = replace(run.manifest, run_id=run_id, started_at=run_id, status=status, process=process, pairs=pairs)
    publish_manifest(path, manifest)
    return RunFolder(ResultsFolder(results), run_id, manifest)
