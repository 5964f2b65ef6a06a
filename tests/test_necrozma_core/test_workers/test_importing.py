"""Files of many pairs: the same bytes whatever the number of processes, each pair by itself, ended at any point."""

import os
import signal
import subprocess
import sys
from collections.abc import Set
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from worker_chores import DeadlySet

from necrozma_core.errors import DataError, WorkerDiedError
from necrozma_core.feeds.formats.registry import ReadOptions
from necrozma_core.feeds.intake import import_files
from necrozma_core.feeds.sorting import sort_files
from necrozma_core.market.instruments import Pair
from necrozma_core.storage.ticks.store import TickStore
from necrozma_core.workers import importing
from necrozma_core.workers.importing import PairImport, import_pairs

PRICES = {"EURUSD": "1.08{digit}12,1.08{digit}19", "USDJPY": "148.{digit}12,148.{digit}19"}


def write_month(path: Path, pair: str, month: int, rows: int, extra: str = "") -> None:
    start = datetime(2024, month, 1, tzinfo=UTC)
    lines = [
        f"{(start + timedelta(seconds=row)).isoformat()},{PRICES[pair].format(digit=row % 10)}\n" for row in range(rows)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("timestamp,bid,ask\n" + "".join(lines) + extra)


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    for pair in PRICES:
        for month in (1, 2, 3):
            write_month(tmp_path / "feed" / f"{pair}_{month}.csv", pair, month, 400)
    return tmp_path / "feed"


@pytest.fixture
def worth_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr(importing, "_BUNDLE_BYTES", 20_000)


def import_all(feed: Path, data: Path, workers: int = 1, share: float = 0.0) -> dict[str, PairImport]:
    found = sort_files([feed], None, ReadOptions()).by_pair
    return {done.pair: done for done in import_pairs(found, data, workers=workers, quarantine_share=share)}


def stored(data: Path) -> dict[str, bytes]:
    files = (path for path in data.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(data)): path.read_bytes() for path in files}


@pytest.mark.usefixtures("worth_processes")
def test_any_number_of_processes_stores_the_same_bytes_and_says_the_same(feed: Path, tmp_path: Path) -> None:
    write_month(feed / "EURUSD_4.csv", "EURUSD", 4, 400, "bad,1,1\n")
    for pair in PRICES:
        files = sorted(feed.glob(f"{pair}*"))
        import_files(files, pair, tmp_path / "serial", quarantine_share=0.5)

    reports = [import_all(feed, tmp_path / f"{workers}", workers, 0.5) for workers in (1, 3)]

    assert stored(tmp_path / "1") == stored(tmp_path / "3") == stored(tmp_path / "serial")
    assert len(stored(tmp_path / "1")) == 9  # with two reports a pair
    for pair in PRICES:
        one, three = (report[pair].report for report in reports)
        assert one is not None
        assert three is not None
        assert (one.kept, one.files, one.quarantined) == (three.kept, three.files, three.quarantined)


@pytest.mark.parametrize("in_processes", [False, True])
def test_a_pair_that_fails_leaves_the_others_and_says_the_first_file_that_is_wrong(
    feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_processes: bool
) -> None:
    monkeypatch.setattr(importing, "_WORTH_A_PROCESS", 0 if in_processes else 2**40)
    monkeypatch.setattr(importing, "_BUNDLE_BYTES", 20_000)
    for month in (2, 3):
        write_month(feed / f"EURUSD_{month}.csv", "EURUSD", month, 400, "bad,1,1\n")

    done = import_all(feed, tmp_path / "data", 2)

    assert TickStore(tmp_path / "data").pairs() == ["USDJPY"]
    assert isinstance(done["EURUSD"].error, DataError)
    assert "EURUSD_2.csv: row 402" in str(done["EURUSD"].error)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["USDJPY"]


def test_an_import_run_again_reads_what_is_new_alone(feed: Path, tmp_path: Path) -> None:
    import_all(feed, tmp_path / "data")
    write_month(feed / "USDJPY_4.csv", "USDJPY", 4, 10)

    again = import_all(feed, tmp_path / "data")

    jpy = again["USDJPY"].report
    assert jpy is not None
    assert (jpy.files, jpy.rows) == (("USDJPY_4.csv",), 10)
    assert jpy.already_stored == ("USDJPY_1.csv", "USDJPY_2.csv", "USDJPY_3.csv")


@pytest.mark.usefixtures("worth_processes")
def test_a_reader_that_dies_fails_its_pair_alone(feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deadly(data_dir: Path, pair: Pair) -> Set[tuple[str, str | None]]:
        return DeadlySet() if pair.name == "EURUSD" else frozenset()

    monkeypatch.setattr(importing, "known_sources", deadly)

    done = import_all(feed, tmp_path / "data", 2)

    assert isinstance(done["EURUSD"].error, WorkerDiedError)
    assert "EURUSD_1.csv: the process that read it ended" in str(done["EURUSD"].error)
    assert TickStore(tmp_path / "data").pairs() == ["USDJPY"]


SLOW_IMPORT = """
import sys, time
from pathlib import Path
from necrozma_core.workers import importing
importing._WORTH_A_PROCESS = 0

def tell(progress):
    print(progress.files_done, flush=True)
    time.sleep(60)

found = {"EURUSD": [Path(sys.argv[1])]}
for done in importing.import_pairs(found, Path(sys.argv[2]), workers=1, on_progress=tell):
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_import_ended_at_any_point_leaves_nothing_that_the_next_one_does_not_remove(
    feed: Path, tmp_path: Path, number: int
) -> None:
    words = [sys.executable, "-c", SLOW_IMPORT, str(feed / "EURUSD_1.csv"), str(tmp_path / "data")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ.copy()) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        readers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        process.wait(60)
    psutil.wait_procs(readers, 60)

    left = [path.name for path in (tmp_path / "data").glob("*")]
    assert len(left) == (1 if number == signal.SIGKILL else 0)
    import_files([feed / "EURUSD_1.csv"], "EURUSD", tmp_path / "data")

    assert [path.name for path in (tmp_path / "data").iterdir()] == ["EURUSD"]
    assert not any(reader.is_running() and reader.status() != psutil.STATUS_ZOMBIE for reader in readers)


# Of this process alone: what `resource` says starts with its parent's.
PEAK = """
import re, sys
from pathlib import Path
from necrozma_core.feeds.intake import import_files
import_files([Path(sys.argv[1])], "EURUSD", Path(sys.argv[2]))
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_of_an_import_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = []
    for rows in (150_000, 900_000):
        write_month(tmp_path / f"{rows}.csv", "EURUSD", 1, rows)
        words = [sys.executable, "-c", PEAK, str(tmp_path / f"{rows}.csv"), str(tmp_path / f"data-{rows}")]
        peaks.append(int(subprocess.run(words, check=True, capture_output=True, text=True).stdout) / 1024)

    # A tick that were held would take 16 bytes, so the larger file 11 MB more; the rows of a whole file took 90 MB.
    assert peaks[1] - peaks[0] < 30
