"""A world for control without processes or sleeps: real store, table file and loop; simulated workers, gateways and clients.

One tick of it is a second: workers come up and go, gateways take over the table (one of them late, where a play says so),
clients ask, and then control has its turn. Whatever control does that lasts goes through a `Fuse`, which may end it there.
"""

import collections
import concurrent.futures
import contextlib
import pathlib
import shutil
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import pytest

from tidegate.control.loop import loop, observation, smoke, turns
from tidegate.control.store import commands, database, store
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import alarms, arms, errors, home, instances, manifests, marks, releases, sums, tables
from tidegate.dataplane.gateway import router
from tidegate.dataplane.models import bundles
from tidegate.dataplane.targets import fake, target
from tidegate.dataplane.wire import tablefile
from tidegate.observability.monitors import speaking

ENV = "production"
BEGAN = 1_000_000.0
REQUESTS = 50
"""A gateway's, for each endpoint and tick."""
UP_TICKS, LEAVE_TICKS = 1, 1
"""How long a worker takes to come up, and to finish what it has."""
QUIET_TICKS = 2
"""So long nothing lasting has been done once a play is over."""
LONGEST = 150
WRITES = (
    *("create", "commit", "append", "append_once", "hold", "clear_holds", "put_endpoint", "settle", "adopt_generation"),
    *("note", "finish", "put_incident", "forget_incident", "admit", "revoke"),
)
"""What a store keeps that decides something."""
GATEWAY = instances.Spec("gateway-0", "gateway", (), "token")
_KNOWN: dict[str, Any] = {}
_SAMPLE = b'{"instances": [{"x": 1.0}]}'


class Crash(BaseException):
    """Control's death."""


class Fuse:
    """Counts what control does that lasts, and ends it right before or right after one of these."""

    def __init__(self, at: int = -1, *, after: bool = False) -> None:
        self.at, self.after = at, after
        self.done: list[str] = []
        self.live = False
        """Only what control does counts, not what others do to the same store and table."""

    def around(self, what: str, act: Callable[[], Any]) -> Any:
        if not self.live:
            return act()
        number = len(self.done)
        self.done.append(what)
        if number == self.at and not self.after:
            raise Crash(what)
        result = act()
        if number == self.at:
            raise Crash(what)
        return result


READS = (
    *("endpoint", "endpoints", "version", "versions", "active", "releases", "held", "holds", "holders", "pending_commands"),
    *("alarms", "fact", "adopted_generation"),
)


class Books(store.Store):
    """The real store, its writing methods under the fuse. What was read is remembered until something is written: half of the
    time otherwise.
    """

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self.fuse = fuse
        self.read: dict[Any, Any] = {}


def _writing(name: str) -> Callable[..., Any]:
    real = getattr(store.Store, name)

    def called(self: Books, *given: Any, **named: Any) -> Any:
        try:
            return (
                self.fuse.around(_words(name, given), lambda: real(self, *given, **named))
                if name in WRITES
                else real(self, *given)
            )
        finally:
            self.read.clear()

    return called


def _reading(name: str) -> Callable[..., Any]:
    real = getattr(store.Store, name)

    def called(self: Books, *given: Any) -> Any:
        key = (name, *given)
        if key not in self.read:
            self.read[key] = real(self, *given)
        return self.read[key]

    return called


def _words(name: str, given: tuple[Any, ...]) -> str:
    if name == "commit":
        return f"commit {given[0].release.endpoint}: {given[1].kind}, {given[0].release.phase}"
    return f"{name} {getattr(given[0], 'endpoint', '')}".strip()


for _name in (*WRITES, "submit"):
    setattr(Books, _name, _writing(_name))
for _name in READS:
    setattr(Books, _name, _reading(_name))


