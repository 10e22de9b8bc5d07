"""The control loop: a tick every 200 ms, from counters in memory-mapped files, not from a scrape.

Everything it knows is in the store, the table and the processes; what it keeps in memory is only how long something has
been so, and is built up again after a restart. A tick that sees nothing new does nothing: hundreds of endpoints that nobody
asks cost one look at the table, the store's count of changes and the processes.
"""

import logging
import os
import secrets
import time

from tidegate.control.loop import (
    acting,
    alarms,
    commands,
    following,
    forgetting,
    health,
    hearing,
    holders,
    leading,
    notifying,
    observation,
    overrides,
    progress,
    rehearsing,
    renaming,
    replacing,
    settling,
    shipping,
    silence,
    sleeping,
    transitions,
    upkeep,
)
from tidegate.control.store import commands as orders
from tidegate.control.store import endpoints
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import decisions, errors, ids, instances, phases
from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.targets import target

log = logging.getLogger(__name__)
TICK_SECONDS = 0.2
SWEEP_SECONDS = 60.0
JUMP_SECONDS = 2.0
"""A difference of the two clocks between two ticks from which the machine's clock was set."""
Rests = dict[str, sleeping.Rest]


class Control:
    """One environment's decider."""

    def __init__(self, home: homes.Home, environment: str, store: stores.Store, placed: target.Target) -> None:
        self._home, self._placed = home, placed
        self._desk = transitions.Desk(store, environment, _release_id)
        self._eye = observation.Eye(home, placed)
        self._health = health.Health()
        self._silence = silence.Silence(home)
        self._progress = progress.Progress(self._desk, home, self._health)
        self._dormitory = sleeping.Dormitory(home)
        self._replacing = replacing.Replacing(self._desk)
        self._following = following.Following(self._desk, home)
        self._drills = rehearsing.Drills(self._desk, home)
        self._forgetting = forgetting.Forgetting(self._desk, home)
        self._notifying = notifying.Notifying(self._desk, home)
        self._settling = settling.Settling(self._desk)
        self._alarms = alarms.Book(self._desk)
        self._ear = hearing.Ear(home.alarms)
        self._acted_on: tuple[object, ...] = ()
        self._swept = 0.0
        self._clocks: tuple[float, float] | None = None
        renaming.mend(self._desk, home)

    def tick(self, now: float, elapsed: float | None = None) -> None:
        """Look, answer commands, advance every release under way by one event, make true what is asked. `elapsed`: of a clock
        that nobody sets; where the two have gone apart since the last tick, what releases have noted is moved along.

        Raises StoreUnavailable, StoreBehindTable, GenerationConflict, ParentStale, DiskFull: nothing half-done, try again. What
        one release fails on by a fault of ours is raised once all others have had their turn.
        """
        desk = self._desk
        self._heed_clock(now, elapsed)
        under_way = {one.id: one.endpoint for one in desk.under_way()}
        ended = self._progress.settling
        self._eye.count(under_way | ended)
        judged = self._progress.to_judge(desk.under_way(), now, self._eye.recent) | ended.keys()
        seen = self._eye.look(under_way | ended, now, judged)
        self._health.look(seen)
        for name, why in self._health.silent(seen):
            self._placed.restart(name, why)
        rests = self._rests(desk.rows(), seen)
        mark = self._mark(seen, rests)
        if under_way or self._replacing.under_way or None in mark or mark != self._acted_on:
            self._act(seen, rests)
            self._acted_on = mark  # as it was before: what acting has changed is looked at once more
        self._following.turn(desk.rows(), now)
        self._drills.turn(desk.rows(), now)
        self._forgetting.turn(now)
        self._notifying.turn(desk.rows(), now)
        self._alarms.settle(self._due(seen, rests), now)

    def close(self) -> None:
        """Stop what it started in its own process."""
        self._progress.close()
        self._following.close()
        self._notifying.close()

    def _mark(self, seen: observation.Observation, rests: Rests) -> tuple[object, ...]:
        """What acting depends on: as long as none of it changes, there is nothing to do."""
        obeyed = tuple((one.incarnation, one.generation) for one in seen.gateways)
        token = holders.of_home(self._home) or ""
        return (self._desk.store.changes(), seen.table.generation, seen.replicas, obeyed, seen.specified, token, rests)

    def _act(self, seen: observation.Observation, rests: Rests) -> None:
        desk = self._desk
        self._heed_overrides(seen, seen.at)
        for command in desk.store.pending_commands(desk.environment):
            commands.answer(desk, self._home, command, seen.at)
            if command.kind == orders.REPLACE:
                self._replacing.asked()
            elif command.kind == orders.FOLLOW:
                self._settling.forget()
        acting.turn(desk, self._home, seen.at)
        advanced, failed = [], []
        for release in desk.under_way():
            try:
                advanced.append(self._progress.advance(release, seen))
            except errors.TidegateError:
                raise
            except Exception as bug:  # of this release; what is asked for all others is made true before it is told
                advanced.append(release)
                failed.append(bug)
        self._settling.turn(advanced)
        active = {one.endpoint: one for one in advanced if one.phase not in phases.ENDED}
        known = holders.listed(desk, self._home)
        needs = [
            upkeep.asked(desk, row, active.get(row.name), seen, known, rests.get(row.name, sleeping.Rest.AWAKE))
            for row in desk.rows()
        ]
        wanted = upkeep.hold_true(desk, self._home, needs, seen, known)
        wanted = self._replacing.turn(wanted, self._placed, seen)
        upkeep.place_all(desk, self._placed, wanted, seen)
        self._progress.settle(seen)
        shipping.keep(self._home, seen.table)
        if seen.at - self._swept > SWEEP_SECONDS:
            self._swept = seen.at
            upkeep.sweep(self._home, seen, min((one.created_at for one in advanced), default=seen.at))
        if failed:
            raise failed[0]

    def _rests(self, rows: list[endpoints.Endpoint], seen: observation.Observation) -> Rests:
        """How awake the endpoints are to be that sleep, or may."""
        moving = {one.endpoint for one in self._desk.under_way()}
        found: Rests = {}
        for row in rows:
            route = seen.table.routes.get(row.name)
            if row.settings.get("scale_to_zero") or (route is not None and route.asleep):
                settings, stable = self._desk.settings(row), self._desk.version(row.name, row.stable)
                found[row.name] = self._dormitory.rest(settings, stable, seen, moving=row.name in moving)
        return found

    def _due(self, seen: observation.Observation, rests: Rests) -> list[alarms.Alarm]:
        """Every alarm that is to be open now."""
        busy = {endpoint for endpoint, _ in seen.by_version}  # who has no worker at all is not in trouble
        rows = [row for row in self._desk.rows() if row.name in busy]
        stables = [one for row in rows if (one := self._desk.version(row.name, row.stable)) is not None]
        kept = [one for row in rows for ordinal in row.kept if (one := self._desk.version(row.name, ordinal)) is not None]
        asleep = frozenset(name for name, rest in rests.items() if rest is not sleeping.Rest.AWAKE)
        due = [*self._health.wrong(seen, stables, kept, asleep), *self._following.wrong(seen.at)]
        due += [*self._notifying.wrong(seen.at), *self._silence.wrong(seen.at), *self._ear.heard()]
        return [*due, self._replacing.failed] if self._replacing.failed else due

    def _heed_clock(self, now: float, elapsed: float | None) -> None:
        before, self._clocks = self._clocks, None if elapsed is None else (now, elapsed)
        jump = (now - before[0]) - (elapsed - before[1]) if before is not None and elapsed is not None else 0.0
        if abs(jump) < JUMP_SECONDS:
            return
        log.warning("the clock was set", extra={"seconds": round(jump, 1)})
        self._notifying.clock_set(jump)
        for release in self._desk.under_way():
            self._desk.tell(release, decisions.Event(decisions.Kind.CLOCK_JUMPED, seconds=jump), now)

    def _heed_overrides(self, seen: observation.Observation, now: float) -> None:
        try:
            overrides.settle(self._desk, seen.table, now)
        except errors.StoreBehindTable as behind:
            for command in self._desk.store.pending_commands(self._desk.environment):
                if command.kind == orders.ADOPT:
                    commands.answer(self._desk, self._home, command, now)
                else:
                    self._desk.store.refuse(command.id, behind)
            raise


