"""Counters of processor time: which cores, what counts as busy, and what makes no sense."""

import os
import subprocess
import sys

import pytest
from test_throttle.machine_folders import MachineFolders

from necrozma_core.throttle.sensors.cpu import ProcessesCpu, ProcessTable, group_seconds, machine_times
from necrozma_core.throttle.sensors.readings import Unavailable

TICKS = os.sysconf("SC_CLK_TCK")


def test_busy_cores_are_what_was_neither_idle_nor_waiting(machine: MachineFolders) -> None:
    machine.cores((0, 0, 0, 0), (0, 0, 0, 0))
    before = machine_times(proc=machine.proc)
    machine.cores((50, 25, 25, 0), (0, 100, 0, 0))
    busy, steal = machine_times(proc=machine.proc).since(before)
    assert (busy, steal) == (0.5, 0)


def test_stolen_time_is_busy_and_shown(machine: MachineFolders) -> None:
    machine.cores((0, 0, 0, 0))
    before = machine_times(proc=machine.proc)
    machine.cores((60, 0, 0, 40))
    assert machine_times(proc=machine.proc).since(before) == (1, 0.4)


def test_cores_that_are_not_ours_are_left_out(machine: MachineFolders) -> None:
    ours = frozenset({1})
    machine.cores((0, 0, 0, 0), (0, 0, 0, 0))
    before = machine_times(ours, machine.proc)
    machine.cores((100, 0, 0, 0), (25, 75, 0, 0))
    now = machine_times(ours, machine.proc)
    assert now.since(before)[0] == 0.25
    assert now.busy == 25 / TICKS


@pytest.mark.parametrize(
    ("cores", "why"),
    [
        ([(90, 10, 0, 0)], "backwards"),
        ([(100, 0, 0, 0)], "stood still"),
        ([(110, 0, 0, 0), (0, 100, 0, 0)], "number of cores"),
    ],
)
def test_counters_that_make_no_sense_are_refused(
    machine: MachineFolders, cores: list[tuple[int, int, int, int]], why: str
) -> None:
    machine.cores((100, 0, 0, 0))
    before = machine_times(proc=machine.proc)
    machine.cores(*cores)
    with pytest.raises(Unavailable, match=why):
        machine_times(proc=machine.proc).since(before)


@pytest.mark.parametrize("text", ["", "cpu0 garbage\n", "\n", "intr 1\n"])
def test_counters_of_a_strange_file_are_unavailable(machine: MachineFolders, text: str) -> None:
    machine.write("proc/stat", text)
    with pytest.raises(Unavailable):
        machine_times(proc=machine.proc)


def test_counters_of_a_missing_file_are_unavailable(machine: MachineFolders) -> None:
    with pytest.raises(Unavailable):
        machine_times(proc=machine.proc)


def test_waiting_that_is_taken_back_is_no_idle_time(machine: MachineFolders) -> None:
    machine.cores((0, 0, 50, 0))
    before = machine_times(proc=machine.proc)
    machine.cores((10, 0, 40, 0))
    assert machine_times(proc=machine.proc).since(before)[0] == 1


def test_group_counts_its_use_in_both_versions(machine: MachineFolders) -> None:
    machine.write("sys/two/cpu.stat", "usage_usec 2500000\nuser_usec 1\n")
    machine.write("sys/one/cpuacct.usage", "2500000000\n")
    assert group_seconds(machine.sysfs / "two") == group_seconds(machine.sysfs / "one") == 2.5
    with pytest.raises(Unavailable):
        group_seconds(machine.sysfs / "none")


class Processes:
    """Processes on paper: the seconds each has used."""

    def __init__(self, **seconds: float) -> None:
        self.used = {int(name[1:]): value for name, value in seconds.items()}

    def own_cpu(self) -> ProcessesCpu:
        return ProcessesCpu(self.used.get, lambda: list(self.used))


def test_own_time_counts_from_the_first_look() -> None:
    processes = Processes(p1=100.0)
    own = processes.own_cpu()
    assert own.seconds() == 0
    processes.used[1] = 103
    assert own.seconds() == 3


def test_own_time_of_a_new_process_counts_from_its_birth() -> None:
    processes = Processes(p1=0.0)
    own = processes.own_cpu()
    own.seconds()
    processes.used[2] = 0.4
    assert own.seconds() == 0.4


def test_own_time_of_an_ended_process_is_kept() -> None:
    processes = Processes(p1=0.0, p2=0.0)
    own = processes.own_cpu()
    own.seconds()
    processes.used.update({1: 5.0, 2: 7.0})
    assert own.seconds() == 12
    del processes.used[2]
    assert own.seconds() == 12
    processes.used[3] = 1.0
    assert own.seconds() == 13


def test_own_time_of_a_number_used_again_never_goes_back() -> None:
    processes = Processes(p1=0.0)
    own = processes.own_cpu()
    own.seconds()
    processes.used[1] = 9.0
    own.seconds()
    processes.used[1] = 0.1
    assert own.seconds() == 9
    processes.used[1] = 0.6
    assert own.seconds() == 9.5


def test_own_time_of_processes_that_cannot_be_read_is_unavailable() -> None:
    own = ProcessesCpu(lambda _: None, lambda: [1, 2])
    with pytest.raises(Unavailable):
        own.seconds()
    assert ProcessesCpu(lambda _: None, list).seconds() == 0


def test_process_table_knows_the_living_and_not_the_dead() -> None:
    table = ProcessTable()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert table.seconds(child.pid) is not None
    assert (table.resident_mb(child.pid) or 0) > 0
    child.communicate(b"\n")
    assert table.seconds(child.pid) is None
    assert table.resident_mb(child.pid) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the time of children")
def test_process_table_counts_ended_children() -> None:
    table = ProcessTable()
    work = "subprocess.run([sys.executable, '-c', 'sum(range(10**7))'])"
    script = f"import subprocess, sys; {work}; print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    alone, with_children = table.seconds(child.pid), table.seconds_with_children(child.pid)
    child.communicate(b"\n")
    assert alone is not None
    assert with_children is not None
    assert with_children > alone
