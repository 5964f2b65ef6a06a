"""What is recorded of a run, as a value, and its form at rest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from necrozma_core.errors import DamagedError, StorageError
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.process import Process
from necrozma_core.storage.disk.publish import Published
from necrozma_core.storage.disk.sealed import publish_sealed, read_sealed

MANIFEST_FILE: Final = "manifest.json"

_MANIFEST_SCHEMA: Final = "manifest/1"


class RunStatus(StrEnum):
    """How a run stands or ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CRASHED = "crashed"


class PairState(StrEnum):
    """How a pair of a run stands: not yet done, computed by this run, found in the store, or failed."""

    PENDING = "pending"
    COMPUTED = "computed"
    REUSED = "reused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PairRecord:
    """One pair of a run.

    Attributes
    ----------
    key : str
        Its entry in the store.
    state : PairState
    failure : str or None
        Why the pair failed, in one line.
    strategy_failures : tuple of (name, reason)
        Strategies that failed alone.
    counts : mapping of str to int
        Such as ``strategies``, ``failed_strategies``, ``trades``, ``ticks``.
    seconds : mapping of str to float
        Time spent by stage.
    """

    key: str
    state: PairState = PairState.PENDING
    failure: str | None = None
    strategy_failures: tuple[tuple[str, str], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a run.

    Attributes
    ----------
    run_id : str
        ``20250131-221500-3f2a``: the start in UTC, and four digits that keep two of one second apart.
    status : RunStatus
    process : Process
        The process that ran it.
    started_at, ended_at : str, str or None
        ISO 8601 in UTC.
    settings, inputs : mapping
        What the user asked for, and the hash of each thing it was computed from.
    versions : mapping of str to str
        Of the product and of the libraries whose results could differ.
    pairs : mapping of str to PairRecord
    seconds : mapping of str to float
        Time spent by stage of the run.
    files : mapping of str to Published
        Size and sha256 of ``ranking.parquet``, ``report.html`` and what else is published, once it is there.
    counts : mapping of str to int
        ``strategies`` and ``failed_strategies`` of all pairs that were tried, each counted once a pair; empty in a run
        that did not end by itself, and in one of an earlier release.
    findings : mapping of str to float or None
        How much of the run is luck: ``pbo``, ``spa_p_value``, ``effective_trials``, None where undefined; empty without
        a ranking, and in a run of an earlier release.
    """

    run_id: str
    status: RunStatus
    process: Process
    started_at: str
    ended_at: str | None
    settings: Mapping[str, Any]
    inputs: Mapping[str, Any]
    versions: Mapping[str, str]
    pairs: Mapping[str, PairRecord]
    seconds: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, Published] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, str]:
        """The entry of each pair."""
        return {pair: record.key for pair, record in self.pairs.items()}

    def pairs_in(self, *states: PairState) -> list[str]:
        """List the pairs in one of some states, in order."""
        return sorted(pair for pair, record in self.pairs.items() if record.state in states)


def publish_manifest(path: Path, manifest: Manifest, *, files: FileLayer = DISK) -> None:
    """Put the manifest in a run's folder, in place of an older one.

    Raises
    ------
    StorageError
        It cannot be written; the older one is untouched.
    """
    publish_sealed(path / MANIFEST_FILE, {"schema": _MANIFEST_SCHEMA, **asdict(manifest)}, files=files)


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a run's folder.

    Raises
    ------
    DamagedError
        It is missing, not what was written, or of another version of the product.
    StorageError
        It cannot be read.
    """
    file = path / MANIFEST_FILE
    if not file.exists():
        raise DamagedError(f"{file}: missing; the run left nothing to read")
    record = read_sealed(file)
    if (found := record.pop("schema", None)) != _MANIFEST_SCHEMA:
        raise StorageError(
            f"{file}: expected the schema {_MANIFEST_SCHEMA}, found {found}; read it with its own version"
        )
    pairs = {
        pair: PairRecord(
            **{
                **values,
                "state": PairState(values["state"]),
                "strategy_failures": tuple((name, reason) for name, reason in values["strategy_failures"]),
            }
        )
        for pair, values in record["pairs"].items()
    }
    files = {name: Published(**values) for name, values in record["files"].items()}
    process = Process(**record["process"])
    return Manifest(
        **{**record, "status": RunStatus(record["status"]), "process": process, "pairs": pairs, "files": files}
    )
