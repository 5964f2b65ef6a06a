"""The control groups that this process is in, from the innermost to the root, versions 1 and 2."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def cgroup_folders(controller: str, proc: Path, sysfs: Path) -> Iterator[Path]:
    """Yield the folders of the groups that bind this process, innermost first.

    Parameters
    ----------
    controller : str
        ``cpu``, ``cpuacct`` or ``memory``.
    proc, sysfs : Path
        Roots of the two file systems.

    Yields
    ------
    Path
        Folders that exist. Within a container the recorded path may be the host's; then its existing ancestors
        remain, the last of which is the container's own root.
    """
    yield from _walk_up(_version_2_root(sysfs), _process_path("", proc))
    # Controllers that share a hierarchy are mounted as "cpu,cpuacct", with links from each name.
    for name in (controller, "cpu,cpuacct"):
        root = sysfs / "fs" / "cgroup" / name
        if controller in name.split(",") and root.is_dir():
            yield from _walk_up(root, _process_path(controller, proc))
            return


def read_number(path: Path) -> float | None:
    """Return the number a file holds; None where it cannot be read, or says ``max`` or -1, which is "no limit"."""
    try:
        value = float(path.read_text(encoding="utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return value if value >= 0 else None


def read_field(path: Path, name: str) -> float | None:
    """Return the number behind a name in a file of ``name number`` lines; None where there is none."""
    try:
        fields = dict(line.split(None, 1) for line in path.read_text(encoding="utf-8").splitlines() if " " in line)
        return float(fields[name])
    except (OSError, ValueError, KeyError):
        return None


def _version_2_root(sysfs: Path) -> Path:
    root = sysfs / "fs" / "cgroup"
    hybrid = root / "unified"
    return hybrid if hybrid.is_dir() else root


def _process_path(controller: str, proc: Path) -> str:
    """Return our group within a hierarchy; version 2's lists no controller."""
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "/"
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controller in controllers.split(","):
            return path
    return "/"


def _walk_up(root: Path, path: str) -> Iterator[Path]:
    relative = PurePosixPath(path.lstrip("/"))
    if ".." in relative.parts:
        # A group outside our namespace is shown as "/../other": only the root is ours to see.
        relative = PurePosixPath()
    for step in (relative, *relative.parents):
        folder = root / step
        if folder.is_dir():
            yield folder