class Workers(fake.Fake):
    """Workers that take their time. Versions in `broken`, (endpoint, ordinal), never come up."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse
        self.broken: set[tuple[str, int]] = set()
        self._ages: dict[str, int] = {}
        self._leaving: dict[str, tuple[target.Replica, int]] = {}

    def observe(self) -> tuple[target.Replica, ...]:
        leaving = (msgspec.structs.replace(one, state=target.State.DRAINING) for one, _ in self._leaving.values())
        return (*super().observe(), *leaving)

    def ensure(self, version: releases.Version, replicas: int, resources: instances.Resources = instances.UNLIMITED) -> None:
        ours = self._of(version)
        if len(ours) == replicas and not any(one.state is target.State.DRAINING for one in ours):
            return  # what changes nothing is no place to die at
        words = f"ensure {version.endpoint} {version.name} x{replicas}"
        self.fuse.around(words, lambda: self._losing(lambda: fake.Fake.ensure(self, version, replicas, resources)))

    def drain(self, version: releases.Version) -> None:
        self.fuse.around(f"drain {version.endpoint} {version.name}", lambda: fake.Fake.drain(self, version))

    def restart(self, instance: str, why: str) -> None:
        self.fuse.around(f"restart {instance}", lambda: fake.Fake.restart(self, instance, why))

    def dismiss(self, instance: str) -> None:
        self.fuse.around(f"dismiss {instance}", lambda: self._losing(lambda: fake.Fake.dismiss(self, instance)))

    def remove(self, version: releases.Version) -> None:
        if not self._of(version):
            return
        words = f"remove {version.endpoint} {version.name}"
        self.fuse.around(words, lambda: self._losing(lambda: fake.Fake.remove(self, version)))

    def step(self) -> None:
        """A tick passes."""
        self._leaving = {name: (one, left - 1) for name, (one, left) in self._leaving.items() if left > 1}
        for one in list(self._replicas.values()):
            age = self._ages[one.instance] = self._ages.get(one.instance, 0) + 1
            if one.state is target.State.STARTING and age >= UP_TICKS:
                broken = (one.endpoint, one.ordinal) in self.broken
                state = target.State.FAILED if broken else target.State.READY
                self.becomes(one.instance, state, *(("warmup-failed", "it does not load") if broken else ()))

    @property
    def ready(self) -> set[str]:
        """Instances that answer."""
        return {one.instance for one in self._replicas.values() if one.state is target.State.READY}

    @property
    def moving(self) -> bool:
        """Whether any is coming up or leaving."""
        return bool(self._leaving) or any(one.state is target.State.STARTING for one in self._replicas.values())

    def _losing(self, act: Callable[[], None]) -> None:
        before = dict(self._replicas)
        act()
        for name in before.keys() - self._replicas.keys():
            self._leaving[name] = (before[name], LEAVE_TICKS)


class Gateway:
    """A simulated gateway: obeys a table, draws clients' requests as a real one's router does."""

    def __init__(self, name: str, late: int = 0) -> None:
        """`late`: ticks for which it goes on with an earlier table."""
        self.name = name
        self.table = tables.EMPTY
        self._seen = collections.deque([tables.EMPTY] * (late + 1), late + 1)
        self._routers: dict[str, router.Router] = {}

    def step(self, table: tables.Table) -> None:
        """Take over what is to be obeyed now."""
        self._seen.append(table)
        obeyed = self._seen[0]
        if obeyed.generation != self.table.generation:
            self.table = obeyed
            self._routers = {name: router.Router(route) for name, route in obeyed.routes.items()}

    def asked(self, now: float) -> Iterator[tuple[router.Router, router.Draw, bool, int]]:
        """(router, draw, whether a copy is made, number) of each request of a tick."""
        for name, drawing in self._routers.items():
            for number in range(REQUESTS):
                unit = b"%d-%s-%s-%d" % (now, self.name.encode(), name.encode(), number)
                fields = {b"x-team": b"internal"} if drawing.member is not None and number % 10 == 0 else {}
                draw = drawing.member if fields and drawing.belongs(fields, b"") and drawing.member else drawing.draw(unit)
                yield drawing, draw, bool(drawing.route.mirror) and drawing.mirrored(unit), number


class Eye:
    """What control sees of the world, in place of the files that real gateways and recorders write."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def count(self, under_way: dict[str, str]) -> None:
        """The world counts by itself."""

    def recent(self, name: str, since: int) -> sums.Inputs:
        world = self._world
        counted = world.sums_of(name) if name in world.counted else ()
        return sums.Inputs(tuple(one for one in counted if one.tick >= since), int(world.now) + 1)

    def look(self, under_way: dict[str, str], now: float, judged: set[str]) -> observation.Observation:
        world = self._world
        wanted = [name for name in under_way if name in judged]
        ready = frozenset(world.workers.ready)
        return observation.Observation(
            at=now,
            table=tablefile.read(world.place.table),
            gateways=tuple(
                observation.Gateway(one.name, one.name, one.table.generation, workers=ready) for one in world.gateways
            ),
            replicas=world.workers.observe(),
            sums={name: world.sums_of(name) for name in wanted if name in world.counted},
            closed_before=int(now) + 1,
            labels={name: world.labels_of(name) for name in wanted if name in world.values},
            pairs={name: sums.Pairs((sums.PairSum("", *world.pairs[name]),)) for name in wanted if name in world.pairs},
            specified=len(world.gateways),
        )


