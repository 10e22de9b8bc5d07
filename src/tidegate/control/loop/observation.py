"""Everything control sees at one moment, as one frozen value. Looking changes nothing.

What is under no release is looked at as little as possible: hundreds of endpoints that nobody asks must cost next to nothing.
"""

import contextlib
import functools
import pathlib
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import msgspec

from tidegate.control.loop import books
from tidegate.core.vocabulary import arms, instances, releases, tables
from tidegate.core.vocabulary import home as homes
from tidegate.core.vocabulary import sums as vocabulary
from tidegate.dataplane.targets import target
from tidegate.dataplane.wire import keyevents, tablefile

RATE_SECONDS = 5
"""Rates are of the last whole seconds before now, this many."""
REMEMBERED = 64
"""Ended releases whose sticky keys are remembered; what is older is swept with its gateways' files."""
_labels = msgspec.json.Decoder(dict[str, vocabulary.Labels])
_pairs = msgspec.json.Decoder(dict[str, vocabulary.Pairs])
_slices = msgspec.json.Decoder(dict[str, vocabulary.Slices])
_T = TypeVar("_T")
Recent = Callable[[str, int], vocabulary.Inputs]
"""`Eye.recent`."""


class Gateway(msgspec.Struct, frozen=True):
    """A living gateway: which boot it is, which table it obeys, and what it says that control has to know."""

    name: str
    incarnation: str
    generation: int
    wanted: tuple[str, ...] = ()
    """Endpoints asleep for which somebody waits."""
    silent: dict[str, float] = {}
    """Workers that have not answered for so many seconds."""
    workers: frozenset[str] = frozenset()
    """Workers it is connected to."""


class Observation(msgspec.Struct, frozen=True, dict=True):
    """One look at the world."""

    at: float
    table: tables.Table
    gateways: tuple[Gateway, ...]
    replicas: tuple[target.Replica, ...]
    sums: dict[str, tuple[vocabulary.Sum, ...]]
    """By release: of those that are judged at this look."""
    closed_before: int
    """Arrival ticks below this have no pending request in any gateway; 0 where no release is under way."""
    labels: dict[str, vocabulary.Labels]
    """By release."""
    pairs: dict[str, vocabulary.Pairs] = {}
    """By release."""
    keys: dict[str, tuple[vocabulary.KeyEvent, ...]] = {}
    """By release: first bad requests of sticky keys."""
    slices: dict[str, vocabulary.Slices] = {}
    """By release."""
    specified: int = 1
    """Gateways that have a specification, alive or not: they share what limits allow."""

    @functools.cached_property
    def by_version(self) -> dict[tuple[str, int], tuple[target.Replica, ...]]:
        """Replicas by (endpoint, ordinal)."""
        found: dict[tuple[str, int], tuple[target.Replica, ...]] = {}
        for one in self.replicas:
            key = (one.endpoint, one.ordinal)
            found[key] = (*found.get(key, ()), one)
        return found

    def of(self, version: releases.Version) -> tuple[target.Replica, ...]:
        """This version's replicas, whatever their state."""
        return self.by_version.get((version.endpoint, version.ordinal), ())

    def ready(self, version: releases.Version) -> int:
        """How many replicas of this version have answered their warm-up and live."""
        return sum(one.state == "ready" for one in self.of(version))

    def memory(self, version: releases.Version) -> int:
        """Bytes of memory that the largest replica of this version holds; 0 while none has said."""
        return max((one.rss for one in self.of(version)), default=0)

    def inputs(self, release: releases.Release, smoke: vocabulary.Smoke | None = None) -> vocabulary.Inputs:
        """All that the judge is given of a release."""
        name = release.id
        counted = self.sums.get(name, ()), self.closed_before, self.labels.get(name), self.pairs.get(name)
        return vocabulary.Inputs(*counted, self.keys.get(name, ()), smoke, self.slices.get(name))

    @property
    def obeyed(self) -> bool:
        """Whether every living gateway obeys the table as it is."""
        return all(one.generation >= self.table.generation for one in self.gateways)

    def in_force(self, endpoint: str) -> int:
        """The generation of the endpoint's route if every living gateway obeys it; 0 when not, or when none lives."""
        route = self.table.routes.get(endpoint)
        if route is None or not self.gateways:
            return 0
        return route.generation if min(one.generation for one in self.gateways) >= route.generation else 0

    def stage_sums(self, release: releases.Release) -> tuple[vocabulary.Sum, ...]:
        """The release's sums under the route now in the table, those of a cohort apart from those drawn."""
        route = self.table.routes.get(release.endpoint)
        generation = route.generation if route is not None and route.release == release.id else -1
        weight = arms.BUCKETS if route is not None and route.cohort and not route.weight else route.weight if route else 0
        return tuple(one for one in self.sums.get(release.id, ()) if (one.generation, one.weight) == (generation, weight))

    def rate(self, release: releases.Release) -> float:
        """Candidate requests a second, lately."""
        since = int(self.at) - RATE_SECONDS
        lately = (one for one in self.sums.get(release.id, ()) if since <= one.tick < int(self.at))
        return sum(one.candidate.opened for one in lately) / RATE_SECONDS


