"""What a run was: its settings, its inputs, the entries of the store that it names, how it went and ended.

::

    runs/<run id>/manifest.json  ranking.parquet  report.html  governor.parquet  <PAIR>_backtest.json

The manifest is replaced whole at every step, so that a run killed anywhere tells how far it came.
"""

import platform
import secrets
import shlex
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, TextIO

import pyarrow as pa

from necrozma_core.errors import DamagedError, UsageError
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.parquet import publish_table, read_table
from necrozma_core.storage.disk.process import Process
from necrozma_core.storage.disk.publish import Published, make_folder, publish_bytes, publish_file
from necrozma_core.storage.disk.schema_names import with_metadata
from necrozma_core.storage.disk.sealed import JSON
from necrozma_core.storage.results.schemas import EARLIER, GOVERNOR_SCHEMA, RANKING_SCHEMA
from necrozma_core.storage.results_folder import ResultsFolder
from necrozma_core.storage.runs.manifest import (
    Manifest,
    PairRecord,
    RunStatus,
    publish_manifest,
    read_manifest,
)
from necrozma_core.version import __version__

RANKING_FILE: Final = "ranking.parquet"
REPORT_FILE: Final = "report.html"
GOVERNOR_FILE: Final = "governor.parquet"

_LIBRARIES: Final = ("numpy", "numba", "pyarrow", "prefect")