class Later(concurrent.futures.ThreadPoolExecutor):
    """Does nothing of what it is given until it is told to."""

    def __init__(self) -> None:
        super().__init__(1)
        self._queue: list[tuple[concurrent.futures.Future[Any], Callable[[], Any]]] = []

    def submit(self, act: Callable[..., Any], /, *given: Any, **named: Any) -> concurrent.futures.Future[Any]:
        found: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._queue.append((found, lambda: act(*given, **named)))
        return found

    def run(self) -> None:
        """Do all of it."""
        queue, self._queue = self._queue, []
        for found, act in queue:
            try:
                found.set_result(act())
            except Exception as raised:
                found.set_exception(raised)


class Answer(NamedTuple):
    """What came of a smoke request."""

    failure: str = ""


class Ask(NamedTuple):
    """What somebody asks of control, once `when` holds of the world: of a release, the model `digest` names ("good", "bad")."""

    kind: str
    when: Callable[["World"], bool] = lambda _: True
    endpoint: str = "flights"
    payload: Mapping[str, Any] = types.MappingProxyType({})
    actor: str = "ada"


class Play(NamedTuple):
    """What happens in a world."""

    settings: dict[str, Any]
    """Of every endpoint, over `specification.Settings`."""
    asks: tuple[Ask, ...]
    bad: tuple[tuple[str, int], ...] = ()
    """Versions whose answers are errors half of the time, (endpoint, ordinal)."""
    broken: tuple[tuple[str, int], ...] = ()
    """Versions that never load."""
    gap: bool = False
    """Whether clients may meet nobody for a while."""
    late: int = 0
    """By how many ticks one of the two gateways takes over each table later than the other."""
    begins: str = "one"
    """In which of the worlds that are there."""


