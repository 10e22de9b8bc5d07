"""Alarms as transcripts: what a monitor said, whom that was told to, and what came of it. Read alarms/*.txt.

A line that begins with ">" happens; everything else is what came of it. Time moves only by "+30s".

    > flights serves v2, keeps v1, drift hold
    > release v3, on_alarm pause, running
    > +1m wrong drift, critical, about v2: distance has moved
    > +1m right drift
    > +1m ack drift, by ada, go on: looked at it
    > +1m snooze drift, by ada, for 8h: tomorrow

TIDEGATE_WRITE=1 writes the transcripts anew, for review in the diff.
"""

import pathlib
import re

import msgspec
import pytest
import transcripts

from tidegate.core.decide import actions, machine, strategies
from tidegate.core.decide import incidents as course
from tidegate.core.spec import units
from tidegate.core.vocabulary import alarms, decisions, incidents, phases, releases

FOLDER = pathlib.Path(__file__).parent / "alarms"
HAPPENS = re.compile(r"> (?:\+(?P<after>\S+) )?(?P<verb>\w+) ?(?P<options>(?:[^:]|:(?! ))*)(?:: (?P<reason>.*))?")
FACES = {"serving": None, "before": None, "brought_back": 0, "returned_at": 0.0}


class Play:
    """One endpoint, its alarms and its release, a clock, and the lines said so far."""

    def __init__(self) -> None:
        self.now, self.lines = 0.0, []
        self.wrong: dict[str, alarms.Alarm] = {}
        self.known: dict[str, incidents.Incident] = {}
        self.release: releases.Release | None = None
        self.action, self.faces = {}, dict(FACES)

    def tell(self, line: str) -> None:
        self.lines.append(line)
        found = HAPPENS.fullmatch(line)
        assert found, line
        self.now += units.duration(found["after"] or 0)
        given = [part.strip() for part in found["options"].split(",") if part.strip()]
        getattr(self, f"_{found['verb']}", self._flights)(given, found["reason"] or "")
        self.settle()

    def settle(self) -> None:
        """What control does of it, until nothing more comes of it."""
        for name in {**self.known, **self.wrong}:
            after, happened = course.follow(self.known.get(name), self.wrong.get(name), self.now)
            self.known = {key: one for key, one in self.known.items() if key != name} | ({name: after} if after else {})
            for one in happened:
                self.say(f"{'noted' if one.quiet else 'told'} ({self.known[name].alarm.severity}): {one.words}")
        while self._released() or self._due():
            pass

    def say(self, words: str) -> None:
        self.lines.append(f"  {units.duration_text(self.now)} {words}")

    def _flights(self, given: list[str], _: str) -> None:
        named = dict(one.split(" ", 1) for one in given)
        self.faces |= {"serving": version(named.pop("serves")), "before": version(named.pop("keeps", ""))}
        self.action = named

    def _release(self, given: list[str], _: str) -> None:
        named = dict(one.split(" ", 1) for one in given[1:-1])
        stages = strategies.compose(("canary",), strategies.Plan())
        drafted = releases.Release(
            id="r1",
            environment="production",
            endpoint="flights",
            candidate=version(given[0]),
            stable=self.faces["serving"],
            strategy="canary",
            stages=stages,
            policy=releases.Policy(on_alarm=named.get("on_alarm", "notify")),
            salt=b"salt",
            created_at=self.now,
            phase=phases.Phase(given[-1]),
        )
        self.release = msgspec.structs.replace(drafted, stage_since=self.now)

    def _wrong(self, given: list[str], reason: str) -> None:
        about = next((one.removeprefix("about ") for one in given if one.startswith("about ")), "")
        severity = "critical" if "critical" in given else "warning"
        action = self.action.get(given[0], "notify")
        since = self.wrong[given[0]].since if given[0] in self.wrong else self.now
        self.wrong[given[0]] = alarms.Alarm(given[0], "flights", reason, since, about, severity, action=action)

    def _right(self, given: list[str], _: str) -> None:
        del self.wrong[given[0]]

    def _tick(self, given: list[str], _: str) -> None:
        assert not given

    def _ack(self, given: list[str], reason: str) -> None:
        by = incidents.Acknowledged(given[1].removeprefix("by "), self.now, reason, go_on="go on" in given)
        self._people(given[0], *course.acknowledged(self.known[given[0]], by))

    def _snooze(self, given: list[str], reason: str) -> None:
        until = self.now + units.duration(given[2].removeprefix("for "))
        by = incidents.Snoozed(given[1].removeprefix("by "), self.now, until, reason)
        self._people(given[0], *course.snoozed(self.known[given[0]], by))

    def _resume(self, _: list[str], reason: str) -> None:
        self._advance(decisions.Event(decisions.Kind.RESUME, actor="ada", reason=reason))

    def _people(self, name: str, after: incidents.Incident, happened: incidents.Happened) -> None:
        self.known[name] = after
        self.say(f"noted: {happened.words}")

    def _released(self) -> bool:
        """The release hears of it; whether that changed anything."""
        if self.release is None or self.release.phase in phases.ENDED:
            return False
        open_now = [one for one in self.known.values() if one.open]
        event = actions.to_release(self.release, open_now)
        return event is not None and self._advance(event)

    def _advance(self, event: decisions.Event) -> bool:
        assert self.release is not None
        decision = machine.advance(self.release, event, self.now)
        if decision.release == self.release:
            sentence = decision.waiting.sentence if decision.waiting else ""
            if sentence not in self.lines[-1]:
                self.say(f"{self.release.candidate.name} {self.release.phase}, waits: {sentence}")
            return False
        self.release = decision.release
        self.say(f"{self.release.candidate.name} {self.release.phase}: {decision.reason}")
        self._did(event.alarm, {"caution": "hold"}.get(event.kind, "rollback"), decision.reason)
        if self.release.phase is phases.Phase.ROLLING_BACK and self.release.stable is not None:
            self.faces["brought_back"] = self.release.stable.ordinal
        return True

    def _did(self, alarm: str, action: str, words: str) -> None:
        for name, one in self.known.items():
            if one.name == alarm:
                self.known[name] = msgspec.structs.replace(one, deeds=(*one.deeds, incidents.Deed(action, self.now, words, "r1")))

    def _due(self) -> bool:
        """What is due without a release; whether anything was."""
        under_way = self.release if self.release is not None and self.release.phase not in phases.ENDED else None
        for one in self.known.values():
            due = actions.due(one, actions.Standing(release=under_way, **self.faces))
            if due is None:
                continue
            way, words = due
            self.say(f"{way}: {words}")
            self._did(one.name, one.alarm.action, words)
            if way is actions.Way.BACK:
                back = self.faces["before"]
                self.faces |= {"serving": back, "before": None, "brought_back": back.ordinal, "returned_at": self.now}
            return True
        return False


def version(name: str) -> releases.Version | None:
    ordinal = int(name.removeprefix("v") or 0)
    return (
        releases.Version("flights", ordinal, f"{ordinal:x}" * 64, f"model-{name}", f"mlflow://flights/{ordinal}")
        if name
        else None
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_an_alarm_goes_as_its_transcript_says(path: pathlib.Path):
    transcripts.goes(path, Play())
