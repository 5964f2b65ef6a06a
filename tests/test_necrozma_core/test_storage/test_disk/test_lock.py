"""One run at a time in a results folder."""

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from necrozma_core.errors import LockedError, StorageError
from necrozma_core.storage.disk.lock import LOCK_FILE, lock_results
from necrozma_core.storage.disk.network import network_file_system
from necrozma_core.storage.disk.process import Process

HOLDER = (
    "import sys; from pathlib import Path; from necrozma_core.storage.disk.lock import lock_results\n"
    "with lock_results(Path(sys.argv[1])) as lock:\n"
    "    lock.announce('20250131-221500-3f2a'); print('held', flush=True); sys.stdin.read()"
)


def start_holder(folder: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_lock_held_by_another_process_is_refused_and_says_who_holds_it(tmp_path: Path) -> None:
    with start_holder(tmp_path) as holder:
        with pytest.raises(LockedError) as raised, lock_results(tmp_path):
            pass
        holder.kill()

    message = str(raised.value)
    assert message.startswith(
        f"{tmp_path}: locked by process {holder.pid} on {platform.node()}, run 20250131-221500-3f2a, since 20"
    )
    assert "\n" not in message
    assert raised.value.exit_code == 11


def test_lock_is_free_once_its_holder_was_killed(tmp_path: Path) -> None:
    with start_holder(tmp_path) as holder:
        holder.kill()
        holder.wait()

    with lock_results(tmp_path) as lock:
        assert lock.folder == tmp_path


def test_lock_is_refused_within_one_process_too_and_free_afterwards(tmp_path: Path) -> None:
    with lock_results(tmp_path), pytest.raises(LockedError, match=f"process {os.getpid()}"), lock_results(tmp_path):
        pass
    with lock_results(tmp_path):
        pass


def test_lock_of_an_unreadable_holder_still_refuses(tmp_path: Path) -> None:
    with lock_results(tmp_path):
        (tmp_path / LOCK_FILE).write_bytes(b"{torn")
        with pytest.raises(LockedError, match="locked by another process; wait"), lock_results(tmp_path):
            pass


def test_lock_does_not_pass_to_a_process_that_outlives_its_holder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
    with lock_results(tmp_path):
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, close_fds=False)
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
    with child:
        with lock_results(tmp_path):
            pass
        child.kill()


@pytest.mark.posix
def test_lock_removes_stale_temporaries(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".a.parquet.1-00000000.tmp").write_bytes(b"half")

    with lock_results(tmp_path):
        pass

    assert {path.name for path in tmp_path.rglob("*")} == {"store", LOCK_FILE}


def test_lock_where_a_file_stands_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_bytes(b"")

    with pytest.raises(StorageError, match="results"), lock_results(tmp_path / "results"):
        pass


def test_process_that_runs_is_not_gone() -> None:
    assert not Process.current().is_gone()


@pytest.mark.posix
def test_process_that_ended_is_gone_even_before_it_was_waited_for() -> None:
    script = (
        "from necrozma_core.storage.disk.lock import Process; process = Process.current()\n"
        "print(process.pid, process.host, process.boot, process.started)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        pid, host, boot, started = child.stdout.readline().split()
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        zombie = Process(int(pid), host, boot, started)

        assert zombie.is_gone()

    assert zombie.is_gone()


@pytest.mark.posix
def test_process_whose_first_thread_ended_is_not_gone_while_another_runs() -> None:
    script = (
        "import ctypes, sys, threading\n"
        "from necrozma_core.storage.disk.lock import Process; process = Process.current()\n"
        "threading.Thread(target=sys.stdin.read).start()\n"
        "print(process.pid, process.host, process.boot, process.started, flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        pid, host, boot, started = child.stdout.readline().decode().split()
        headless = Process(int(pid), host, boot, started)
        stat = Path(f"/proc/{pid}/stat")
        while stat.exists() and ") Z " not in stat.read_text():
            pass

        assert not headless.is_gone()

        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert headless.is_gone()


def test_process_number_that_was_given_to_another_is_gone() -> None:
    assert replace(Process.current(), started="1").is_gone()


def test_process_of_an_earlier_boot_is_gone() -> None:
    assert replace(Process.current(), boot="another").is_gone()


def test_process_of_another_host_is_not_known_to_be_gone() -> None:
    assert not replace(Process.current(), host="elsewhere", pid=2**30).is_gone()


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /mnt/shared nfs4 rw 0 0
/dev/vdb /mnt/shared/local ext4 rw 0 0
//nas/My\\040Files /mnt/my\\040files cifs rw 0 0
tmpfs /mnt/over nfs rw 0 0
tmpfs /mnt/over tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/results", None),
        ("/mnt/shared", "nfs4"),
        ("/mnt/shared/results", "nfs4"),
        ("/mnt/shared-not", None),
        ("/mnt/shared/local/results", None),
        ("/mnt/my files/results", "cifs"),
        ("/mnt/over/results", None),
    ],
)
def test_network_file_system_is_that_of_the_nearest_mount(tmp_path: Path, folder: str, kind: str | None) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)

    assert network_file_system(Path(folder), tmp_path / "mounts") == kind


def test_network_file_system_where_mounts_are_not_listed_is_none(tmp_path: Path) -> None:
    assert network_file_system(tmp_path, tmp_path / "missing") is None
