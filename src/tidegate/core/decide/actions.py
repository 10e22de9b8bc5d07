"""What alarms do besides being told: by the file's `monitors.NAME.action`, and to a release by its `on_alarm`. Pure.

One story. An alarm of a monitor has the action that the endpoint's file gave it when it opened, once an incident. An alarm that
opens while a release is under way has besides what `release.on_alarm` says, whoever raised it; the stronger of the two counts:
going back, then a pause, then only telling. An estimate rolls nothing back, and an alarm that is about stable sends no
traffic to stable. What goes back already is not turned around.
"""

import enum
from collections.abc import Iterable

import msgspec

from tidegate.core.decide import strategies
from tidegate.core.vocabulary import alarms, incidents, monitoring, releases
from tidegate.core.vocabulary.alarms import Action
from tidegate.core.vocabulary.decisions import Event, Kind
from tidegate.core.vocabulary.phases import EXPOSED, Phase

HOLD = "hold:"
"""Beginning of the caution of an alarm that holds: the release goes on by itself once it is over."""
_EXPOSED = EXPOSED | {Phase.PROBATION}
_SPLIT = (Phase.RUNNING, Phase.PAUSED)
_BEFORE = (Phase.QUEUED, Phase.WARMING)
"""Where a release is kept back: before anything is done for it, and before it gets traffic."""


def given(alarm: alarms.Alarm, monitors: monitoring.Monitors) -> alarms.Action:
    """What the endpoint's file has this alarm do. What is only estimated is told where it would roll back."""
    by_kind: dict[str, str] = {
        alarms.Kind.DRIFT: monitors.drift.action,
        alarms.Kind.QUALITY: monitors.quality.action,
        alarms.Kind.PERFORMANCE: monitors.performance.action,
        alarms.Kind.ESTIMATE: monitors.performance.action,
        alarms.Kind.SERVICE: monitors.service.action,
        alarms.Kind.LOG_PATTERN: monitors.service.action,
        alarms.Kind.DOWN: monitors.uptime.action,
    }
    action = Action(by_kind.get(alarm.kind, Action.NOTIFY)) if alarm.endpoint else Action.NOTIFY
    return Action.NOTIFY if (alarm.kind, action) == (alarms.Kind.ESTIMATE, Action.ROLLBACK) else action


def to_release(release: releases.Release, open_now: Iterable[incidents.Incident]) -> Event | None:
    """What the open alarms of its endpoint have to say to a release under way; None: nothing."""
    found = tuple(open_now)
    if release.strategy == strategies.BACK or release.rollback_began_at:
        return None  # a way back waits for nobody
    return _sent_back(release, found) or _paused(release, found) or _relieved(release, found)


def _sent_back(release: releases.Release, found: tuple[incidents.Incident, ...]) -> Event | None:
    if release.phase not in _EXPOSED:
        return None
    for one in found:
        if not _rolls_back(release, one):
            continue
        about = _about(release, one)
        if about == "stable" and release.phase in _SPLIT and not release.alone:
            return Event(Kind.STABLE_SICK, reason=f"{_said(one)} (stable {one.alarm.version})", alarm=one.name)
        if about == "candidate":
            return Event(Kind.ALARMED, reason=_said(one), alarm=one.name)
    return None


def _rolls_back(release: releases.Release, one: incidents.Incident) -> bool:
    by_release = release.policy.on_alarm == "rollback" and _during(release, one) and one.alarm.kind != alarms.Kind.ESTIMATE
    by_monitor = one.alarm.action == Action.ROLLBACK and not one.did(Action.ROLLBACK)
    return by_monitor or (by_release and not any(deed.release == release.id for deed in one.deeds))


def _paused(release: releases.Release, found: tuple[incidents.Incident, ...]) -> Event | None:
    holding = [one for one in found if one.holds or _keeps_back(release, one)]
    if release.phase in _BEFORE:
        if holding and not (release.alone and release.phase is Phase.WARMING):  # nobody answers then: the sooner the better
            return Event(Kind.CAUTION, reason=f"held by {_said(holding[0])}; {_way_past(holding[0])}")
        return None
    if release.phase is not Phase.RUNNING:
        return None
    for one in holding:
        subject = HOLD + one.name.removeprefix(incidents.PREFIX)
        if subject not in release.heeded:
            return Event(Kind.CAUTION, reason=_said(one), subject=subject, alarm=one.name)
    for one in found:
        told = release.policy.on_alarm if one.alarm.kind != alarms.Kind.ESTIMATE else _MILDER[release.policy.on_alarm]
        if told == "pause" and _during(release, one) and one.name not in release.heeded:
            return Event(Kind.CAUTION, reason=_said(one), subject=one.name, alarm=one.name)
    return None


