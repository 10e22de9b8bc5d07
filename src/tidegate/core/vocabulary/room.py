"""Room on a disk: the prediction log leaves some of it to everything else.

A disk that is full to its last byte takes no routing table (no rollback), no state (no alarm) and no release either. So gateways
log no more when little is left, and the recorder, whose work makes room, goes on a while longer. Standard library only.
"""

import os
import pathlib

KEPT_BYTES = 64 << 20
"""What gateways leave."""
KEPT_SHARE = 0.02
"""Of small disks: this share instead, if it is less."""


def short(folder: pathlib.Path, share: float = 1.0) -> bool:
    """Whether less is left on a folder's disk than this share of what is kept. Raises OSError."""
    told = os.statvfs(folder)
    left = (told.f_bfree if os.geteuid() == 0 else told.f_bavail) * told.f_frsize
    return left < share * min(KEPT_BYTES, KEPT_SHARE * told.f_blocks * told.f_frsize)
