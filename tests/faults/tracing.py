"""A child killed at any single system call, by strace."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from storage_samples import CHILD_ENVIRONMENT, KEEP_BYTECODE, child_command

SYSCALLS = ("write", "fsync", "rename", "mkdir", "unlink")

Point = tuple[str, int]


def why_not_traced() -> str | None:
    """Why strace cannot be used here, or None."""
    if not shutil.which("strace"):
        return "strace is not installed; test_publish_deaths covers the same points"
    trial = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return "tracing is not permitted here; test_publish_deaths covers the same points" if trial.returncode else None


def trace(task: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a task of the child under strace."""
    command = ["strace", *options, *child_command(task, folder)]
    return subprocess.run(command, capture_output=True, text=True, env=CHILD_ENVIRONMENT, check=False)


def points(task: str, start: Path, folder: Path) -> list[Point]:
    """List every call of a task that reaches the disk, by running it once undisturbed."""
    log = folder / "calls"
    shutil.copytree(start, folder / "warm")
    subprocess.run(child_command(task, folder / "warm"), env=CHILD_ENVIRONMENT | KEEP_BYTECODE, check=True)
    shutil.copytree(start, folder / "undisturbed")
    done = trace(task, folder / "undisturbed", "-e", f"trace={','.join(SYSCALLS)}", "-o", str(log))
    assert done.returncode == 0, done.stderr
    counts = Counter(re.findall(r"^(\w+)\(", log.read_text(), re.MULTILINE))
    return [(call, number) for call in SYSCALLS for number in range(1, counts[call] + 1)]


def kill_everywhere(task: str, start: Path, folder: Path, most: int | None) -> Iterator[tuple[Point, Path]]:
    """Kill a task at each of its points, or at some that lie evenly among them, and give the folder as left."""
    every = points(task, start, folder)
    chosen = every if most is None else every[:: -(-len(every) // most)]
    for call, number in chosen:
        left = folder / f"{call}-{number}"
        shutil.copytree(start, left)
        done = trace(task, left, "-e", f"inject={call}:signal=KILL:when={number}", "-o", os.devnull)
        assert done.returncode == -9
        yield (call, number), left
