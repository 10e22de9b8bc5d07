"""What alarms do where there is no release to tell it to: the version before serves again, a retraining is asked for.

What is due, and why, is `core.decide.actions`. What is done is noted with the incident in the transaction that does it, so it is
done once, whenever control dies.
"""

import logging

import msgspec

from tidegate.control.loop import commands, served, transitions
from tidegate.control.store import alarms as alarm_rows
from tidegate.control.store import commands as orders
from tidegate.control.store import endpoints
from tidegate.core.decide import actions, strategies
from tidegate.core.vocabulary import decisions, errors, home, incidents, phases

log = logging.getLogger(__name__)
_RECENT = 200
"""Events of an endpoint among which a rollback by hand is looked for."""


def turn(desk: transitions.Desk, place: home.Home, now: float) -> None:
    """Do what open alarms have left to do. Raises StoreUnavailable, DiskFull, GenerationConflict."""
    rows = {row.name: row for row in desk.rows()}
    for one in desk.incidents():
        row = rows.get(one.alarm.endpoint)
        if row is None or not one.open or one.did(one.alarm.action) or one.alarm.action not in ("rollback", "retrain"):
            continue
        due = actions.due(one, _standing(desk, row))
        if due is not None:
            _act(desk, place, one, due, now)


def _act(desk: transitions.Desk, place: home.Home, one: incidents.Incident, due: tuple[actions.Way, str], now: float) -> None:
    way, words = due
    if way is actions.Way.BACK:
        event = decisions.Event(decisions.Kind.ALARMED, reason=words, alarm=one.name)
        order = orders.Command(desk.environment, one.alarm.endpoint, "rollback", reason=words, at=now)
        try:
            commands.roll_back(desk, place, order, event, now)
        except (errors.StoreUnavailable, errors.DiskFull, errors.GenerationConflict):
            raise
        except errors.TidegateError as no:
            words = f"nothing goes back, {str(no).rstrip('.')}; {words}"
        else:
            return
    stable = desk.stable(one.alarm.endpoint)
    asked = (decisions.StartJob("retrain", "", stable),) if way is actions.Way.RETRAIN and stable is not None else ()
    deed = incidents.Deed(one.alarm.action, now, words)
    after = msgspec.structs.replace(one, deeds=(*one.deeds, deed))
    desk.store.put_incident(desk.environment, after, (incidents.Happened(incidents.ACTED, now, words, effects=asked),))
    log.warning("an alarm acts", extra={"endpoint": one.alarm.endpoint, "kind": one.alarm.kind, "words": words})


def _standing(desk: transitions.Desk, row: endpoints.Endpoint) -> actions.Standing:
    store, environment = desk.store, desk.environment
    before, no_way = None, ""
    try:
        before = desk.version(row.name, desk.last_good(row.name))
    except errors.NothingToRollBack as no:
        no_way = no.message
    return actions.Standing(
        release=desk.active(row.name),
        serving=desk.version(row.name, row.stable),
        before=before,
        no_way=no_way,
        brought_back=int(store.fact(environment, row.name, alarm_rows.BROUGHT_BACK) or 0),
        returned_at=_returned_at(desk, row),
    )


def _returned_at(desk: transitions.Desk, row: endpoints.Endpoint) -> float:
    """When the endpoint went back last, unless a release came through since."""
    latest = desk.latest(row.name)
    by_hand = max(
        (one.at for one in desk.store.last_events(desk.environment, row.name, _RECENT) if one.kind == served.BY_HAND), default=0.0
    )
    if latest is None:
        return by_hand
    if latest.strategy == strategies.BACK:
        return max(by_hand, latest.created_at)
    went_back = latest.phase is phases.Phase.ROLLED_BACK or (latest.phase in phases.ENDED and latest.rollback_began_at)
    return max(by_hand, latest.phase_since) if went_back else by_hand if by_hand > latest.created_at else 0.0
