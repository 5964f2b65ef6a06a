"""The store of results: one entry a pair and key, addressed by content, there as a whole or not at all.

::

    store/<PAIR>/<key>/metrics.parquet  moments.parquet  returns.parquet  trades.parquet  commit.json

The commit is written last and holds size, rows and sha256 of the others; without it there is no entry. An
entry that is committed and whole is never written again: its key says that it would hold the same bytes.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from necrozma_core.errors import DamagedError, StorageError, UsageError, shown
from necrozma_core.market.instruments import PAIRS, get_pair
from necrozma_core.storage.disk.errors import disk_errors
from necrozma_core.storage.disk.layer import DISK, FileLayer
from necrozma_core.storage.disk.parquet import ParquetStream, parquet_stream, read_bytes, read_labelled, read_table
from necrozma_core.storage.disk.publish import Published, draft, make_folder, seal
from necrozma_core.storage.disk.schema_names import schema_name, with_metadata
from necrozma_core.storage.disk.sealed import JSON, publish_sealed, read_sealed
from necrozma_core.storage.results.schemas import EARLIER, METRICS_SCHEMA, MOMENTS_SCHEMA, RETURNS_SCHEMA, TRADES_SCHEMA
from necrozma_core.system.chosen import SYSTEM

METRICS_FILE: Final = "metrics.parquet"
MOMENTS_FILE: Final = "moments.parquet"
RETURNS_FILE: Final = "returns.parquet"
TRADES_FILE: Final = "trades.parquet"
COMMIT_FILE: Final = "commit.json"

_SCHEMAS: Final = {
    METRICS_FILE: METRICS_SCHEMA,
    MOMENTS_FILE: MOMENTS_SCHEMA,
    RETURNS_FILE: RETURNS_SCHEMA,
    TRADES_FILE: TRADES_SCHEMA,
}
# Trades are most of what is written, so they are written in the fastest way that keeps them small.
_COMPRESSION: Final = {METRICS_FILE: "zstd", MOMENTS_FILE: "zstd", RETURNS_FILE: "zstd", TRADES_FILE: "lz4"}
_PLAIN: Final = {
    METRICS_FILE: (),
    MOMENTS_FILE: ("sharpe", "skew", "kurtosis", "block_returns", "block_squares"),
    RETURNS_FILE: ("return",),
    TRADES_FILE: ("entry_price", "exit_price", "profit"),
}
_COMMIT_SCHEMA: Final = "commit/1"
_KEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ResultWriter:
    """Streams one entry's tables to disk; made by `ResultStore.open_writer`."""

    def __init__(self, folder: Path, streams: Mapping[str, ParquetStream]) -> None:
        self._folder = folder
        self._streams = streams
        self.details: dict[str, JSON] = {}

    def write_metrics(self, table: pa.Table) -> None:
        """Add rows of METRICS_SCHEMA; how they are cut into tables does not show in the file."""
        self._write(METRICS_FILE, table)

    def write_moments(self, table: pa.Table) -> None:
        """Add rows of MOMENTS_SCHEMA, one for each of the metrics and in their order."""
        self._write(MOMENTS_FILE, table)

    def write_returns(self, table: pa.Table) -> None:
        """Add rows of RETURNS_SCHEMA; how they are cut into tables does not show in the file."""
        self._write(RETURNS_FILE, table)

    def write_trades(self, table: pa.Table) -> None:
        """Add rows of TRADES_SCHEMA; how they are cut into tables does not show in the file."""
        self._write(TRADES_FILE, table)

    def describe(self, details: Mapping[str, JSON]) -> None:
        """Add to what the commit says of the entry; nothing that differs from run to run, such as a time."""
        self.details.update(details)

    def _write(self, name: str, table: pa.Table) -> None:
        with disk_errors("write", self._folder / name):
            self._streams[name].write(table)


