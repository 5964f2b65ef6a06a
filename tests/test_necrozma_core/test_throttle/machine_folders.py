"""Folders that look like /proc and /sys."""

from pathlib import Path


class MachineFolders:
    """Roots of two file systems on disk, written file by file."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.sysfs = root / "sys"

    def write(self, path: str, text: str) -> None:
        file = self.proc.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def cores(self, *cores: tuple[int, int, int, int]) -> None:
        """Write /proc/stat: user, idle, iowait and steal ticks of each core."""
        total = [sum(column) for column in zip(*cores, strict=True)]
        names = ["cpu ", *(f"cpu{number}" for number in range(len(cores)))]
        lines = [
            f"{name} {user} 0 0 {idle} {wait} 0 0 {steal} 0 0"
            for name, (user, idle, wait, steal) in zip(names, [total, *cores], strict=True)
        ]
        self.write("proc/stat", "\n".join([*lines, "intr 1 2 3", "ctxt 5"]) + "\n")
