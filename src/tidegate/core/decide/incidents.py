"""How an incident goes on: from what it was and what its monitor says now, to what it is and what is worth telling. Pure.

An alarm is told when it is new, when it gets worse, and when it is over. One that comes back within `FLAP_SECONDS` is the same
incident: that is said once, and then nothing until it has been quiet for as long.
"""

import msgspec

from tidegate.core.vocabulary import alarms, amounts, errors, incidents

FLAP_SECONDS = 600.0
"""Who comes back within this time was not over."""
REMIND_SECONDS = 3_600.0
"""A critical alarm that nobody has acknowledged is told again so often."""
SAY_SECONDS = 10.0
"""Words that change without getting worse are written down so often at most."""
LONGEST_SNOOZE = 30 * 86_400.0

Step = tuple[incidents.Incident | None, tuple[incidents.Happened, ...]]
"""The incident from now on (None: there is none any more), and what happened."""


def follow(before: incidents.Incident | None, alarm: alarms.Alarm | None, now: float) -> Step:
    """What becomes of it when its monitor says this at Unix time `now`. `alarm` None: nothing is wrong."""
    before = _believed(before, now) if before is not None else None
    if before is not None and not before.open and now - before.ended_at >= FLAP_SECONDS:
        before = None
    if before is None:
        return _opened(alarm, now) if alarm is not None else (None, ())
    if alarm is None:
        return _quiet(before, now)
    return _back(before, alarm, now) if not before.open else _on(before, alarm, now)


def acknowledged(before: incidents.Incident, by: incidents.Acknowledged) -> tuple[incidents.Incident, incidents.Happened]:
    """Somebody has it: no more reminders, and, where it is said so, no release waits for it any more."""
    words = f"acknowledged by {by.actor}" + ("; releases go on" if by.go_on else "")
    if before.alarm.action == alarms.Action.HOLD and not by.go_on:
        words += "; releases go on waiting"
    happened = incidents.Happened(incidents.ACKNOWLEDGED, by.at, words, by.actor, by.reason)
    return msgspec.structs.replace(before, acknowledged=by), happened


def snoozed(before: incidents.Incident, by: incidents.Snoozed) -> tuple[incidents.Incident, incidents.Happened]:
    """Silent for a while. Raises MomentInvalid for a time that is none, or over a month."""
    seconds = by.until - by.at
    if not 0 < seconds <= LONGEST_SNOOZE:
        raise errors.MomentInvalid("a snooze ends by itself, within 30 days.", cure="Say for how long: `--for 8h`.")
    words = f"snoozed by {by.actor} for {amounts.span(seconds)}; what it does to releases it goes on doing"
    return msgspec.structs.replace(before, snoozed=by), incidents.Happened(incidents.SNOOZED, by.at, words, by.actor, by.reason)


def _believed(before: incidents.Incident, now: float) -> incidents.Incident:
    """The same with no time in it that is yet to come: the clock was set back since, and was wrong when that was noted."""
    noted = {name: min(getattr(before, name), now) for name in ("ended_at", "quiet_since", "said_at", "reminded_at")}
    silent = before.snoozed
    if silent is not None and silent.at > now:
        silent = msgspec.structs.replace(silent, at=now, until=now + silent.until - silent.at)
    return msgspec.structs.replace(before, snoozed=silent, **noted)


def _opened(alarm: alarms.Alarm, now: float) -> Step:
    new = incidents.Incident(alarm, now, alarm.severity, said_at=now, reminded_at=now)
    return new, (incidents.Happened(incidents.RAISED, now, alarm.words),)


def _back(before: incidents.Incident, alarm: alarms.Alarm, now: float) -> Step:
    """It was over, for too short a time: the same incident, which from now on is told of as one."""
    times = before.times + 1
    said = _said(before, alarm, now)
    open_again = msgspec.structs.replace(said, ended_at=0.0, quiet_since=0.0, flaps=True, times=times)
    words = f"back after {amounts.span(now - before.ended_at)} ({times} times so far), nothing is told until it has been quiet "
    words += f"for {amounts.span(FLAP_SECONDS)}: {alarm.words}"
    silent = _is_silent(before, now)
    return _worse(open_again, now) or (open_again, (incidents.Happened(incidents.BACK, now, words, quiet=silent),))


def _on(before: incidents.Incident, alarm: alarms.Alarm, now: float) -> Step:
    """It is open, and wrong."""
    after = before
    if before.quiet_since:
        after = msgspec.structs.replace(after, quiet_since=0.0, times=before.times + 1)
    if alarm.severity != before.alarm.severity or now - before.said_at >= SAY_SECONDS:
        after = _said(after, alarm, now)
    if worse := _worse(after, now):
        return worse
    if after.snoozed is not None and now >= after.snoozed.until:
        words = f"still wrong, after {after.snoozed.actor} had it silent: {after.alarm.words}"
        awake = msgspec.structs.replace(after, snoozed=None, reminded_at=now)
        return awake, (incidents.Happened(incidents.AWAKE, now, words),)
    if _wants_reminding(after, now):
        words = f"still wrong after {amounts.span(now - after.alarm.since)}, and nobody has it: {after.alarm.words}"
        return msgspec.structs.replace(after, reminded_at=now), (incidents.Happened(incidents.REMINDED, now, words),)
    return after, ()


def _quiet(before: incidents.Incident, now: float) -> Step:
    """Nothing is wrong any more."""
    if not before.open:
        return before, ()
    since = (before.quiet_since or now) if before.flaps else now
    if before.flaps and now - since < FLAP_SECONDS:
        return msgspec.structs.replace(before, quiet_since=since), ()
    often = f" (it came {before.times} times)" if before.times > 1 else ""
    over = msgspec.structs.replace(before, ended_at=since, quiet_since=0.0, snoozed=None)
    return over, (incidents.Happened(incidents.OVER, since, f"over{often}: {before.alarm.words}"),)


def _said(before: incidents.Incident, alarm: alarms.Alarm, now: float) -> incidents.Incident:
    """The same with what is said now; when it began, and what it does, stay."""
    kept = msgspec.structs.replace(alarm, since=before.alarm.since, action=before.alarm.action)
    return before if kept == before.alarm else msgspec.structs.replace(before, alarm=kept, said_at=now)


def _worse(after: incidents.Incident, now: float) -> Step | None:
    """Worse than anybody was told: that ends a snooze, and whoever has it has something else now."""
    if incidents.rank(after.alarm.severity) <= incidents.rank(after.told):
        return None
    words = f"worse, {after.alarm.severity} now: {after.alarm.words}"
    fresh = {"told": after.alarm.severity, "snoozed": None, "acknowledged": None, "reminded_at": now}
    return msgspec.structs.replace(after, **fresh), (incidents.Happened(incidents.ROSE, now, words),)


def _wants_reminding(one: incidents.Incident, now: float) -> bool:
    critical = one.alarm.severity == "critical" and not one.quiet_since
    return critical and not _is_silent(one, now) and now - one.reminded_at >= REMIND_SECONDS


def _is_silent(one: incidents.Incident, now: float) -> bool:
    return one.acknowledged is not None or (one.snoozed is not None and now < one.snoozed.until)
