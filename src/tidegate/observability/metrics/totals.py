"""What gateways have counted, all boots together. A dead boot's counts go into `totals.json`: none is forgotten with its file.

The monitor folds; everybody reads, files first and the totals last: a boot that is in the totals by then is not counted twice,
and one whose file has gone meanwhile is in them.
"""

import contextlib
import pathlib
from collections.abc import Collection, Iterable, Mapping

import msgspec

from tidegate.core.vocabulary import errors, home, placing
from tidegate.dataplane.wire import counts, holding

TOTALS = "totals.json"
REMEMBERED = 256
"""Boots that are known to be in the totals: their files are gone long before they are forgotten."""
VERSIONS = 64
"""Of each endpoint in the totals, the newest."""
WORKERS = 1_024
"""Workers whose bytes are in the totals: those that were met last."""
_GAUGES = (counts.QUEUED, counts.IN_FLIGHT)
Key = tuple[str, int]
Slots = tuple[int, ...]


class Totals(msgspec.Struct):
    """Counts, added up."""

    versions: dict[str, tuple[int, ...]] = {}
    """All slots by "endpoint ordinal"."""
    noted: dict[str, int] = {}
    folded: tuple[str, ...] = ()
    """Boots that are in it, oldest first."""


class Served:
    """What has been served since the home was made."""

    def __init__(self, versions: Mapping[Key, Slots], noted: Mapping[str, int]) -> None:
        self.versions, self.noted = versions, noted

    def of(self, what: str) -> dict[str, int]:
        """What was noted under a word, by the rest of its name."""
        head = f"{what}:"
        return {name.removeprefix(head): count for name, count in sorted(self.noted.items()) if name.startswith(head)}


_decode = msgspec.json.Decoder(Totals).decode


def served(place: home.Home) -> Served:
    """All boots' counts together. A damaged file is left out."""
    boots = list(_boots(sorted(place.counts.glob(f"[!.]*{counts.ENDING}"))))
    known = _read(place.counts)
    fresh = [boot for boot, _ in boots if boot.incarnation not in known.folded]
    versions = {_key(name): slots for name, slots in known.versions.items()}
    return Served(_added(versions, (one.versions for one in fresh)), _summed(known.noted, (one.noted for one in fresh)))


def fold(place: home.Home) -> int:
    """Take the dead boots' counts into the totals and their files away; how many. For one process alone. Raises OSError."""
    # Who is dead is asked first: what was read of one that lives may not be its last word.
    left = [path for path in sorted(place.counts.glob(f"[!.]*{counts.ENDING}")) if not holding.in_use(path)]
    dead = [(boot, path) for boot, path in _boots(left)]
    if not dead:
        return 0
    known = _read(place.counts)
    fresh = [boot for boot, _ in dead if boot.incarnation not in known.folded]
    if fresh:
        versions = _added({_key(name): slots for name, slots in known.versions.items()}, (_still(one) for one in fresh))
        kept = {f"{name} {ordinal}": slots for (name, ordinal), slots in _newest(versions).items()}
        folded = (*known.folded, *(one.incarnation for one in fresh))[-REMEMBERED:]
        noted = _summed(known.noted, (one.noted for one in fresh))
        met = {name for one in fresh for name in one.noted}
        _write(place.counts, Totals(kept, _latest(noted, met), folded))
    for _, path in dead:
        path.unlink(missing_ok=True)
    return len(fresh)


def _boots(paths: Iterable[pathlib.Path]) -> Iterable[tuple[counts.Boot, pathlib.Path]]:
    for path in paths:
        with contextlib.suppress(OSError, errors.StoreUnavailable):
            yield counts.read(path), path


def _read(folder: pathlib.Path) -> Totals:
    try:
        return _decode((folder / TOTALS).read_bytes())
    except (OSError, ValueError):
        return Totals()


def _write(folder: pathlib.Path, told: Totals) -> None:
    placing.put(folder / TOTALS, msgspec.json.encode(told))


def _key(name: str) -> Key:
    endpoint, _, ordinal = name.rpartition(" ")
    return endpoint, int(ordinal)


def _still(boot: counts.Boot) -> dict[Key, Slots]:
    """A dead boot's: nothing waits there any more."""
    return {key: tuple(0 if at in _GAUGES else one for at, one in enumerate(slots)) for key, slots in boot.versions.items()}


def _added(totals: Mapping[Key, Slots], more: Iterable[Mapping[Key, Slots]]) -> dict[Key, Slots]:
    found = dict(totals)
    for versions in more:
        for key, slots in versions.items():
            before = found.get(key)
            found[key] = slots if before is None else tuple(map(int.__add__, before, slots))
    return found


def _summed(totals: Mapping[str, int], more: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found = dict(totals)
    for noted in more:
        for name, count in noted.items():
            found[name] = found.get(name, 0) + count
    return found


def _latest(noted: Mapping[str, int], met: Collection[str]) -> dict[str, int]:
    """Few enough workers, likewise: those that were met just now come last, and who is first goes first."""
    ordered = sorted(noted, key=lambda name: name in met)
    workers = [name for name in ordered if name.startswith((f"{counts.GIVEN}:", f"{counts.TAKEN}:"))]
    old = set(workers[: -2 * WORKERS])
    return {name: noted[name] for name in ordered if name not in old}


def _newest(versions: Mapping[Key, Slots]) -> dict[Key, Slots]:
    """Few enough of each endpoint that a home of many years is read in no time."""
    ordinals: dict[str, list[int]] = {}
    for name, ordinal in versions:
        ordinals.setdefault(name, []).append(ordinal)
    least = {name: sorted(found)[-VERSIONS:][0] for name, found in ordinals.items()}
    return {key: slots for key, slots in versions.items() if key[1] >= least[key[0]]}
