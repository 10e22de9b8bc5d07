"""What one tick of control costs with many releases live: CPU seconds of a real `Control` over a real store and real sums.

Fifty endpoints, each with a canary in its second stage and ten minutes of traffic behind it; more arrives before every tick.
The gateway is a process that holds the lock and says what a gateway says, and the target has its workers ready.
"""

import multiprocessing
import pathlib
import time
from typing import Any

import msgspec
import numpy as np

from tidegate.control.loop import loop
from tidegate.control.store import database, endpoints
from tidegate.control.store import store as stores
from tidegate.core.decide import strategies
from tidegate.core.spec import settings
from tidegate.core.vocabulary import arms, home, instances, marks, phases, releases, tables
from tidegate.dataplane.targets import fake, target
from tidegate.dataplane.wire import sums, tablefile

HISTORY = 600
"""Seconds of traffic behind each release."""
_GATEWAY = "gateway-0"


def measure(place: home.Home, live: int, ticks: int) -> dict[str, Any]:
    """CPU milliseconds of the ticks, after a few that warm up."""
    now = time.time()
    incarnation = "0" * 32
    writer = sums.Writer(place.sums / f"{incarnation}.sums", incarnation, now - HISTORY - 10)
    with stores.Store(database.sqlite_url(place.store)) as store:
        placed = fake.Fake()
        routes = {f"e{number:02}": _endpoint(store, placed, f"e{number:02}", now) for number in range(live)}
        table = tablefile.write(place.table, lambda current: msgspec.structs.replace(current, routes=routes))
        store.adopt_generation("production", table.generation)
        for second in range(HISTORY):
            _count(writer, table, now - HISTORY + second, 20)
        claimed = multiprocessing.get_context("spawn").Process(
            target=_claim, args=(str(place.instances), incarnation, table.generation), daemon=True
        )
        claimed.start()
        while not instances.holder(place.instances, _GATEWAY):
            time.sleep(0.01)
        control = loop.Control(place, "production", store, placed)
        took = []
        for number in range(ticks + 10):
            now = time.time()
            _count(writer, table, now, 20)
            began = time.process_time()
            control.tick(now, time.monotonic())
            if number >= 10:
                took.append((time.process_time() - began) * 1e3)
            time.sleep(0.02)
        control.close()
        under_way = len(store.active("production"))
        claimed.kill()
    return {
        "live": under_way,
        "ticks": ticks,
        "mean_ms": round(float(np.mean(took)), 2),
        "p50_ms": round(float(np.percentile(took, 50)), 2),
        "p99_ms": round(float(np.percentile(took, 99)), 2),
    }


def _endpoint(store: stores.Store, placed: fake.Fake, name: str, now: float) -> tables.Route:
    given = settings.Settings(name, "bench", keep=0, given=())
    row = endpoints.Endpoint("production", name, settings.plain(given))
    store.put_endpoint(row)
    old, new = (store.add_version("production", name, f"{n:064x}", f"m{n}", "bench", now) for n in (1, 2))
    store.put_endpoint(msgspec.structs.replace(row, stable=1), store.endpoint("production", name))
    stages = strategies.compose(("canary",), strategies.Plan(strategies.Ramp(seconds=86_400.0, at_most=90_000.0)))
    release = releases.Release(
        *(f"release-{name}", "production", name, new, old, "canary", stages, releases.Policy(), name.encode(), now - HISTORY),
        phase=phases.Phase.RUNNING,
        stage=1,
        phase_since=now - HISTORY,
        stage_since=now - HISTORY,
    )
    store.create(release)
    for version in (old, new):
        placed.ensure(version, 1)
    placed.settle()
    ready = {one.ordinal: one for one in placed.observe() if one.endpoint == name}
    deployed = [
        tables.Deployed(one.ordinal, one.digest, one.model, (tables.Worker(*_address(ready[one.ordinal])),)) for one in (old, new)
    ]
    weight = stages[1].weight
    made = tables.Route(name, "production", deployed[0], deployed[1], weight, evidence=True, release=release.id, stage=1)
    return msgspec.structs.replace(made, salt=name.encode())


def _address(one: target.Replica) -> tuple[str, str, str]:
    return one.instance, one.address, one.token


def _count(writer: sums.Writer, table: tables.Table, now: float, requests: int) -> None:
    """Requests of both arms of every route, answered at once."""
    writer.beat(now)
    for route in table.routes.values():
        for arm, share in ((arms.Arm.STABLE, requests - 1), (arms.Arm.CANDIDATE, 1)):
            lane = writer.lane(route, arm)
            for _ in range(share):
                lane.opened().closed(marks.Mark.OK, 300, 3, rescued=False)
    writer.beat(now)


def _claim(folder: str, incarnation: str, generation: int) -> None:
    place = pathlib.Path(folder)
    instances.Spec(_GATEWAY, "gateway", ("bench",), token="bench").write(place)
    instances.Claim(place, _GATEWAY, "bench").say("ready", incarnation=incarnation, generation=generation, workers=[])
    time.sleep(3_600)
