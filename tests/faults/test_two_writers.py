"""Two processes that write the same entry at the same moment."""

import subprocess
from pathlib import Path

from storage_samples import CHILD_ENVIRONMENT, KEY, METADATA, child_command, random_table, tree

from necrozma_core.storage.results.schemas import METRICS_SCHEMA, TRADES_SCHEMA
from necrozma_core.storage.results.store import ResultStore


def test_two_processes_that_finish_together_leave_one_whole_entry(tmp_path: Path) -> None:
    reference = ResultStore(tmp_path / "reference")
    with reference.open_writer("EURUSD", KEY, METADATA) as writer:
        writer.write_trades(random_table(TRADES_SCHEMA, 40))
        writer.write_metrics(random_table(METRICS_SCHEMA, 10))
    command = child_command("write_entry_on_signal", tmp_path)
    writers = [
        subprocess.Popen(command, env=CHILD_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in writers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    for process in writers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    for process in writers:
        process.communicate()
    assert [process.returncode for process in writers] == [0, 0, 0]
    assert tree(tmp_path / "store") == tree(reference.root)
