"""Whether files lie on another machine: there, locks of files may not hold."""

import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")
REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "virtiofs"}
LOCAL = {"fuse.fuse-overlayfs", "fuse.gocryptfs", "fuse.encfs", "fuse.mergerfs", "fuse.bindfs"}  # of those in programs


def network_file_system(path: Path, mounts: str | None = None) -> str:
    """Return the kind of network file system that a path is on, such as "nfs4"; nothing if it is on none.

    Args:
        path: need not be there yet.
        mounts: what is mounted, as /proc/mounts has it; by default the system is asked, and where it has no such file
            nothing is known.
    """
    if mounts is None:
        try:
            mounts = MOUNTS.read_text(errors="surrogateescape")
        except OSError:
            return ""
    path = path.resolve()
    places = [(_unescaped(fields[1]), fields[2]) for fields in map(str.split, mounts.splitlines())]
    # The longest way that leads to the path; of several things mounted at one place the last is seen.
    around = [(len(place), order, kind) for order, (place, kind) in enumerate(places) if path.is_relative_to(place)]
    kind = max(around)[2] if around else ""
    return kind if kind in REMOTE or (kind.startswith("fuse.") and kind not in LOCAL) else ""


def _unescaped(place: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place)