class World:
    """One home, everything in it, and time."""

    def __init__(self, root: pathlib.Path, play: Play, fuse: Fuse | None = None) -> None:
        self.play, self.fuse = play, fuse or Fuse()
        self.place = home.Home(root)
        self.now = BEGAN
        self.books = self._open()
        self.workers = Workers(self.fuse)
        self.workers.broken = set(play.broken)
        self.gateways = [Gateway("gateway-0"), Gateway("gateway-1", play.late)]
        self.counted: dict[str, dict[tuple[int, int, bool, int], list[int]]] = {}
        """By release and (generation, weight, evidence, tick): opened and bad of stable, then of the candidate."""
        self.pairs: dict[str, tuple[int, int]] = {}
        self.values: dict[str, dict[int, list[int]]] = {}
        """By release and weight: units and sum of the metric of stable, then of the candidate."""
        self.control: loop.Control | None = None
        self._later = Later()
        self._may_answer = threading.Event()
        """Whether smoke requests are answered: between ticks only."""
        self.crashes = self.behind = 0
        self.gaps = 0
        self.served: set[int] = set()
        """Ordinals of flights' versions that were asked."""
        self._minted = 0
        self._asked = 0
        self.commands: list[str] = []
        self.ticks: list[int] = []
        """How much had been done after each tick."""

    @classmethod
    def finished(cls, root: pathlib.Path, play: Play) -> "World":
        """A world in which a play is over, for others to begin in."""
        root.mkdir()
        world = cls(root, play)
        with world.open():
            world.finish()
        return world

    @classmethod
    @contextlib.contextmanager
    def of(cls, made: "World", root: pathlib.Path, play: Play, fuse: Fuse | None = None) -> Iterator["World"]:
        """A copy of a world that stands still, for another play."""
        root.mkdir()
        shutil.copyfile(made.place.store, root / made.place.store.name)
        shutil.copyfile(made.place.table, root / made.place.table.name)
        (root / "bundles").symlink_to(made.place.bundles)
        world = cls(root, play, fuse)
        world.now = made.now
        world.workers._replicas, world.workers._count = dict(made.workers._replicas), made.workers._count
        with world.open():
            table = tablefile.read(world.place.table)
            for gateway in world.gateways:
                for _ in range(play.late + 1):
                    gateway.step(table)
            yield world
        shutil.rmtree(root)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """While it is open, control's table writes are this world's, and so are the gateways that smoke requests go through."""
        real = tablefile.write
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tablefile, "write", lambda *given: self.fuse.around("write the table", lambda: real(*given)))
            patch.setattr(turns, "JUDGING_SECONDS", 1e6)  # all in every tick, however slow the machine
            patch.setattr(smoke, "gateways", lambda _: iter((GATEWAY,)))
            try:
                yield
            finally:
                self.kill()
                self.books.close()

    def kill(self) -> None:
        """Control is gone, and what it knew. Its threads have no say in anything and are not left behind."""
        if self.control is not None:
            self.control.close()
            self.control = None

    def restore(self, copy: pathlib.Path) -> None:
        """The store is what it was when this copy was made. Control is gone."""
        self.kill()
        self.books.close()
        for path in self.place.root.glob(f"{self.place.store.name}*"):
            path.unlink()
        shutil.copyfile(copy, self.place.store)
        self.books = self._open()

    def _open(self) -> Books:
        made = Books(database.sqlite_url(self.place.store), self.fuse)
        engine = made._database._engine  # hundreds of stores, and the same statements: compiled once
        engine.dialect = _KNOWN.setdefault("dialect", engine.dialect)
        engine._compiled_cache = _KNOWN.setdefault("statements", engine._compiled_cache)
        return made

    # time

    def tick(self, *, alive: bool = True) -> None:
        """One second. `alive`: whether control has its turn."""
        self.now += 1
        self.workers.step()
        table = tablefile.read(self.place.table)
        well_formed(table)
        for gateway in self.gateways:
            gateway.step(table)
            self._serve(gateway)
        self._ask()
        if alive:
            self._decide()
        self.ticks.append(len(self.fuse.done))

    def finish(self) -> None:
        """Until everything asked for has come about."""
        for _ in range(LONGEST):
            self.tick()
            if self.still:
                return
        raise AssertionError(f"still not over: {self.books.active(ENV)}")

    @property
    def still(self) -> bool:
        """Whether nothing happens any more."""
        recent = self.ticks[-QUIET_TICKS:]
        quiet = self.control is not None and len(recent) == QUIET_TICKS and len(set(recent)) == 1
        return quiet and self._asked == len(self.play.asks) and not self.workers.moving and not self.books.active(ENV)

    def newest(self) -> releases.Release:
        """The newest release of flights."""
        found = self.books.latest(ENV, "flights")
        assert found is not None
        return found

    def _decide(self) -> None:
        if self.control is None:
            self.control = self._born()
        self.fuse.live = True
        try:
            self.control.tick(self.now)
        except Crash:
            self.crashes += 1
            self._join()
            self.kill()
        except errors.StoreBehindTable:
            self.behind += 1
        else:
            self._join()
        finally:
            self.fuse.live = False

    def another(self) -> loop.Control:
        """A second control process on the same home, with a store of its own. It has its turn as the world's `control`."""
        return self._born(self._open())

    def _born(self, books: Books | None = None) -> loop.Control:
        made = loop.Control(self.place, ENV, books or self.books, self.workers)
        made._eye = Eye(self)  # type: ignore[assignment]
        made._desk._mint = self._mint
        made._progress._checks._pool = self._later = Later()
        made._progress._smoke = smoke.Smoke(self.place, self._smoke)
        return made

    def _mint(self) -> str:
        self._minted += 1
        return f"release-{self._minted}-at-{self.now:.0f}"

    def _join(self) -> None:
        """What control has in threads is done after its turn and before the next, so that every run goes the same way."""
        self._later.run()
        self._may_answer.set()
        for thread in threading.enumerate():
            if thread.name == "smoke":
                thread.join(30)
        self._may_answer.clear()

    # people

    def _ask(self) -> None:
        while self._asked < len(self.play.asks) and self.play.asks[self._asked].when(self):
            ask = self.play.asks[self._asked]
            payload = dict(ask.payload)
            if ask.kind == "alarm":
                self._say(payload["wrong"])
                self._asked += 1
                continue
            if ask.kind == "release":
                payload = self._payload(ask.endpoint, payload["model"])
            elif ask.kind == "release_group":
                payload["members"] = [self._payload(name, model) for name, model in payload["members"].items()]
            name = f"{self._asked}-{ask.kind}-{self.now:.0f}"
            given = (ENV, ask.endpoint, ask.kind, payload, ask.actor, f"{ask.kind} wanted", self.now, name)
            self.commands.append(self.books.submit(commands.Command(*given)))
            self._asked += 1

    def _say(self, wrong: list[alarms.Alarm]) -> None:
        """What a monitor says is wrong, as it does."""
        self.place.alarms.mkdir(exist_ok=True)
        speaking.Voice(self.place.alarms, "monitor").say(
            self.now, [msgspec.structs.replace(one, since=self.now) for one in wrong]
        )

    def _payload(self, endpoint: str, model: str) -> dict[str, Any]:
        settings = specification.Settings(endpoint=endpoint, model=f"models/{model}", **self.play.settings)
        return {"digest": bundle(self.place, model), "settings": specification.plain(settings)}

    def _smoke(self, gateway: Any, version: releases.Version, bodies: Any, seconds: float) -> list[Answer]:
        self._may_answer.wait(30)
        bad = (version.endpoint, version.ordinal) in self.play.bad
        reached = any(one.ordinal == version.ordinal for one in self.gateways[0].table.routes[version.endpoint].versions)
        failure = "" if reached and not bad else "it raised" if bad else "the gateway does not know it"
        return [Answer(failure) for _ in bodies]

    # clients

    def _serve(self, gateway: Gateway) -> None:
        ready = self.workers.ready
        for drawing, draw, copied, number in gateway.asked(self.now):
            route = drawing.route
            if not any(one.instance in ready for one in draw.version.workers):
                if not (route.gap and self.play.gap):
                    raise AssertionError(f"{gateway.name} sends {route.endpoint}'s requests to {draw}, which has no worker")
                self.gaps += 1
                continue
            if route.endpoint == "flights":
                self.served.add(draw.version.ordinal)
            if not route.release:
                continue
            key = (route.generation, draw.weight, draw.evidence, int(self.now))
            bad = number % 2 == 0 and (route.endpoint, draw.version.ordinal) in self.play.bad
            counts = self.counted.setdefault(route.release, {}).setdefault(key, [0, 0, 0, 0])
            counts[2 * draw.arm] += 1
            counts[2 * draw.arm + 1] += bad
            if copied:
                pairs, differ = self.pairs.get(route.release, (0, 0))
                self.pairs[route.release] = (pairs + 1, differ + self._differs(route, number))
            elif draw.evidence:
                found = self.values.setdefault(route.release, {}).setdefault(draw.weight, [0, 0, 0, 0])
                found[2 * draw.arm] += 1
                found[2 * draw.arm + 1] += number % 10 < (8 if draw.arm else 3)

    def _differs(self, route: tables.Route, number: int) -> bool:
        return number % 2 == 0 and any((route.endpoint, one.ordinal) in self.play.bad for one in route.versions)

    def sums_of(self, release: str) -> tuple[sums.Sum, ...]:
        """What the gateways have counted."""
        return tuple(
            sums.Sum(generation, weight, evidence, tick, 1, _counts(*counts[:2]), _counts(*counts[2:]))
            for (generation, weight, evidence, tick), counts in self.counted[release].items()
        )

    def labels_of(self, release: str) -> sums.Labels:
        """What outcomes say: who was right, which is the metric of an A/B test."""
        values = tuple(
            sums.Values("right", weight, sums.Moments(units1, right1, right1), sums.Moments(units0, right0, right0))
            for weight, (units0, right0, units1, right1) in self.values[release].items()
        )
        return sums.Labels(int(self.now), (), values=values)