class ResultStore:
    """The entries below one folder.

    Parameters
    ----------
    root : Path
        The folder ``store`` of a results folder; made when first written to.
    files : FileLayer
        How the disk is reached.
    """

    def __init__(self, root: Path, *, files: FileLayer = DISK) -> None:
        self.root = root
        self._files = files

    def folder(self, pair: str, key: str) -> Path:
        """Return the folder of an entry, whether or not it exists.

        Raises
        ------
        UnknownPairError
            The pair is not in the instrument table.
        UsageError
            The key is not a sha256 in hexadecimal. Nothing else ever becomes part of a path.
        """
        if not _KEY.fullmatch(key):
            raise UsageError(f"expected a key of 64 hexadecimal digits, found {shown(key, 80)}")
        return self.root / get_pair(pair).name / key

    def has(self, pair: str, key: str) -> bool:
        """Tell whether the entry is committed and its files have their sizes; contents are left to the readers.

        Raises
        ------
        StorageError
            The commit is there and cannot be read.
        """
        folder = self.folder(pair, key)
        try:
            commit = self.commit_of(pair, key)
            return all((folder / name).stat().st_size == file["bytes"] for name, file in commit["files"].items())
        except (DamagedError, OSError):
            return False

    def commit_of(self, pair: str, key: str) -> dict[str, Any]:
        """Read what was committed: ``files`` with bytes, rows, sha256 and schema of each, and ``details``.

        Raises
        ------
        DamagedError
            There is no commit, or it is not the one that was written.
        StorageError
            It cannot be read.
        """
        path = self.folder(pair, key) / COMMIT_FILE
        if not path.exists():
            raise DamagedError(f"{path}: nothing is committed there; run the backtest again")
        commit = read_sealed(path)
        if (commit.get("schema"), commit.get("pair"), commit.get("key")) != (_COMMIT_SCHEMA, pair, key):
            raise DamagedError(f"{path}: it is the commit of another entry; run `necrozma verify --repair`")
        return commit

    @contextmanager
    def open_writer(self, pair: str, key: str, metadata: Mapping[str, str]) -> Iterator[ResultWriter]:
        """Hold a writer for an entry, committed when the block ends and leaving no trace where it raises.

        Parameters
        ----------
        pair, key : str
        metadata : mapping of str to str
            Goes into every file's metadata as ``necrozma.<name>``; the same for the same key.

        Raises
        ------
        StorageError
            The disk is full, read-only or faulty; an older entry is untouched.

        Notes
        -----
        Memory holds one row group a file. Where a whole entry of that key appeared meanwhile, it stays.
        """
        folder = self.folder(pair, key)
        make_folder(folder, files=self._files)
        with ExitStack() as drafts:
            temporaries = {name: drafts.enter_context(draft(folder / name, files=self._files)) for name in _SCHEMAS}
            with self._open_streams(folder, temporaries, {"pair": pair, **metadata}) as streams:
                writer = ResultWriter(folder, streams)
                yield writer
            rows = {name: stream.rows for name, stream in streams.items()}
            self._commit(pair, key, temporaries, rows, writer.details)

    def read_metrics(self, pair: str, key: str) -> pa.Table:
        """Read an entry's figures, METRICS_SCHEMA; nothing is parsed before its hash was found right.

        Raises
        ------
        DamagedError
            The entry is not there as it was committed.
        StorageError
            It cannot be read.
        """
        return self._read(pair, key, METRICS_FILE)

    def read_trades(self, pair: str, key: str) -> pa.Table:
        """Read an entry's trades, TRADES_SCHEMA; otherwise like `read_metrics`."""
        return self._read(pair, key, TRADES_FILE)

    def read_moments(self, pair: str, key: str) -> pa.Table:
        """Read the shape of an entry's daily returns, MOMENTS_SCHEMA; otherwise like `read_metrics`."""
        return self._read(pair, key, MOMENTS_FILE)

    def read_returns(self, pair: str, key: str) -> pa.Table:
        """Read the daily returns that an entry kept, RETURNS_SCHEMA; otherwise like `read_metrics`.

        Strategies are dictionaries: a name is there once, however many days it has.
        """
        return self._read(pair, key, RETURNS_FILE, labels=("strategy",))

    def read_closed(self, pair: str, key: str, strategy: str) -> pa.Table:
        """Read what one strategy's trades brought, and when: ``exit_time``, ``profit``, ``commission``, ``swap``.

        Like `read_trades`, without decoding what others traded; without rows where its trades were not kept.
        """
        file = self.commit_of(pair, key)["files"][TRADES_FILE]
        columns = ("exit_time", "profit", "commission", "swap")
        path = self.folder(pair, key) / TRADES_FILE
        return read_labelled(path, _published(file), "strategy", strategy, columns)

    def check(self, pair: str, key: str) -> None:
        """Read an entry's files whole against their hashes.

        Raises
        ------
        DamagedError
            The entry is not there as it was committed.
        StorageError
            It cannot be read.
        """
        folder = self.folder(pair, key)
        for name, file in self.commit_of(pair, key)["files"].items():
            read_bytes(folder / name, _published(file))

    def entries(self) -> Iterator[tuple[str, str]]:
        """Go through the folders of entries, committed or not, as (pair, key), in order."""
        with disk_errors("read", self.root):
            folders = sorted(self.root.glob("*/*"))
        for folder in folders:
            if folder.parent.name in PAIRS and _KEY.fullmatch(folder.name) and folder.is_dir():
                yield folder.parent.name, folder.name

    def remove(self, pair: str, key: str) -> None:
        """Remove an entry; its commit first, so that a kill on the way leaves no entry rather than half of one.

        Raises
        ------
        StorageError
            It cannot be removed.
        """
        folder = self.folder(pair, key)
        with disk_errors("remove", folder):
            if not folder.is_dir():
                return
            self._revoke(folder)
            for path in folder.iterdir():
                if not _is_folder(path):
                    self._files.remove(path)
            # A folder in it is somebody else's, and stays unless it is empty.
            for path in [*folder.iterdir(), folder]:
                with suppress(OSError):
                    path.rmdir()

    def _read(self, pair: str, key: str, name: str, labels: Sequence[str] = ()) -> pa.Table:
        path, files = self.folder(pair, key) / name, self.commit_of(pair, key)["files"]
        if name not in files:
            raise DamagedError(f"{path}: an earlier release stored the entry, without it; run the backtest again")
        return read_table(path, _published(files[name]), _SCHEMAS[name], EARLIER, labels=labels)

    @contextmanager
    def _open_streams(
        self, folder: Path, temporaries: Mapping[str, Path], metadata: Mapping[str, str]
    ) -> Iterator[Mapping[str, ParquetStream]]:
        # Disk trouble is caught where it arises: the caller's block between may raise an OSError of its own.
        with ExitStack() as stack:
            with disk_errors("write", folder):
                streams = {
                    name: stack.enter_context(
                        parquet_stream(
                            temporary,
                            with_metadata(_SCHEMAS[name], metadata),
                            compression=_COMPRESSION[name],
                            plain=_PLAIN[name],
                            files=self._files,
                        )
                    )
                    for name, temporary in temporaries.items()
                }
            yield streams
            with disk_errors("write", folder):
                stack.close()

    def _commit(
        self, pair: str, key: str, temporaries: Mapping[str, Path], rows: Mapping[str, int], details: Mapping[str, JSON]
    ) -> None:
        folder = self.folder(pair, key)
        sealed = {name: seal(path, folder / name, files=self._files) for name, path in temporaries.items()}
        record: dict[str, JSON] = {
            "schema": _COMMIT_SCHEMA,
            "pair": pair,
            "key": key,
            "files": {
                name: {
                    "bytes": file.size,
                    "rows": rows[name],
                    "sha256": file.sha256,
                    "schema": schema_name(_SCHEMAS[name]),
                }
                for name, file in sealed.items()
            },
            "details": details,
        }
        # Two that finish the same entry at the same moment take turns; the second finds it whole.
        with disk_errors("publish", folder), SYSTEM.alone_in(folder):
            if self._is_whole(pair, key):
                return
            self._revoke(folder)
            for name, temporary in temporaries.items():
                self._make_way(folder / name)
                self._files.rename(temporary, folder / name)
            self._files.sync_folder(folder)
            publish_sealed(folder / COMMIT_FILE, record, files=self._files)

    def _revoke(self, folder: Path) -> None:
        commit = folder / COMMIT_FILE
        self._make_way(commit)
        if commit.is_symlink() or commit.exists():
            self._files.remove(commit)
            self._files.sync_folder(folder)

    def _make_way(self, path: Path) -> None:
        """Set aside a folder that somebody put where a file of ours belongs: no file can take its place."""
        if _is_folder(path):
            self._files.rename(path, path.with_name(f"{path.name}.set-aside-{secrets.token_hex(4)}"))

    def _is_whole(self, pair: str, key: str) -> bool:
        try:
            self.check(pair, key)
        except StorageError:
            return False
        return True


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _published(file: Mapping[str, Any]) -> Published:
    return Published(size=file["bytes"], sha256=file["sha256"])
