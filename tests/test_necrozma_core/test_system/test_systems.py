"""Both implementations of the seam keep the same promises, here on one machine."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from necrozma_core.system.chosen import PORTABLE_VARIABLE
from necrozma_core.system.portable import PortableSystem
from necrozma_core.system.posix import PosixSystem


@pytest.fixture(params=[PortableSystem, PosixSystem], ids=["portable", "posix"])
def system(request):
    return request.param()


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


@pytest.mark.parametrize(("value", "name"), [("", "PosixSystem"), ("1", "PortableSystem")])
def test_system_is_chosen_once_by_a_variable_that_children_inherit(value, name):
    script = "from necrozma_core.system.chosen import SYSTEM; print(type(SYSTEM).__name__)"
    environment = os.environ | {PORTABLE_VARIABLE: value}
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert said.stdout.strip() == name


def test_system_syncs_files_and_folders(system, tmp_path):
    (tmp_path / "ticks").write_bytes(b"1")

    system.sync_file(tmp_path / "ticks")
    system.sync_folder(tmp_path)

    assert (tmp_path / "ticks").read_bytes() == b"1"


def test_system_replaces_a_file_in_one_step(system, tmp_path):
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")

    system.replace(tmp_path / "new", tmp_path / "old")

    assert (tmp_path / "old").read_text() == "new"
    assert not (tmp_path / "new").exists()


def test_portable_replace_waits_while_a_reader_has_the_file_open(tmp_path, monkeypatch):
    refusals = [PermissionError(13, "somebody has it open")] * 3
    replace = Path.replace

    def refuse_at_first(source, target):
        if refusals:
            raise refusals.pop()
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refuse_at_first)
    (tmp_path / "new").write_text("new")
    PortableSystem().replace(tmp_path / "new", tmp_path / "old")

    assert (tmp_path / "old").read_text() == "new"


def test_portable_replace_gives_up_where_the_file_stays_open(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(13, "somebody has it open")

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(PermissionError):
        PortableSystem().replace(tmp_path / "new", tmp_path / "old")


def test_temporary_is_claimed_while_its_writer_lives(system, tmp_path):
    temporary = tmp_path / f".ticks.{os.getpid()}-00ff00ff.tmp"
    with system.claim(temporary):
        assert system.is_claimed(temporary)


def test_temporary_is_claimed_by_one_writer(system, tmp_path):
    temporary = tmp_path / f".ticks.{os.getpid()}-00ff00ff.tmp"
    with system.claim(temporary), pytest.raises(FileExistsError), system.claim(temporary):
        pass


def test_temporary_of_a_writer_that_was_killed_is_not_claimed(system, tmp_path):
    script = (
        "import os, sys, pathlib\n"
        f"from necrozma_core.system.{'posix' if isinstance(system, PosixSystem) else 'portable'} import *\n"
        f"system = {type(system).__name__}()\n"
        "path = pathlib.Path(sys.argv[1], f'.ticks.{os.getpid()}-00ff00ff.tmp')\n"
        "with system.claim(path):\n"
        "    print(path, flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        temporary = Path(writer.stdout.readline().strip())
        assert system.is_claimed(temporary)
        writer.kill()

    assert temporary.exists()
    assert not system.is_claimed(temporary)


def test_portable_temporary_can_be_renamed_while_it_is_claimed(tmp_path):
    """Windows renames no open file."""
    with PortableSystem().claim(tmp_path / f".ticks.{os.getpid()}-00.tmp"):
        held = [file.path for file in psutil.Process().open_files()]
    assert not [path for path in held if "ticks" in path]


def test_portable_temporary_that_names_nobody_is_left_alone(tmp_path):
    assert PortableSystem().is_claimed(tmp_path / ".somebody.tmp")


def test_folder_is_held_by_one_writer_at_a_time(tmp_path):
    entered, release = threading.Event(), threading.Event()

    def hold():
        with PosixSystem().alone_in(tmp_path):
            entered.set()
            release.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait()
    second = threading.Thread(target=lambda: PosixSystem().alone_in(tmp_path).__enter__())
    release.set()
    second.start()
    second.join()
    holder.join()
    with PortableSystem().alone_in(tmp_path):
        pass


def test_process_is_known_by_number_and_start(system, child):
    started = system.started(child.pid)

    assert started
    assert started == system.started(child.pid)
    assert started != system.started(os.getpid())
    assert system.exists(child.pid)


def test_process_that_ended_has_no_start_although_its_parent_has_not_looked(system, child):
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert system.started(child.pid) == ""


def test_process_that_is_gone_does_not_exist(system, child):
    child.kill()
    child.wait()

    assert not system.exists(child.pid)
    assert system.started(child.pid) == ""


@pytest.mark.parametrize("force", [False, True])
def test_process_is_ended(system, child, force):
    system.end(child.pid, force=force)

    assert child.wait() == -(signal.SIGKILL if force else signal.SIGTERM)


def test_process_is_killed_with_its_children(system):
    script = (
        "import subprocess, sys\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(inner.pid, flush=True); inner.wait()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as outer:
        inner = psutil.Process(int(outer.stdout.readline()))
        system.end(outer.pid, force=True, group=system.leads_group(outer.pid))
        outer.wait()
        inner.wait(10)


def test_process_that_is_gone_cannot_be_ended(system, child):
    child.kill()
    child.wait()

    with pytest.raises(ProcessLookupError):
        system.end(child.pid, force=False)


def test_detached_child_is_started(system):
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"], **system.detached())

    assert child.wait() == 7


def test_another_program_takes_our_place_with_its_exit_status(system):
    room = "posix" if isinstance(system, PosixSystem) else "portable"
    script = (
        f"import os, sys; from necrozma_core.system.{room} import {type(system).__name__} as System\n"
        "System().become([sys.executable, '-c', 'import os; raise SystemExit(int(os.environ[\"CODE\"]))'],"
        " os.environ | {'CODE': '7'})"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 7


def test_port_in_use_cannot_be_bound(system):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as probe:
        system.reserve_port(probe)
        with pytest.raises(OSError, match="in use"):
            probe.bind(server.getsockname())


@pytest.mark.parametrize("room", ["portable.PortableSystem", "posix.PosixSystem"])
def test_worker_is_deaf_to_ctrl_c_from_its_prelude_on(room):
    module, name = room.split(".")
    script = (
        f"import os, signal; from necrozma_core.system.{module} import {name} as System\n"
        "system = System(); was = system.is_deaf(); system.deafen_children(); system.deafen()\n"
        "os.kill(os.getpid(), signal.SIGINT); print(was, system.is_deaf())"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert said.stdout.split() == ["False", "True"]
    assert said.returncode == 0


def test_memory_of_a_process_is_told_and_grows(system):
    before = system.allocated(os.getpid())
    held = bytearray(b"1") * (64 << 20)

    assert before > 0
    assert system.allocated(os.getpid()) > before
    assert len(held) == 64 << 20


def test_memory_of_a_process_that_is_gone_is_nothing(system, child):
    child.kill()
    child.wait()

    assert system.allocated(child.pid) == 0


def test_cores_are_those_of_the_affinity(system):
    assert system.affinity() == frozenset(os.sched_getaffinity(0))


def test_file_of_others_is_told_where_the_system_knows_owners(tmp_path):
    (tmp_path / "password").touch(mode=0o644)
    status = (tmp_path / "password").stat()

    assert not PosixSystem().is_private(status)
    assert PosixSystem().is_of_user(status)
    assert PortableSystem().is_private(status)
    (tmp_path / "password").chmod(stat.S_IRUSR)
    assert PosixSystem().is_private((tmp_path / "password").stat())


def test_what_ends_a_command_begins_with_ctrl_c(system):
    assert system.ending_signals[0] == signal.SIGINT
    assert signal.SIGTERM in system.ending_signals