class RunFolder:
    """A run's folder and its manifest, which every change replaces. Safe to share between threads.

    Parameters
    ----------
    results : ResultsFolder
    name : str
        Of the run's folder: the run's id, unless somebody renamed the folder.
    manifest : Manifest
    """

    def __init__(self, results: ResultsFolder, name: str, manifest: Manifest) -> None:
        self.results = results
        self.path = results.run(name)
        self._manifest = manifest
        self._files = results.files
        self._lock = threading.RLock()

    @classmethod
    def create(
        cls,
        results: Path,
        *,
        settings: Mapping[str, JSON],
        inputs: Mapping[str, JSON],
        keys: Mapping[str, str],
        versions: Mapping[str, str] | None = None,
        files: FileLayer = DISK,
    ) -> "RunFolder":
        """Begin a run: make its folder and the manifest, with every pair pending.

        Parameters
        ----------
        results : Path
            The results folder, of which the caller holds the lock.
        settings, inputs : mapping
            JSON values.
        keys : mapping of str to str
            The entry that each pair will have. Named from the start, so that cleaning never takes away what a
            run that was cut short had finished.
        versions : mapping, optional
            `installed_versions` unless given.

        Raises
        ------
        StorageError
            The folder cannot be written.
        """
        folder = ResultsFolder(results, files)
        make_folder(folder.runs, files=files)
        now = datetime.now(UTC)
        run_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        manifest = Manifest(
            run_id=run_id,
            status=RunStatus.RUNNING,
            process=Process.current(),
            started_at=now.isoformat(timespec="milliseconds"),
            ended_at=None,
            settings=dict(settings),
            inputs=dict(inputs),
            versions=installed_versions() if versions is None else dict(versions),
            pairs={pair: PairRecord(key) for pair, key in sorted(keys.items())},
        )
        run = cls(folder, run_id, manifest)
        with disk_errors("make", run.path):
            run.path.mkdir()
            files.sync_folder(folder.runs)
        run._publish(manifest)
        return run

    @classmethod
    def open(cls, results: Path, run_id: str) -> "RunFolder":
        """Take up a run that exists, as it stands.

        Raises
        ------
        DamagedError
            Its manifest is missing or not what was written.
        StorageError
            It cannot be read.
        """
        folder = ResultsFolder(results)
        return cls(folder, run_id, read_manifest(folder.run(run_id)))

    @property
    def manifest(self) -> Manifest:
        """The run as last published."""
        return self._manifest

    @property
    def run_id(self) -> str:
        """The run's id, which is its folder's name."""
        return self._manifest.run_id

    def record(self, pair: str, record: PairRecord) -> None:
        """Say how a pair stands; StorageError where that cannot be written."""
        with self._lock:
            self._publish(replace(self._manifest, pairs={**self._manifest.pairs, pair: record}))

    def finish(
        self,
        status: RunStatus,
        seconds: Mapping[str, float] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """End the run; StorageError where that cannot be written."""
        ended_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._lock:
            self._publish(
                replace(
                    self._manifest,
                    status=status,
                    ended_at=ended_at,
                    seconds={**self._manifest.seconds, **(seconds or {})},
                    counts={**self._manifest.counts, **(counts or {})},
                )
            )

    def publish_ranking(self, table: pa.Table, findings: Mapping[str, float | None] | None = None) -> Path:
        """Publish the ranking, RANKING_SCHEMA, and return where it is; StorageError where it cannot be written.

        What was found of the whole run goes into the manifest with it.
        """
        schema = with_metadata(RANKING_SCHEMA, {"run": self.run_id})
        return self._publish_file(
            RANKING_FILE,
            lambda path: publish_table(path, table, schema, files=self._files),
            findings=dict(findings or {}),
        )

    def publish_report(self, html: str) -> Path:
        """Publish the report and return where it is; StorageError where it cannot be written."""
        return self._publish_file(REPORT_FILE, lambda path: publish_bytes(path, html.encode(), files=self._files))

    def publish_json(self, name: str, write: Callable[[TextIO], None]) -> Path:
        """Publish a copy of results as JSON, and return where it is; StorageError where it cannot be written."""

        def fill(temporary: Path) -> None:
            with self._files.create(temporary) as handle, TextIOWrapper(handle, "ascii", newline="\n") as text:
                write(text)

        return self._publish_file(name, lambda path: publish_file(path, fill, files=self._files))

    def publish_governor(self, table: pa.Table) -> Path:
        """Publish what the governor did, GOVERNOR_SCHEMA, and return where; StorageError where it cannot be written."""
        schema = with_metadata(GOVERNOR_SCHEMA, {"run": self.run_id})
        return self._publish_file(GOVERNOR_FILE, lambda path: publish_table(path, table, schema, files=self._files))

    def forget(self, name: str) -> None:
        """Remove a published file, and the manifest's word for it first; StorageError where that fails."""
        with self._lock:
            if name in self._manifest.files:
                files = {other: file for other, file in self._manifest.files.items() if other != name}
                self._publish(replace(self._manifest, files=files))
            with disk_errors("remove", self.path / name):
                self._files.remove(self.path / name)

    def _publish_file(self, name: str, publish: Callable[[Path], Published], **said: Any) -> Path:
        """Publish a file, and name it in the manifest with what is said of it there."""
        with self._lock:
            # Between the two renames the manifest would vouch for bytes that are gone.
            if name in self._manifest.files:
                self.forget(name)
            published = publish(self.path / name)
            self._publish(replace(self._manifest, files={**self._manifest.files, name: published}, **said))
        return self.path / name

    def _publish(self, manifest: Manifest) -> None:
        with self._lock:
            publish_manifest(self.path, manifest, files=self._files)
            self._manifest = manifest


def read_ranking(path: Path, manifest: Manifest) -> pa.Table:
    """Read the ranking of a run's folder, RANKING_SCHEMA; parsed only after its hash was found right.

    Raises
    ------
    DamagedError
        It is not there as it was published.
    StorageError
        It cannot be read.
    """
    if RANKING_FILE not in manifest.files:
        results = shlex.quote(str(path.absolute().parents[1]))
        raise DamagedError(
            f"{path}: the run ended without a ranking; "
            f"go on with it by `necrozma retry {manifest.run_id} --results {results}`"
        )
    return read_table(path / RANKING_FILE, manifest.files[RANKING_FILE], RANKING_SCHEMA, EARLIER)


def read_governor(path: Path, manifest: Manifest) -> pa.Table:
    """Read what the governor of a run did, GOVERNOR_SCHEMA; parsed only after its hash was found right.

    Raises
    ------
    UsageError
        The run has no such record: it computed nothing, or was killed.
    DamagedError
        It is not there as it was published.
    StorageError
        It cannot be read.
    """
    if GOVERNOR_FILE not in manifest.files:
        raise UsageError(f"{path}: the run {manifest.run_id} left no record of its governor: nothing was computed")
    return read_table(path / GOVERNOR_FILE, manifest.files[GOVERNOR_FILE], GOVERNOR_SCHEMA)


def installed_versions() -> dict[str, str]:
    """Return the versions of the product, of Python and of the libraries that are installed."""
    versions = {"necrozma": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return versions
