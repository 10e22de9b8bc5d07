"""Releases as transcripts: what was told to the machine, and what it said. Read decide/*.txt; they are the specification.

A line that begins with ">" is told; everything else is what came of it. Time moves only by "+30s".

    > release v2 over v1, steps 5% 50%, for 30s, at most 5m, requests 100, unsure pause
    > +10s judged unsure, requests 100, rate 10, needs 4100: what the judge said
    > +1s rollback: what the operator said
    > release v2 over v1, strategy shadow then canary, probation holdback, approvals 2, replicas 3, rolling 1 0, budget 50

TIDEGATE_WRITE=1 writes the transcripts anew, for review in the diff.
"""

import pathlib
import re

import pytest
import transcripts

from tidegate.core.decide import machine, strategies
from tidegate.core.spec import units
from tidegate.core.vocabulary import arms, assignment, decisions, errors, phases, releases, verdicts
from tidegate.core.vocabulary.decisions import Event, Kind

FOLDER = pathlib.Path(__file__).parent / "decide"
TOLD = re.compile(r"> (?:\+(?P<after>\S+) )?(?P<verb>\w+) ?(?P<options>[^:]*)(?:: (?P<reason>.*))?")


class Play:
    """One release, a clock, and the lines said so far."""

    def __init__(self) -> None:
        self.now = 0.0
        self.release: releases.Release
        self.lines: list[str] = []
        self.shown: tuple[decisions.Effect, ...] = ()

    def tell(self, line: str) -> None:
        self.lines.append(line)
        found = TOLD.fullmatch(line)
        assert found, line
        self.now += units.duration(found["after"] or 0)
        if found["verb"] == "release":
            self.release = begin(found["options"], self.now)
            return
        event = told(found["verb"], options(found["options"]), found["reason"] or "")
        try:
            decision = machine.advance(self.release, event, self.now)
        except errors.ReleaseError as refused:
            self.lines.append(f"  refused: {refused}")
            return
        self.show(decision)
        self.release = decision.release

    def show(self, decision: decisions.Decision) -> None:
        after = decision.release
        stage = f" {after.stages[after.stage].name}" if after.phase in STAGED and after.stable else ""
        same = after == self.release and not decision.effects
        outcome = f" ({after.outcome})" if after.phase in phases.ENDED else ""
        said = "" if same else f": {decision.reason}"
        self.lines.append(f"  {units.duration_text(self.now)} {after.phase}{stage}{outcome}{said}")
        if decision.waiting is not None:
            self.lines.append(f"    waits on {decision.waiting.on}: {decision.waiting.sentence}")
        new = [effect for effect in decision.effects if effect not in self.shown]
        self.lines += [f"    - {words(effect)}" for effect in new]
        self.shown = decision.effects or self.shown


STAGED = (phases.Phase.RUNNING, phases.Phase.PAUSED, phases.Phase.HALTED)


