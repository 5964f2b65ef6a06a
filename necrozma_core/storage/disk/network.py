"""Folders that lie on another machine."""

import re
from pathlib import Path
from typing import Final

_NETWORK_FILE_SYSTEMS: Final = frozenset(
    (
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2", "gpfs",
        "lustre", "nfs", "nfs4", "ocfs2", "smb3", "smbfs", "vboxsf", "virtiofs",
    )
)  # fmt: skip

_MOUNTS: Final = Path("/proc/self/mounts")


def network_file_system(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the kind of network file system that a folder lies on (``nfs4``), or None.

    There a lock may not be seen by other hosts, and a rename may not be atomic; worth a warning.
    None also where the system does not list its mounts.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    resolved = folder.resolve()
    nearest, kind = Path("/"), ""
    for line in lines:
        fields = line.split(" ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), fields[1]))
        # A later line covers an earlier one at the same place.
        if resolved.is_relative_to(point) and len(point.parts) >= len(nearest.parts):
            nearest, kind = point, fields[2]
    return kind if kind in _NETWORK_FILE_SYSTEMS else None
