"""What a reader of a report should look at next: from what it tells, what matters most first. Pure."""

from collections.abc import Iterator

from tidegate.core.vocabulary import incidents, phases
from tidegate.dataplane.predlog import traffic
from tidegate.observability.report import account

MUCH = 0.01
"""A share of requests that are not served well from which it is said."""
MOST = 8


def steps(told: account.Account) -> list[str]:
    """Sentences with commands in backticks; at least one."""
    found = [*_alarms(told), *_releases(told), *_traffic(told), *_drift(told), *_log(told)][:MOST]
    return found or [f"Nothing stands out. `tidegate status {told.endpoint}` has how it stands now."]


def _alarms(told: account.Account) -> Iterator[str]:
    for one in sorted((one for one in told.alarms if one.open), key=lambda one: -incidents.rank(one.alarm.severity)):
        has = f" {one.acknowledged.actor} has it." if one.acknowledged else " Nobody has it."
        named = one.name.removeprefix(incidents.PREFIX).rstrip(":")
        look = (one.alarm.next or f"tidegate alarms {told.endpoint}").strip("` ")
        yield f"Alarm {named} is open: {one.alarm.words.rstrip('.')}.{has} `{look}`"


def _releases(told: account.Account) -> Iterator[str]:
    if not told.released:
        return
    latest = told.released[0].release
    if latest.phase in (phases.Phase.PAUSED, phases.Phase.HALTED, phases.Phase.AWAITING_APPROVAL):
        waits = latest.phase.replace("_", " ")
        yield f"The release of {latest.candidate.name} is {waits}, a person has to choose. `tidegate status {told.endpoint}`"
    elif latest.phase is phases.Phase.ROLLED_BACK:
        why = latest.reason.rstrip(".")
        yield f"{latest.candidate.name} was rolled back: {why}. `tidegate verdict {latest.id}` has the evidence."


def _traffic(told: account.Account) -> Iterator[str]:
    if not told.cells:
        yield f"No request came in this time. `tidegate send {told.endpoint}` makes some."
    for one in traffic.total(told.cells):
        if one.version == told.stable and one.requests and one.bad / one.requests >= MUCH:
            share = f"{100 * one.bad / one.requests:.2g} %"
            yield f"{share} of v{one.version}'s requests were not served well. `tidegate logs {told.endpoint}/v{one.version}`"


def _drift(told: account.Account) -> Iterator[str]:
    moved = [one.name for one in told.drift.columns if one.level == "alarm"] if told.drift else []
    if moved:
        more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        yield f"{', '.join(moved[:3])}{more} moved far from what they were. `tidegate drift {told.endpoint}`"


def _log(told: account.Account) -> Iterator[str]:
    if told.log is not None and (told.log.lost or told.log.damaged_rows):
        gone = told.log.lost + told.log.damaged_rows
        yield f"{gone:,} records of the prediction log are lost. `tidegate logs recorder` says where."
