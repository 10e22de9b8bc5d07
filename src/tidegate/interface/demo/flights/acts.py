"""The story on its stage: traffic flows all the time, and one version after the other is released into it.

Nothing in here decides anything about a release: it asks for one, watches, and goes on when it has ended.
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Callable

from tidegate.core.vocabulary import arms, errors
from tidegate.interface.demo.flights import gate, recipes, replay, report, setting, view

Tell = Callable[[view.Picture], None]
FIRST_OF_MARCH = dt.datetime(2013, 3, 1, 5, tzinfo=dt.UTC)
"""Midnight in New York. v2 has seen January and February, so it goes out when these are over."""
_LOOK_SECONDS = 0.3
_LOADING = frozenset({"queued", "checking", "warming"})
_STYLES = {"rolling_back": view.BAD, "rolled_back": view.BAD, "failed": view.BAD, "succeeded": view.GOOD, "probation": view.GOOD}


class Stage:
    """The running demo: a Tidegate, the replay, and the picture of both."""

    def __init__(
        self, tidegate: gate.Gate, digests: dict[int, str], traffic: replay.Replay, tempo: setting.Tempo, tell: Tell
    ) -> None:
        """`digests`: the bundles to release. `tell` is called with the picture several times a second."""
        self.picture = view.Picture()
        self.lines: list[report.Line] = []
        self._gate, self._traffic, self._tempo, self._tell = tidegate, traffic, tempo, tell
        self._shown: tuple[str, str, int] = ("", "", 0)
        self._digests = digests
        self._seen: gate.Json = {}

    async def play(self) -> None:
        """All acts, from the first of February until the last release has ended. Raises what the releases raise."""
        self._happened("", f"v1 serves: {recipes.RECIPES[0].title}")
        first = await asyncio.to_thread(self._gate.endpoint)
        await self._note(first["release"]["id"])
        flowing = asyncio.ensure_future(self._traffic.run())
        watching = asyncio.ensure_future(self._watch())
        counting = asyncio.ensure_future(self._count())
        try:
            await self._until(lambda: self._traffic.clock >= FIRST_OF_MARCH.timestamp(), flowing)
            for recipe in recipes.RECIPES[1:]:
                if not await self._act(recipe, flowing):
                    break
            self._happened("", "the last flights land")
        finally:
            self._traffic.stop()
            with contextlib.suppress(asyncio.CancelledError):
                await flowing
            for task in (watching, counting):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _act(self, recipe: recipes.Recipe, flowing: "asyncio.Task[None]") -> bool:
        """Release one version, and wait for however it ends. False when it has not: the next one cannot follow then."""
        self._happened("bold", f"v{recipe.number} is released: {recipe.title}")
        self.picture.title = recipe.title
        digest = self._digests[recipe.number]
        mine = await asyncio.to_thread(self._gate.release, recipe.number, digest, recipe.title)
        await self._until(lambda: self._seen.get("id") == mine and bool(self._seen.get("ended")), flowing)
        ended = self._seen.get("id") == mine and bool(self._seen.get("ended"))
        if not ended:
            waiting = (self._seen.get("waiting") or {}).get("sentence") or self._seen.get("reason", "")
            self._happened(view.BAD, f"v{recipe.number} has not ended in {self._tempo.patience:g} s: {waiting}")
        await self._note(mine)
        await asyncio.sleep(self._tempo.breath)
        return ended

    async def _note(self, identifier: str) -> None:
        """Keep what became of a release."""
        release = await asyncio.to_thread(self._gate.release_of, identifier)
        self.lines.append(report.line(release, await asyncio.to_thread(self._gate.events, identifier)))

    async def _until(self, come: Callable[[], bool], flowing: "asyncio.Task[None]") -> None:
        """Wait for it while traffic flows, at most as long as the tempo is patient."""
        until = time.monotonic() + self._tempo.patience
        while not come() and time.monotonic() < until:
            if flowing.done():
                flowing.result()
                return
            await asyncio.sleep(0.05)

    async def _watch(self) -> None:
        """Look at the endpoint, over and over; a look that fails is left out."""
        while True:
            with contextlib.suppress(errors.TidegateError):
                self._look(await asyncio.to_thread(self._gate.endpoint))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _count(self) -> None:
        """Show the clients' own counts."""
        before, requests = time.perf_counter(), self._traffic.requests
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now, traffic, picture = time.perf_counter(), self._traffic, self.picture
            picture.rates.append((traffic.requests - requests) / (now - before))
            before, requests = now, traffic.requests
            picture.date = traffic.date
            picture.requests, picture.failed = traffic.requests, traffic.failed
            picture.outcomes, picture.in_the_air = traffic.accepted, traffic.in_the_air
            if recent := sorted(traffic.recent):
                picture.p50_ms, picture.p99_ms = (recent[int(len(recent) * part)] * 1e3 for part in (0.5, 0.99))
            self._tell(picture)

    def _look(self, endpoint: gate.Json) -> None:
        """Put what the control API says into the picture."""
        picture, release = self.picture, endpoint["release"]
        kept = release["stable"] if release["phase"] in {"promoting", "probation"} else endpoint["stable"]
        picture.stable = kept["name"] if kept else ""
        picture.share = endpoint["weight"] / arms.BUCKETS
        self._seen = release
        self._traffic.rate = self._rate(release)
        if release["stage"] is None:
            return
        stage, verdict = release["stage"], release["verdict"] or {}
        picture.candidate, picture.phase = release["candidate"]["name"], release["phase"]
        picture.steps = tuple(_share(one["weight"]) for one in endpoint["settings"].get("stages", ()))
        promoted = release["phase"] in {"promoting", "probation", "succeeded"}
        picture.step = len(picture.steps) if promoted else stage["index"] if release["phase"] in {"running", "paused"} else -1
        picture.sentence = (release["waiting"] or {}).get("sentence") or release["reason"]
        harm = verdict.get("harm") or {}
        picture.candidate_requests, picture.harmed = harm.get("candidate_requests", 0), harm.get("failed", 0)
        picture.rescued, picture.wrong = harm.get("rescued", 0), harm.get("wrong", 0)
        picture.bars = tuple(
            view.Bar(one["metric"], one["log_e"], one["threshold"], one["group"] == "promotion")
            for one in verdict.get("evidence", ())
            if one["group"] in {"immediate", "labels", "promotion"}
        )
        self._tell_of(release)

    def _rate(self, release: gate.Json) -> float:
        if release["phase"] in _LOADING:
            return self._tempo.lull
        first = release["phase"] == "running" and release["stage"] is not None and release["stage"]["index"] == 0
        return self._tempo.first if first else self._tempo.rate

    def _tell_of(self, release: gate.Json) -> None:
        """An event for every new phase and step of a release."""
        now = (release["id"], release["phase"], release["stage"]["index"])
        if now == self._shown:
            return
        self._shown = now
        name, phase = release["candidate"]["name"], release["phase"]
        if phase == "running":
            self._happened(view.CANDIDATE, f"{name} gets {release['stage']['name']} of the traffic")
        elif phase in {"paused", "probation", "succeeded", "rolling_back", "rolled_back", "failed", "aborted", "halted"}:
            self._happened(_STYLES.get(phase, view.WARN), f"{name} {phase.replace('_', ' ')}: {release['reason']}")

    def _happened(self, style: str, said: str) -> None:
        date = self._traffic.date
        self.picture.events.append((f"{date:%-d %b %H:%M}", style, said))
        self.picture.happened += 1
        self._tell(self.picture)


def _share(weight: int) -> str:
    return f"{weight / arms.BUCKETS:.0%}"