def _release_id() -> str:
    return ids.text(ids.uuid7(time.time_ns() // 1_000_000, secrets.randbits(74)))


def run(home: homes.Home, name: str, store: stores.Store, placed: target.Target, environment: str = "production") -> None:
    """The control process: tick until SIGTERM. A failed tick is logged and tried again; nothing it did is half-done.

    Of several on one store the one that has the lease ticks; the others stand by.
    """
    claim = instances.claim(home.instances, name)
    stop = instances.ending()
    holder = f"{name}:{claim.token or os.getpid()}"
    office = leading.Office(store, environment, holder, lambda: Control(home, environment, store, placed))
    said = ""
    while not stop.is_set():
        began = time.monotonic()
        state, words = _tick(office)
        if state != said:
            well = state in ("ready", leading.STANDBY)
            log.log(logging.INFO if well else logging.WARNING, words or "ready", extra={"state": state, "term": office.term})
            claim.say(state, message=words)
            said = state
        stop.wait(max(0.01, TICK_SECONDS - (time.monotonic() - began)))
    office.close()
    claim.say("stopped")


def _tick(office: leading.Office[Control]) -> tuple[str, str]:
    """One tick; returns the state of control and, when it is not ready, why."""
    try:
        control = office.decider(time.time())
        if control is None:
            return leading.STANDBY, f"{office.other(time.time()) or 'another'} decides"
        control.tick(time.time(), time.monotonic())
    except (errors.GenerationConflict, errors.ParentStale) as overtaken:
        log.info("overtaken", extra={"reason": str(overtaken)})
    except errors.TidegateError as trouble:
        return trouble.code, str(trouble)
    except Exception as bug:
        log.exception("a tick failed")
        return errors.TidegateError.code, repr(bug)
    return "ready", ""
