"""Which store a home has: its own file, or the server named with `tidegate up --store`; and moving from one to the other."""

import os
import time
from collections.abc import Callable

from tidegate.control.loop.keeper import process
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, home, instances

FLAG = "--store"


def settle(place: home.Home, given: str, say: Callable[[str], None]) -> None:
    """Have the home's store be where `given` says, or TIDEGATE_STORE; neither: where it is.

    A store that the home has already goes along, whole, into an empty database; `say` hears it. One that holds a store is
    taken only where that is a continuation of the home's own.

    Raises StoreInvalid, AlreadyRunning while anything of the home lives, StoreUnavailable, ExtraMissing, DiskFull.
    """
    wanted = given or os.environ.get(location.VARIABLE, "").strip()
    if not wanted:
        return
    where = FLAG if given else location.VARIABLE
    bare = location.check(wanted, where=where, seen=bool(given))
    if bare == location.noted(place):
        return
    if process.alive(place) or any(instances.holder(place.instances, one.stem) for one in place.instances.glob("*.lock")):
        raise errors.AlreadyRunning(
            "Tidegate is up here with another store.", cure="`tidegate down` first, then `tidegate up --store`.", where=where
        )
    with stores.Store(_whole(wanted, bare)) as there:
        if location.is_server(place) or place.store.exists():
            with stores.Store(location.url(place), create=False) as here:
                _take_along(here, there, say)
    location.note(place, bare)
    if place.store.exists():
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        place.store.rename(place.store.with_name(f"{place.store.name}.moved-{stamp}"))


def _whole(wanted: str, bare: str) -> str:
    """With the password of TIDEGATE_STORE where that is the same address."""
    whole = os.environ.get(location.VARIABLE, "").strip()
    return whole if whole and location.check(whole, where=location.VARIABLE, seen=False) == bare else wanted


def _take_along(here: stores.Store, there: stores.Store, say: Callable[[str], None]) -> None:
    sequence, last = here.head()
    if there.link(sequence) == last:
        return  # the same one, or what became of it
    if there.head()[0]:
        raise errors.StoreInvalid(
            f"this database holds another store than the home has ({here.where}).",
            cure="Name an empty database, or a home that has none yet.",
            where=there.where,
        )
    there.fill(here)
    say(f"the store was moved from {here.where} to {there.where}: {sequence} events")
