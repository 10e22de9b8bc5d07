"""Whether the candidate predicts otherwise than stable, by more than may be: policy, for a better model is expected to differ."""

import math

from tidegate.core.decide import case, ledger, sentences
from tidegate.core.stats import shift
from tidegate.core.vocabulary import amounts, releases, verdicts

SUBJECT = "predictions"
"""The caution, and the culprit."""


def evidence(found: case.Case) -> verdicts.Evidence | None:
    """How far the predictions of both arms are apart; None where nothing says so, or units are sticky."""
    policy = found.release.policy
    if found.keyed or not policy.shift:
        return None
    compared = shift.Shift(found.counted.predictions(), found.given.closed_before)
    if not compared.cells:
        return None
    told = compared.seen()
    apart, low, high = (100 * min(1.0, max(0.0, one)) for one in (told.difference, *told.interval))  # it is a distance
    both = [(round(units * mean), units) for units, mean in (told.candidate, told.stable)]
    span = f" [{amounts.figure(low, 2)}, {amounts.figure(high, 2)}]" if math.isfinite(told.interval[0]) else ""
    note = f"{amounts.figure(apart, 2)} %{span} of its predictions are others than stable's, {100 * policy.shift:g} % may be"
    log_e = compared.beyond(policy.shift)
    return verdicts.Evidence(SUBJECT, ledger.POLICY, 1.0, log_e, -math.log(policy.alpha), both[0], both[1], note=note)


def beyond(release: releases.Release, verdict: verdicts.Verdict, act: str) -> str:
    """Why a release may not go on: its predictions are too far apart, and the policy does this `act` then; empty otherwise."""
    found = next((one for one in verdict.evidence if one.metric == SUBJECT), None)
    if found is None or found.log_e < found.threshold or release.policy.on_shift != act:
        return ""
    proof = f"e = {sentences.e_value(found.log_e)} > {sentences.e_value(found.threshold)}"
    return f"{release.candidate.name} predicts otherwise than stable: {found.note} ({proof}; policy, it need not be worse)"