def options(text: str) -> dict[str, str]:
    """ "judged pass, requests 100" without its verb -> {"": "pass", "requests": "100"}."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    named = [part.rpartition(" ") for part in parts]
    return {name: value for name, _, value in named}


def begin(text: str, now: float) -> releases.Release:
    given = dict(part.strip().split(" ", 1) for part in text.split(",")[1:])
    candidate, _, stable = text.split(",", maxsplit=1)[0].partition(" over ")
    plan = strategies.Plan(
        strategies.Ramp(
            weights(given.get("steps", "5% 50%")),
            units.duration(given.get("for", "30s")),
            units.duration(given.get("at", "most 5m").removeprefix("most ")),
            int(given.get("requests", 100)),
            given.get("prove", "yes") == "yes",
        ),
        strategies.Mirror(seconds=30, at_most=300, pairs=100),
        strategies.Rolling(int(given.get("replicas", 1)), *map(int, given.get("rolling", "1 0").split()), 10, 60, 20),
        strategies.BlueGreen(5, weights(given["switch"]) if "switch" in given else (), 60),
        strategies.Split(5_000, 3_600, 86_400, 200),
        cohort="cohort" in given,
    )
    way = tuple(given.get("strategy", "canary").split(" then "))
    stages = strategies.compose(way, plan)
    count = int(given.get("approvals", 0))
    return releases.Release(
        id="r1",
        environment="production",
        endpoint="flights",
        candidate=version(candidate.strip()),
        stable=version(stable.strip()) if stable else None,
        strategy=" then ".join(way),
        stages=stages,
        returns=strategies.returns(way),
        policy=releases.Policy(
            on_unsure=given.get("unsure", "pause"),
            label_age=units.duration(given.get("outcomes", "0s")),
            harm_budget=int(given.get("budget", 0)),
            retrain=given.get("after", "") == "retrain",
        ),
        salt=b"salt",
        created_at=now,
        phase_since=now,
        actor=given.get("by", "system"),
        replicas=int(given.get("replicas", 1)),
        cohort=assignment.Cohort(said=given["cohort"]) if "cohort" in given else None,
        approval=releases.Approval(count=count, within_seconds=86_400) if count else None,
        group=given.get("group", ""),
        probation=strategies.after(stages, PROBATIONS.get(given.get("probation", "")), int(given.get("replicas", 1))),
        probation_seconds=600.0,
    )


PROBATIONS = {"holdback": strategies.holdback(), "reverse": strategies.reverse_shadow(1_000), "level": strategies.level()}


def weights(steps: str) -> tuple[int, ...]:
    return tuple(round(units.share(step) * arms.BUCKETS) for step in steps.split())


def version(name: str) -> releases.Version:
    ordinal = int(name.removeprefix("v"))
    return releases.Version("flights", ordinal, f"{ordinal:x}" * 64, f"model-{name}", f"mlflow://flights/{ordinal}")


def told(verb: str, given: dict[str, str], reason: str) -> Event:
    kind = Kind(verb)
    if kind is not Kind.JUDGED:
        actor = given.get("by", "ada" if kind in decisions.OPERATOR else "system")
        seconds = units.duration(given["forward"]) if "forward" in given else 0.0
        return Event(kind, actor=actor, reason=reason, subject=given.get("about", ""), seconds=seconds)
    harm = verdicts.Harm(excess=float(given.get("excess", 0)), share_high=float(given.get("share", 0)))
    verdict = verdicts.Verdict(
        verdicts.Result(given[""]),
        reason,
        harm=harm,
        needs=int(given.get("needs", 0)),
        decision=given.get("decision", ""),
        culprit=given.get("culprit", ""),
    )
    rate, requests = float(given.get("rate", 0)), int(given.get("requests", 0))
    return Event(kind, reason="", verdict=verdict, rate=rate, stage_requests=requests)


def words(effect: decisions.Effect) -> str:
    match effect:
        case decisions.SetRoutes(candidate=None):
            return f"routes: {effect.stable.name} 100%{', which is still to come up' if effect.gap else ''}"
        case decisions.SetRoutes():
            assert effect.candidate is not None
            rest = strategies.name(arms.BUCKETS - effect.weight)
            said = f"routes: {effect.stable.name} {rest}, {effect.candidate.name} {strategies.name(effect.weight)}"
            other = effect.stable if effect.weight == arms.BUCKETS else effect.candidate
            mirrored = f", copies of {strategies.name(effect.mirror)} to {other.name}" if effect.mirror else ""
            return said + mirrored + (f", the cohort to {effect.candidate.name}" if effect.cohort else "")
        case decisions.Notify(severity, text):
            return f"tell people ({severity}): {text}"
        case decisions.Hold(model_digest=digest):
            return f"hold {digest}"
        case decisions.StartJob(job=job, version=about):
            return f"start job {job} of {about.name}"
        case decisions.EnsureWorkers(about, replicas, after):
            return f"workers of {about.name}: {replicas}{f', once {after.name} has none' if after else ''}"
    return f"{type(effect).__name__.lower()} {effect.version.name}"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_a_release_goes_as_its_transcript_says(path: pathlib.Path):
    transcripts.goes(path, Play())
