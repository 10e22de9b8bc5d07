"""Idle is explained: for every phase, on what it waits, for whom, and about how much longer.

One value, made here, is shown by the command line, the API and the log. Numbers are rounded to what they are worth.
"""

from collections.abc import Callable

from tidegate.core.decide import budget, doubt, moves
from tidegate.core.vocabulary import amounts, arms, decisions, releases, verdicts
from tidegate.core.vocabulary.decisions import Waiting
from tidegate.core.vocabulary.phases import ENDED, Phase

FIRST_SECONDS = 5.0
"""No traffic is said once a stage has been in force for so long: rates are those of the last whole seconds."""


def on(release: releases.Release, event: decisions.Event, now: float) -> Waiting | None:
    """What the release waits on after this event; None once it has ended."""
    if release.phase in ENDED:
        return None
    if event.kind is decisions.Kind.CAUTION and release.phase in (Phase.QUEUED, Phase.WARMING):
        return Waiting("alarm", f"{_bare(event.reason)}; it goes on once that is over", who="operator")
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
    elif release.phase is Phase.AWAITING_APPROVAL and release.approval is not None:
        times = (release.phase_since + release.approval.within_seconds,)
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
            return _approval(release, now)
        case Phase.WARMING:
            left = max(0.0, release.phase_since + release.load_seconds - now)
            sentence = f"{candidate} is loading and answering its warm-up (at most {amounts.span(left)} more)"
            if release.alone and release.stable is not None:
                sentence += f"; {release.stable.name} is stopped, so nobody answers meanwhile"
            return Waiting("workers", sentence, seconds=left)
        case Phase.PAUSED:
            ways = f"go on with `tidegate resume {endpoint}`, or `promote`, or `rollback`"
            ways = f"it goes on once that is over, or {ways}" if release.paused_by else ways
            on = "alarm" if release.paused_by else "operator"
            return Waiting(on, f"{_bare(release.reason)}; {ways}", who="operator")
        case Phase.HALTED:
            verbs = "`promote`, `rollback`, `abort` or `resume`" if release.stable else "`resume` or `abort`"
            return Waiting("stable", f"{_bare(release.reason)}; a person has to choose: {verbs} {endpoint}", who="operator")
        case Phase.PROMOTING:
            return Waiting("routes", f"the gateways have to confirm that {candidate} gets all traffic", who="gateways")
        case Phase.ROLLING_BACK:
            stable = release.stable.name if release.stable else "stable"
            return Waiting("routes", f"the gateways have to confirm that {stable} gets all traffic", who="gateways")
    return _probation(release, now)


def _approval(release: releases.Release, now: float) -> Waiting:
    asked = release.approval or releases.Approval()
    left = max(0.0, release.phase_since + asked.within_seconds - now)
    whose = f"one of {', '.join(asked.by)}" if asked.by else "somebody with the approve scope"
    more = asked.count - sum(one.model_digest == release.candidate.model_digest for one in release.approvals)
    times = f" ({more} more have to)" if more > 1 else ""
    sentence = f"{whose} has to approve {release.candidate.name}{times}, within {amounts.span(left)}"
    return Waiting("approval", sentence, who="approver", seconds=left)


def _probation(release: releases.Release, now: float) -> Waiting:
    left = max(0.0, release.phase_since + release.probation_seconds - now)
    kept = f"{release.stable.name} is kept warm" if release.stable and not release.alone else "it is watched"
    after = release.probation
    if release.stable and after is not None and after.weight < arms.BUCKETS:
        kept = f"{release.stable.name} keeps {100 - 100 * after.weight / arms.BUCKETS:g}% for comparison"
    elif release.stable and after is not None and after.mirror:
        kept = f"{release.stable.name} gets copies for comparison"
    sentence = f"{release.candidate.name} serves {release.endpoint}; {kept} for {amounts.span(left)} more"
    if release.stable and release.alone:
        sentence += f", going back to {release.stable.name} would be a recreate"
    if release.probation_outcomes:
        sentence += f", or until {release.probation_outcomes:,} of its predictions have their outcome"
    if release.policy.label_age:
        return Waiting("outcomes", f"{sentence}, and outcomes that come late still count", seconds=left)
    return Waiting("time", sentence, seconds=left)