_MILDER = {"rollback": "pause", "pause": "pause", "notify": "notify"}


def _keeps_back(release: releases.Release, one: incidents.Incident) -> bool:
    """Whether it rolls back and came before this release had traffic: stable is not well then, and a person has to choose."""
    passed = one.acknowledged is not None and one.acknowledged.go_on
    return one.alarm.action == Action.ROLLBACK and release.phase in _BEFORE and _during(release, one) and not passed


def _relieved(release: releases.Release, found: tuple[incidents.Incident, ...]) -> Event | None:
    if release.phase is not Phase.PAUSED or not release.paused_by or any(one.holds for one in found):
        return None
    return Event(Kind.RELIEVED, reason=f"nothing holds it any more ({release.paused_by.removeprefix(HOLD).rstrip(':')})")


def _during(release: releases.Release, one: incidents.Incident) -> bool:
    return one.opened_at >= release.created_at


def _about(release: releases.Release, one: incidents.Incident) -> str:
    """Whom it is about: an alarm that names no version of the two is about whoever is new."""
    if release.stable is not None and one.alarm.version == release.stable.name:
        return "stable"
    return "another" if one.alarm.version not in ("", release.candidate.name) else "candidate"


def _said(one: incidents.Incident) -> str:
    return f"alarm {one.alarm.kind}: {one.alarm.words.rstrip('.')}"


def _way_past(one: incidents.Incident) -> str:
    return f"`tidegate ack {one.alarm.endpoint} {one.name.removeprefix(incidents.PREFIX).rstrip(':')} --go-on` goes on past it"


class Standing(msgspec.Struct, frozen=True):
    """How an endpoint stands for an alarm that rolls back."""

    release: releases.Release | None
    """Under way."""
    serving: releases.Version | None
    before: releases.Version | None
    """Kept warm and not held: where there would be a way back to."""
    no_way: str = ""
    """Why there is none."""
    brought_back: int = 0
    """The ordinal of the version that an alarm brought back last; 0: none did."""
    returned_at: float = 0.0
    """When the endpoint went back last, by whomever, if it has not gone on since; Unix seconds."""


class Way(enum.StrEnum):
    """What is to be done because of an alarm, without a release to tell it to."""

    BACK = "back"
    """The version before serves again."""
    NOTHING = "nothing"
    """Nothing can be done, and people are told why."""
    RETRAIN = "retrain"


def due(one: incidents.Incident, stands: Standing) -> tuple[Way, str] | None:
    """What is to be done now, and why, of what is done once an incident; None: nothing, or the release is told."""
    if not one.open or one.did(one.alarm.action):
        return None
    if one.alarm.action == Action.RETRAIN:
        return (Way.RETRAIN, f"a retraining is asked for: {_said(one)}")
    if one.alarm.action != Action.ROLLBACK:
        return None
    return _due_back(one, stands)


def _due_back(one: incidents.Incident, stands: Standing) -> tuple[Way, str] | None:
    if stands.release is not None:
        why = _why_not(stands.release, one)
    elif stands.serving is None:
        why = "nothing serves"
    else:
        why = _why_no_return(one, stands, stands.serving)
    if why:
        return (Way.NOTHING, f"nothing goes back, {why}; {_said(one)}")
    return None if stands.release is not None else (Way.BACK, f"{_said(one)} (policy: roll back on alarms)")


def _why_no_return(one: incidents.Incident, stands: Standing, serving: releases.Version) -> str:
    """Why the version before does not serve again for it; empty: it does."""
    if one.alarm.version not in ("", serving.name):
        return f"it is about {one.alarm.version}, and {serving.name} serves"
    if stands.brought_back == serving.ordinal:
        return f"{serving.name} was itself brought back by an alarm: this may well be the traffic and not the model"
    if stands.returned_at > one.alarm.since:
        return f"{serving.name} serves since this began"
    return "" if stands.before is not None else stands.no_way.rstrip(".") or "no version before is kept"


def _why_not(release: releases.Release, one: incidents.Incident) -> str:
    """Why a release under way does not go back for it; empty: it does, being told."""
    if release.rollback_began_at or release.strategy == strategies.BACK:
        return "traffic goes back already"
    if release.phase is Phase.HALTED:
        return "the release is halted and a person has to choose"
    if release.phase not in _EXPOSED:
        serves = f"{release.stable.name} is what serves" if release.stable else "nothing serves"
        return f"{release.candidate.name} has no traffic yet and {serves}: the release waits, a person has to choose"
    about = _about(release, one)
    if about == "stable" and (release.phase not in _SPLIT or release.alone):
        return f"it is about {one.alarm.version}, to which traffic would go"
    return f"it is about {one.alarm.version}, which does not serve" if about == "another" else ""