def _counts(opened: int, bad: int) -> sums.Counts:
    given = [0] * marks.SLOTS
    given[marks.Mark.OK], given[marks.Mark.ERROR] = opened - bad, bad
    return sums.Counts(opened, tuple(given), rescued=bad)


def well_formed(table: tables.Table) -> None:
    """Shares sum to 100 %, and nobody without an address is to be asked."""
    for route in table.routes.values():
        assert 0 <= route.weight <= arms.BUCKETS
        assert route.candidate is not None or not (route.weight or route.mirror or route.cohort or route.candidate_owns)
        ordinals = [one.ordinal for one in route.versions]
        assert len(set(ordinals)) == len(ordinals), f"a version is listed twice: {ordinals}"
        assert route.stable.workers or route.gap or route.weight == arms.BUCKETS
        assert route.candidate is None or route.candidate.workers or not (route.weight or route.cohort)


def bundle(place: home.Home, model: str) -> str:
    """The digest of a bundle of that model, made unless it is there."""
    folder = place.bundles / f"making-{model}"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_text(model)
    (folder / "example.json").write_bytes(_SAMPLE)
    signature = manifests.Signature("columns", (manifests.Column("x", "double"),), (manifests.Column("y", "double"),))
    files = (bundles.measure(folder, "example.json"), bundles.measure(folder, "model.bin"))
    source = manifests.Provenance(f"models/{model}")
    made = manifests.Manifest("m", "sklearn", "model.bin", signature, files, provenance=source, example="example.json")
    (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(made, order="deterministic"))
    if (place.bundles / made.digest).exists():
        shutil.rmtree(folder)
    else:
        folder.rename(place.bundles / made.digest)
    return made.digest