def _running(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage, candidate = release.stages[release.stage], release.candidate.name
    if release.at_gate:
        return Waiting("group", f"{candidate} is through; the others of the group {release.group} are not yet", who="group")
    if not release.stage_ready:
        wanted = stage.replicas.candidate if stage.replicas else release.replicas
        return Waiting("workers", f"{candidate} is getting its replicas for {stage.name} ({wanted} in all)")
    if not release.stage_since:
        return Waiting("routes", f"the gateways have to confirm that {moves.at(release)}", who="gateways")
    if event.verdict is None:
        return Waiting("requests", f"{moves.at(release)}; the first look at its requests is to come", who="clients")
    enough = event.stage_requests >= stage.min_requests
    by_clock = event.verdict.result is verdicts.Result.PASS or not (stage.must_prove or doubt.building(event.verdict, release))
    elapsed = now - release.stage_since
    if enough and by_clock and elapsed >= stage.min_seconds and (dear := budget.exceeded(release, event)):
        return Waiting("budget", dear, who="clients")
    return _WATCHED.get(stage.watch, _comparison)(release, event, now)


def _comparison(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage, verdict = release.stages[release.stage], event.verdict
    enough = event.stage_requests >= stage.min_requests
    proven = verdict is not None and verdict.result is verdicts.Result.PASS
    by_clock = proven or not (stage.must_prove or doubt.building(verdict, release))
    if event.rate <= 0 and now - release.stage_since < FIRST_SECONDS:
        return Waiting("requests", f"{moves.at(release)}; its first requests are to come", who="clients")
    if event.rate <= 0 and not (enough and by_clock):
        sentence = f"no traffic: this will not advance; make some with `tidegate send {release.endpoint}`"
        return Waiting("traffic", sentence, who="clients")
    if proven:
        return _proven(release, event, now)
    return _unproven(release, event, now)


def _cohort(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    """A cohort nobody matches is said at once: it would otherwise look like patience."""
    stage, said = release.stages[release.stage], release.cohort.said if release.cohort else "the cohort"
    if not event.stage_requests:
        return Waiting("traffic", f"nobody of the cohort ({said}) has asked so far: this will not advance", who="clients")
    missing = stage.min_requests - event.stage_requests
    if missing > 0:
        return Waiting("requests", f"needs {missing:,} more requests of the cohort ({said})", who="clients")
    left = max(0.0, release.stage_since + stage.max_seconds - now)
    sentence = (
        f"the cohort ({said}) has {release.candidate.name} for {amounts.span(left)} more; it is no sample, so nothing is proven"
    )
    return Waiting("time", sentence, seconds=left)


def _pairs(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage = release.stages[release.stage]
    missing = stage.min_requests - event.stage_requests
    left = max(0.0, release.stage_since + stage.min_seconds - now)
    if missing > 0:
        return Waiting("requests", f"needs {missing:,} more pairs of answers ({event.stage_requests:,} so far)", who="clients")
    if left:
        return Waiting("time", f"mirrors for {amounts.span(left)} more", seconds=left)
    sentence = event.verdict.sentence if event.verdict else "the pairs do not decide yet"
    left = max(0.0, release.stage_since + stage.max_seconds - now)
    return Waiting("requests", f"{_bare(sentence)}; {amounts.span(left)} are left", who="clients", seconds=left)


def _smoke(release: releases.Release, event: decisions.Event, _now: float) -> Waiting:
    wanted = release.stages[release.stage].min_requests
    sentence = f"{release.candidate.name} answers requests of our own ({event.stage_requests} of {wanted})"
    return Waiting("smoke", f"{sentence}; no client sees them")


def _metric(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage = release.stages[release.stage]
    least = max(0.0, release.stage_since + stage.min_seconds - now)
    left = max(0.0, release.stage_since + stage.max_seconds - now)
    sentence = _bare(event.verdict.sentence) if event.verdict else "no value of the metric yet"
    if least:
        return Waiting("time", f"{sentence}; not decided for {amounts.span(least)} more", seconds=least)
    return Waiting("outcomes", f"{sentence}; the horizon is {amounts.span(left)} away", who="clients", seconds=left)


def _level(release: releases.Release, _event: decisions.Event, now: float) -> Waiting:
    stage = release.stages[release.stage]
    left = max(0.0, release.stage_since + stage.min_seconds - now)
    stable = release.stable.name if release.stable else "the version before"
    return Waiting(
        "time", f"{stage.name} for {amounts.span(left)} more; {stable} is up, and anything wrong goes back to it", seconds=left
    )


_WATCHED: dict[releases.Watch, Callable[[releases.Release, decisions.Event, float], Waiting]] = {
    releases.Watch.COHORT: _cohort,
    releases.Watch.PAIRS: _pairs,
    releases.Watch.SMOKE: _smoke,
    releases.Watch.METRIC: _metric,
    releases.Watch.LEVEL: _level,
}
"""Stages that are left on something else than the comparison of the two arms."""


def _proven(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage = release.stages[release.stage]
    missing = stage.min_requests - event.stage_requests
    if missing > 0:
        return _requests(missing, event.rate)
    left = max(0.0, release.stage_since + stage.min_seconds - now)
    return Waiting("time", f"proven no worse; {stage.name} lasts {amounts.span(left)} more, whatever the evidence", seconds=left)


def _unproven(release: releases.Release, event: decisions.Event, now: float) -> Waiting:
    stage, verdict = release.stages[release.stage], event.verdict
    if doubt.building(verdict, release):
        sentence = f"evidence against {release.candidate.name} is building (odds {doubt.against(verdict, release):.0f} to 1)"
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
    requests = "request" if amounts.count(number) == "1" else "requests"
    sentence = f"needs about {amounts.count(number)} more canary {requests} (about {amounts.span(seconds)} at this rate)"
    return Waiting("requests", sentence, who="clients", seconds=seconds)


def _seconds(number: int, rate: float) -> float:
    """How long that many candidate requests take; without traffic only none take no time."""
    if number <= 0:
        return 0.0
    return number / rate if rate > 0 else float("inf")


def _bare(reason: str) -> str:
    return reason.rstrip(". ")
