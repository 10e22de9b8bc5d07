"""Idle is explained: for every phase, on what it waits, for whom, and about how much longer.

One value, made here, is shown by the command line, the API and the log. Numbers are rounded to what they are worth.
"""

from tidegate.core.decide import amounts, doubt
from tidegate.core.vocabulary import decisions, releases, verdicts
from tidegate.core.vocabulary.decisions import Waiting
from tidegate.core.vocabulary.phases import ENDED, Phase


def on(release: releases.Release, event: decisions.Event, now: float) -> Waiting | None:
    """What the release waits on after this event; None once it has ended."""
    if release.phase in ENDED:
        return None
    if release.phase is Phase.RUNNING:
        return _running(release, event, now)
    return _still(release, now)


def look_again_at(release: releases.Release, now: float) -> float:
    """When time alone will change something, in Unix seconds; 0 when it will not."""
    times: tuple[float, ...] = ()
    if release.phase is Phase.WARMING:
        times = (release.phase_since + release.load_seconds,)
    elif release.phase is Phase.PROBATION:
        times = (release.phase_since + release.probation_seconds,)
    elif release.phase is Phase.RUNNING and release.stage_since:
        stage = release.stages[release.stage]
        times = (release.stage_since + stage.min_seconds, release.stage_since + stage.max_seconds)
    return min((at for at in times if at > now), default=0.0)


def _still(release: releases.Release, now: float) -> Waiting:
    """Every phase that does not split traffic on evidence."""
    candidate, endpoint = release.candidate.name, release.endpoint
    match release.phase:
        case Phase.QUEUED:
            return Waiting("checks", f"the checks of {candidate} are about to start")
        case Phase.CHECKING:
            return Waiting("checks", f"{candidate} is being checked: its bundle, and the endpoint's contract")
        case Phase.AWAITING_APPROVAL:
            return Waiting("approval", f"somebody with the approve scope has to approve {candidate}", who="approver")
        case Phase.WARMING:
            left = max(0.0, release.phase_since + release.load_seconds - now)
            sentence = f"{candidate} is loading and answering its warm-up (at most {amounts.span(left)} more)"
            return Waiting("workers", sentence, seconds=left)
        case Phase.PAUSED:
            sentence = f"{_bare(release.reason)}; go on with `tidegate resume {endpoint}`, or `promote`, or `rollback`"
            return Waiting("operator", sentence, who="operator")
        case Phase.HALTED:
            verbs = "`promote`, `rollback`, `abort` or `resume`" if release.stable else "`resume` or `abort`"
            return Waiting("stable", f"{_bare(release.reason)}; a person has to choose: {verbs} {endpoint}", who="operator")
        case Phase.PROMOTING:
            return Waiting("routes", f"the gateways have to confirm that {candidate} gets all traffic", who="gateways")
        case Phase.ROLLING_BACK:
            stable = release.stable.name if release.stable else "stable"
            return Waiting("routes", f"the gateways have to confirm that {stable} gets all traffic", who="gateways")
    return _probation(release, now)


def _probation(release: releases.Release, now: float) -> Waiting:
    left = max(0.0, release.phase_since + release.probation_seconds - now)
    kept = f"{release.stable.name} is kept warm" if release.stable else "nothing earlier is kept"
    sentence = f"{release.candidate.name} has all traffic; {kept} for {amounts.span(left)} more"
    if release.policy.label_age:
        return Waiting("outcomes", f"{sentence}, and outcomes that come late still count", seconds=left)
    return Waiting("time", sentence, seconds=left)


def _running(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage, candidate = release.stages[release.stage], release.candidate.name
    if not release.stage_since:
        return Waiting("routes", f"the gateways have to confirm that {candidate} gets {stage.name}", who="gateways")
    if event.verdict is None:
        return Waiting("requests", f"{candidate} gets {stage.name}; the first look at its requests is to come", who="clients")
    enough = event.stage_requests >= stage.min_requests
    by_clock = event.verdict.result is verdicts.Result.PASS or not (stage.must_prove or doubt.building(event.verdict))
    if event.rate <= 0 and not (enough and by_clock):
        sentence = f"no traffic: this will not advance; make some with `tidegate send {release.endpoint}`"
        return Waiting("traffic", sentence, who="clients")
    if event.verdict.result is verdicts.Result.PASS:
        return _proven(release, event, now)
    return _unproven(release, event, now)


def _proven(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage = release.stages[release.stage]
    missing = stage.min_requests - event.stage_requests
    if missing > 0:
        return _requests(missing, event.rate)
    left = max(0.0, release.stage_since + stage.min_seconds - now)
    return Waiting("time", f"proven no worse; {stage.name} lasts {amounts.span(left)} more, whatever the evidence", seconds=left)


def _unproven(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage, verdict = release.stages[release.stage], event.verdict
    if doubt.building(verdict):
        sentence = f"evidence against {release.candidate.name} is building (odds {doubt.against(verdict):.0f} to 1)"
        return Waiting("requests", f"{sentence}: more requests decide", who="clients")
    left = release.stage_since + stage.max_seconds - now
    least = max(0, stage.min_requests - event.stage_requests)
    needs = verdict.needs if verdict is not None and verdict.needs else -1
    if not stage.must_prove and (needs < 0 or left < _seconds(needs, event.rate)):
        if left > 0 and _seconds(least, event.rate) <= left:
            return Waiting("time", f"goes on in {amounts.span(left)} without proof, if nothing speaks against it", seconds=left)
        return _requests(max(1, least), event.rate)
    if needs < 0:
        sentence = "how many more requests a proof needs cannot be said"
        return Waiting("requests", f"{sentence}; `tidegate promote {release.endpoint}` does without one", who="clients")
    return _requests(max(1, least, needs), event.rate)


def _requests(number: int, rate: float) -> Waiting:
    seconds = _seconds(number, rate)
    sentence = f"needs about {amounts.count(number)} more canary requests (about {amounts.span(seconds)} at this rate)"
    return Waiting("requests", sentence, who="clients", seconds=seconds)


def _seconds(number: int, rate: float) -> float:
    """How long that many candidate requests take; without traffic only none take no time."""
    if number <= 0:
        return 0.0
    return number / rate if rate > 0 else float("inf")


def _bare(reason: str) -> str:
    return reason.rstrip(". ")
