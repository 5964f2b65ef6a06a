"""A disk that is really full, and one that is really read-only: the older result stays, and one line says why."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from storage_samples import CHILD, CHILD_ENVIRONMENT

from .moments import session_program

# Root may mount in a namespace of its own; others need one in which they are root.
UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


def may_mount() -> bool:
    """Tell whether a small file system can be mounted for the test alone."""
    if not shutil.which("unshare"):
        return False
    trial = [*UNSHARE, "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not may_mount(), reason="mounting is not permitted here; tests with injected errors cover the rest"
)


def test_full_and_read_only_disks_keep_the_older_entry_and_say_why(tmp_path: Path) -> None:
    script = (
        'mount -t tmpfs -o size=2m none "$1" && "$2" "$3" fill_disk "$1" && '
        'mount -o remount,ro "$1" && "$2" "$3" write_read_only "$1"'
    )
    command = [*UNSHARE, "sh", "-c", script, "sh", str(tmp_path), sys.executable, str(CHILD)]

    done = subprocess.run(command, capture_output=True, text=True, env=CHILD_ENVIRONMENT, check=False)

    assert done.returncode == 0, done.stderr
    full, *read_only = done.stdout.splitlines()
    assert "No space left on device; free some space" in full
    assert len(read_only) == 2
    assert all("Read-only file system; choose a folder that can be written" in line for line in read_only)


def run_on_a_full_disk(
    disk: Path, program: list[str], environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a program while a disk of 64 kB, mounted for it alone, is full."""
    script = (
        'disk=$1; shift; mount -t tmpfs -o size=64k none "$disk" && '
        'dd if=/dev/zero of="$disk/full" bs=1k count=64 2>/dev/null && exec "$@"'
    )
    command = [*UNSHARE, "sh", "-c", script, "sh", str(disk), *program]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_run_on_a_full_disk_ends_with_74_before_anything_is_computed(tmp_path: Path) -> None:
    program = session_program(tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()

    done = run_on_a_full_disk(disk, [*program.words, str(disk / "results")], program.environment)

    assert (done.returncode, done.stdout) == (74, "")
    assert done.stderr.startswith(f"{disk / 'results'}: could not write: No space left on device; free some space")
    assert done.stderr.count("\n") == 1
