"""From an event to what people are told of it: what, why, by whom, what to type next, and how the event log ends. Pure."""

import datetime as dt
from collections.abc import Iterator

import msgspec

from tidegate.control.store import chain
from tidegate.core.vocabulary import decisions, incidents, instants, phases, recipients

Phase = phases.Phase
_NEXT = {
    Phase.AWAITING_APPROVAL: '`tidegate approve {endpoint} --reason "..."`, or `tidegate reject {endpoint}`',
    Phase.PAUSED: "`tidegate resume {endpoint}`, `tidegate promote {endpoint}` or `tidegate rollback {endpoint}`",
    Phase.HALTED: "`tidegate status {endpoint}`, then promote, resume, rollback or abort",
    Phase.PROBATION: "nothing; `tidegate rollback {endpoint}` goes back",
    Phase.ROLLED_BACK: "`tidegate history {endpoint}` says why; `tidegate unhold {endpoint}` allows this model again",
    Phase.FAILED: "`tidegate history {endpoint}` says why",
    Phase.SUCCEEDED: "nothing",
}
_LOOK = "`tidegate status {endpoint}`"
_EXAMPLES = 5
"""Predictions that a letter names at most."""
_ALARMS = {
    incidents.RAISED: "alarm",
    incidents.ROSE: "alarm",
    incidents.BACK: "alarm",
    incidents.REMINDED: "reminder of the alarm",
    incidents.AWAKE: "alarm",
    incidents.ACTED: "because of the alarm",
    incidents.OVER: "alarm",
}
"""What is told of incidents, and how it begins. That somebody has one is told by the event log alone."""


class Letter(msgspec.Struct, frozen=True):
    """One thing to tell. Its number and hash are those of its event: the same letter twice has the same."""

    sequence: int
    hash: str
    at: float
    endpoint: str
    """Empty: about the whole environment."""
    severity: str
    """info, warning or critical."""
    what: str
    why: str = ""
    who: str = ""
    next: str = ""
    about: str = ""
    """An alarm's own address: a letter about an address that takes none is not written to it."""
    kind: str = recipients.RELEASE
    """What it is about: a release, or an alarm's kind. Addresses may be for some of these only."""
    floor: str = ""
    """The severity by which an address takes it or not, where that is another: who heard of an alarm hears that it is over."""
    details: tuple[str, ...] = ()
    """More of it, a line each."""


class Stamp(msgspec.Struct, frozen=True):
    """What is known only when a letter is sent."""

    head: tuple[int, str]
    """Sequence number and hash of the last event of the log."""
    page: str = ""
    """Where the release page is; empty where nobody knows."""
    again: bool = False
    """It was tried before, and may have come then."""


def of(event: chain.StoredEvent) -> Iterator[Letter]:
    """What an event gives to tell: most give nothing."""
    if event.kind in _ALARMS and not event.facts.get("quiet"):
        yield _of_alarm(event)
    for effect in event.effects:
        if isinstance(effect, decisions.Notify):
            yield _of_notice(event, effect)


def title(letter: Letter, environment: str) -> str:
    """The line above it."""
    about = letter.endpoint or "all endpoints"
    return f"Tidegate {environment}: {about}" + (f" ({letter.severity})" if letter.severity != "info" else "")


def body(letter: Letter, stamp: Stamp) -> str:
    """The letter as plain text, a fact a line."""
    lines = [letter.what]
    if stamp.again:
        lines.append("(Sent again: the first attempt may have come.)")
    if letter.why and letter.why not in letter.what:
        lines.append(f"Why: {letter.why}")
    lines += letter.details
    if letter.who:
        lines.append(f"By: {letter.who}")
    if letter.next:
        lines.append(f"Next: {letter.next}")
    if stamp.page:
        lines.append(
            f"Page: {stamp.page}{f'#endpoint-{letter.endpoint}' if letter.endpoint else ''} (`tidegate page` lets a browser in)"
        )
    sequence, sealed = stamp.head
    lines.append(f"Event {letter.sequence} ({letter.hash[:16]}); the event log ends at {sequence}: {sealed}")
    return "\n".join(lines)


def _of_notice(event: chain.StoredEvent, notice: decisions.Notify) -> Letter:
    who = "" if event.actor == "system" else event.actor + (f": {event.said}" if event.said else "")
    return Letter(
        sequence=event.sequence,
        hash=event.hash,
        at=event.at,
        endpoint=event.endpoint,
        severity=notice.severity,
        what=notice.text,
        why=event.reason,
        who=who,
        next=_NEXT.get(Phase(event.phase_after), _LOOK).format(endpoint=event.endpoint) if event.phase_after else "",
    )


def _of_alarm(event: chain.StoredEvent) -> Letter:
    told = event.facts
    over = event.kind == incidents.OVER
    kind, subject, severity = (str(told.get(name, "")) for name in ("alarm", "subject", "severity"))
    severity = severity or "warning"
    about = f"{kind.replace('_', ' ')}{f' ({subject})' if subject else ''}"
    return Letter(
        sequence=event.sequence,
        hash=event.hash,
        at=event.at,
        endpoint=event.endpoint,
        severity="info" if over else severity,
        what=f"{event.endpoint or 'Tidegate'}: {_ALARMS[event.kind]} {about}: {event.reason}",
        next="" if over else _next(event, kind, subject),
        about=subject,
        kind=kind,
        floor=str(told.get("worst", severity)),
        details=() if over else tuple(_details(event)),
    )


def _details(event: chain.StoredEvent) -> Iterator[str]:
    """Since when, what moved and how much, which predictions."""
    told = event.facts
    since = float(told.get("since", 0.0))
    if since:
        yield f"Since: {dt.datetime.fromtimestamp(instants.sane(since), dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield from (f"Moved: {line}" for line in told.get("moved", ()))
    examples = [str(one) for one in told.get("examples", ())]
    if examples:
        more = f" and {len(examples) - _EXAMPLES} more" if len(examples) > _EXAMPLES else ""
        yield f"Predictions: {', '.join(examples[:_EXAMPLES])}{more}"
    if event.kind != incidents.ACTED and told.get("action", "notify") != "notify":
        yield f"It does: {_DOES.get(str(told['action']), str(told['action']))}"


_DOES = {
    "hold": "no release of this endpoint begins or goes on while it is open",
    "rollback": "traffic goes back to the version before",
    "retrain": "a retraining is asked for",
}


def _next(event: chain.StoredEvent, kind: str, subject: str) -> str:
    """The command that its monitor names, and how one says that somebody has it."""
    look = str(event.facts.get("next", "")) or (f"tidegate status {event.endpoint}".strip())
    named = f"{kind}:{subject}" if subject else kind
    return f"`{look.strip('`')}`; `tidegate ack {event.endpoint or '-'} {named}` says that you have it"
