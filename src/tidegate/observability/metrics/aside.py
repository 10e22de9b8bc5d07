"""Databases of what was measured that are damaged: put aside, so that measuring goes on. Nothing else depends on them."""

import contextlib
import logging
import pathlib
import sqlite3

log = logging.getLogger(__name__)


def put(path: pathlib.Path, failed: sqlite3.Error) -> None:
    """Move a database to NAME.damaged where this failure says that it is none any more; not where it is locked or full."""
    if type(failed) is not sqlite3.DatabaseError:
        return
    log.error("a database is damaged and begins anew", extra={"file": path.name, "why": str(failed)})
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_name(f"{path.name}.damaged"))