class Eye:
    """Looks at one home and its target; remembers the table while its file does not change."""

    def __init__(self, home: homes.Home, placed: target.Target) -> None:
        self._home, self._placed = home, placed
        self._table = tables.EMPTY
        self._books = books.Books(home.sums)
        self._names: list[str] = []
        self._gateways: tuple[Gateway, ...] = ()
        self._told = keyevents.Reader(home.sums)
        self._keys = keyevents.Firsts()
        self._file: tuple[int, int, int] | None = None

    def count(self, under_way: Collection[str]) -> None:
        """Read what has been counted of these releases since."""
        self._names = _specified(self._home)
        self._gateways = tuple(found for name in self._names if (found := _gateway(self._home, name)) is not None)
        if under_way:
            self._books.look(under_way, {one.incarnation for one in self._gateways})

    def recent(self, release: str, since: int) -> vocabulary.Inputs:
        """What was counted of a release from a Unix second on, at which a minute begins; its sums only."""
        return vocabulary.Inputs(self._books.of(release, since), self._books.closed_before)

    def look(self, under_way: Mapping[str, str], now: float, judged: Collection[str]) -> Observation:
        """Look at everything; of what was counted of the releases `under_way` (id: endpoint), at that of those to be judged.

        A damaged file of one boot or endpoint is left out. Raises TableUnreadable when the table is damaged.
        """
        looked = {name: endpoint for name, endpoint in under_way.items() if name in judged}
        return Observation(
            at=now,
            table=self._read_table(),
            gateways=self._gateways,
            replicas=self._placed.observe(),
            sums={name: counted for name in looked if (counted := self._books.of(name))},
            closed_before=self._books.closed_before if under_way else 0,
            labels=_read(self._home.labels, set(looked.values()), _labels),
            pairs=_read(self._home.pairs, set(looked.values()), _pairs),
            slices=_read(self._home.slices, set(looked.values()), _slices),
            keys=self._read_keys(looked, under_way),  # after the sums: no event of a closed tick is missed then
            specified=max(1, len(self._names)),
        )

    def _read_keys(self, looked: Collection[str], under_way: Collection[str]) -> dict[str, tuple[vocabulary.KeyEvent, ...]]:
        """The first bad request of each key, over all gateways and boots. What was read is not read again, so that nothing of a
        release under way may be forgotten.
        """
        self._keys.take(self._told.look())
        self._keys.forget(under_way, REMEMBERED)
        return {name: keys for name in looked if (keys := self._keys.of(name))}

    def _read_table(self) -> tables.Table:
        file = _version(self._home.table)
        if file is None or file != self._file:
            self._table = tablefile.read(self._home.table)
            self._file = file
        return self._table


def _version(path: pathlib.Path) -> tuple[int, int, int] | None:
    """Changes whenever the file is replaced; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _specified(home: homes.Home) -> list[str]:
    """Names of the gateways that have a specification."""
    return sorted(path.stem for path in home.instances.glob("gateway-*.json"))


def _gateway(home: homes.Home, name: str) -> Gateway | None:
    """A gateway that lives and has said which boot it is."""
    said = instances.read_state(home.instances, name)
    if not said.get("incarnation") or not instances.holder(home.instances, name):
        return None
    wanted, silent = tuple(said.get("wanted", ())), dict(said.get("silent", {}))
    workers = frozenset(said.get("workers", ()))
    return Gateway(name, said["incarnation"], int(said.get("generation", 0)), wanted, silent, workers)


def _read(folder: pathlib.Path, endpoints: set[str], decoder: msgspec.json.Decoder[dict[str, _T]]) -> dict[str, _T]:
    """What the recorder has written of these endpoints' releases."""
    found: dict[str, _T] = {}
    for endpoint in endpoints:
        with contextlib.suppress(OSError, ValueError):
            found |= decoder.decode((folder / f"{endpoint}.json").read_bytes())
    return found
