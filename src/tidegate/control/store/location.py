"""Where the store of a home is: its own file, or the server that the home notes. The password is never noted.

`tidegate up --store ADDRESS` (or TIDEGATE_STORE) writes the note; everything else goes by it. A password may be in
TIDEGATE_STORE, whose value counts wherever it is the address noted; otherwise libpq finds one by itself: PGPASSWORD,
~/.pgpass, or the file that `?passfile=` in the address names.
"""

import os
import re

import sqlalchemy as sa

from tidegate.control.store import postgresql, sqlite
from tidegate.core.vocabulary import errors, home, placing

VARIABLE = "TIDEGATE_STORE"
_CURE = "Write postgresql://USER@HOST:PORT/DATABASE."
_SECRET = re.compile(r"password|sslpassword", re.IGNORECASE)


def url(place: home.Home) -> str:
    """The address of the home's store, with the password where TIDEGATE_STORE has it."""
    there = noted(place)
    if not there:
        return sqlite.url(place.store)
    given = os.environ.get(VARIABLE, "").strip()
    return given if given and _bare(given) == there else there


def is_server(place: home.Home) -> bool:
    """Whether the store is a server's, and no file of the home."""
    return bool(noted(place))


def noted(place: home.Home) -> str:
    """The server's address as the home notes it; empty: the store is the home's own file."""
    try:
        return place.store_address.read_text().strip()
    except OSError:
        return ""


def note(place: home.Home, address: str) -> None:
    """Have the home's store be at this address from now on. Raises StoreInvalid, DiskFull."""
    try:
        placing.put(place.store_address, f"{_bare(address)}\n".encode())
    except OSError as failed:
        raise errors.DiskFull(f"it cannot be written: {failed.strerror}.", where=str(place.store_address)) from failed


def check(address: str, *, where: str, seen: bool) -> str:
    """The address without its password. `seen`: others can see it (an argument of a program), so there must be none.

    Raises StoreInvalid, ExtraMissing where the driver is not installed.
    """
    try:
        made = sa.make_url(address)
        bare = _bare(address)
    except (sa.exc.ArgumentError, ValueError) as wrong:
        raise errors.StoreInvalid("this is no address.", where=where, cure=_CURE) from wrong
    if made.get_backend_name() not in {"postgresql", "postgres"} or not made.database:
        raise errors.StoreInvalid("the store is a PostgreSQL database, or the home's own file.", where=where, cure=_CURE)
    secrets = [key for key in made.query if _SECRET.fullmatch(key)]
    if secrets or (made.password is not None and seen):
        cure = f"Leave it out and set PGPASSWORD, write a line in ~/.pgpass, or set {VARIABLE} to the whole address."
        raise errors.StoreInvalid("an address that others can see holds a password.", where=where, cure=cure)
    postgresql.installed()
    return bare


def _bare(address: str) -> str:
    return postgresql.bare(sa.make_url(address))
