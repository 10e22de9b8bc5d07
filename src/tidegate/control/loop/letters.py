"""From an event to what people are told of it: what, why, by whom, what to type next, and how the event log ends. Pure."""

from collections.abc import Iterator

import msgspec

from tidegate.control.store import alarms as alarm_rows
from tidegate.control.store import chain
from tidegate.core.vocabulary import decisions, phases

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
    if event.kind in (alarm_rows.RAISED, alarm_rows.CLEARED):
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
    raised = event.kind == alarm_rows.RAISED
    kind = str(event.facts.get("alarm", "")).replace("_", " ")
    subject = str(event.facts.get("subject", ""))
    return Letter(
        sequence=event.sequence,
        hash=event.hash,
        at=event.at,
        endpoint=event.endpoint,
        severity=str(event.facts.get("severity", "warning")) if raised else "info",
        what=f"{event.endpoint or 'Tidegate'}: alarm {kind}{f' ({subject})' if subject else ''}: {event.reason}",
        next=_LOOK.format(endpoint=event.endpoint).replace(" `", "`") if raised else "",
        about=subject,
    )
