"""What a verdict was computed from, whole: anybody can compute it again, from this alone."""

from typing import Any

import msgspec

from tidegate.core.decide import case, judge, ledger
from tidegate.core.vocabulary import errors, releases, sums, verdicts


class Record(msgspec.Struct, frozen=True):
    """One look."""

    at: float
    """Unix seconds."""
    release: releases.Release
    """As it was then: its stage, its policy, its salt."""
    inputs: sums.Inputs
    """All that was counted, ticks folded into minutes where that changes nothing: the verdict is the same to the last bit."""


def of(release: releases.Release, inputs: sums.Inputs, at: float) -> Record:
    """The record of a look."""
    until = int(min(inputs.closed_before, case.apart_since(release)))
    return Record(at, release, msgspec.structs.replace(inputs, sums=sums.folded(inputs.sums, until)))


def again(record: Record) -> verdicts.Verdict:
    """The verdict, computed again."""
    return judge.judge(record.release, record.inputs, record.at)


def carried(record: Record) -> float:
    """The log e-value of its immediate group at the end, and of attempts before it: from where the next one goes on."""
    found = case.make(record.release, record.inputs, record.at)
    ends = {one.name: (one.counts.worse[1],) * 2 for one in found.metrics}
    return record.release.carried + ledger.group_log_e(ledger.line(record.release, ledger.IMMEDIATE), ends)


def plain(record: Record) -> dict[str, Any]:
    """As a JSON object: what the store keeps with a verdict."""
    found: dict[str, Any] = msgspec.to_builtins(record)
    return found


def read(stored: dict[str, Any]) -> Record:
    """What `plain` gave. Raises StateError for anything else, as verdicts kept by an earlier Tidegate have."""
    try:
        return msgspec.convert(stored, Record)
    except msgspec.ValidationError as broken:
        raise errors.StateError(f"this verdict was kept without what it was computed from ({broken}).") from broken


def same(one: verdicts.Verdict, other: verdicts.Verdict) -> bool:
    """Whether two verdicts say the same. Harm is left out: it goes on being counted after the decision."""
    blank = verdicts.Harm()
    return msgspec.structs.replace(one, harm=blank) == msgspec.structs.replace(other, harm=blank)
