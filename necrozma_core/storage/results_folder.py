"""Where things are in a results folder: the only place that names its parts.

::

    <results>/store/<PAIR>/<key>/    entries, see `necrozma_core.storage.results`
    <results>/runs/<run id>/         runs, see `necrozma_core.storage.runs`
"""

from dataclasses import dataclass
from pathlib import Path

from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.results.store import ResultStore


@dataclass(frozen=True, slots=True)
class ResultsFolder:
    """A results folder, which need not exist yet.

    Attributes
    ----------
    path : Path
    files : FileLayer
        How the disk is written; tests put a failing one in its place.
    """

    path: Path
    files: FileLayer = DISK

    @property
    def store(self) -> ResultStore:
        """The entries that its runs name."""
        return ResultStore(self.path / "store", files=self.files)

    @property
    def runs(self) -> Path:
        """The folder below which each run has its own."""
        return self.path / "runs"

    def run(self, run_id: str) -> Path:
        """Return the folder of a run, whether or not it exists."""
        return self.runs / run_id
