"""Calibration: an endpoint's releases redrawn from its own traffic, by its own settings: how long they take, and what they find.

Many releases of a candidate that is no worse, for the time that each stage and all of them take; and as many of candidates with a
known fault, at once or after an hour of health, for how soon they are found. Each is `core.decide.redrawn`'s walk of the real
machine and judge; here are the release, the faults and the repetitions. The same seed gives the same report.
"""

import collections
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from tidegate.control.batch import calibrations
from tidegate.core.decide import redrawn, strategies
from tidegate.core.spec import settings as specification
from tidegate.core.stats import thinning
from tidegate.core.vocabulary import errors, marks, releases
from tidegate.core.vocabulary.phases import Phase
from tidegate.core.vocabulary.verdicts import Result

HEALTHY_SECONDS = 3_600
"""The second column: so long the candidate is well before its fault begins."""
WATCHED_SECONDS = 1_800
"""Once it has all traffic, and its fault, a release is followed for so long and the label age."""
LONGEST_SECONDS = 2 * 86_400
"""No release is followed longer."""
_ERRORS, _SLOWER, _WRONG = (0.01, 0.05, 0.2, 1.0), (1.1, 1.5, 3.0), (0.02, 0.05)
_CURE = (
    "`tidegate replay` compares answers, `tidegate ab plan` plans a test, and `release.strategy: canary` is one that compares."
)


class Wanted(msgspec.Struct, frozen=True):
    """What to calibrate, and from what."""

    settings: specification.Settings
    stable: releases.Version
    traffic: thinning.Seconds
    """Stable's live requests."""
    others: int = 0
    """Live requests of the same time that were another version's."""
    runs: int = 20
    seed: int = 0


class Report(msgspec.Struct, frozen=True):
    """What came of it."""

    endpoint: str
    stable: str
    strategy: str
    begin: int
    """Unix second of the first request; of the last one: `end`."""
    end: int
    requests: int
    others: int
    """Live requests of that time that were another version's: left out, so that releases are shown slower than they are."""
    rate: float
    """Requests a second, over the whole time."""
    bad: float
    """Share of stable's requests with a bad mark."""
    labelled: int
    wrong: float
    """Share of the labelled that were wrong."""
    runs: int
    seed: int
    rounds: float
    """How many times the longest release went round the log; above 1 the same traffic came again."""
    stages: tuple[calibrations.Stage, ...]
    promotion: calibrations.Quantiles
    """Seconds until all traffic is the candidate's."""
    ends: dict[str, int]
    """Runs by how they stood in the end: promoted, rolled back, paused, undecided."""
    examples: dict[str, str]
    """Of each ending but promoted, why one of them ended so."""
    scenarios: tuple[calibrations.Scenario, ...]
    left_out: tuple[str, ...]
    """Stages that were not walked."""


class Walked(msgspec.Struct, frozen=True):
    """The releases of one run."""

    sound: calibrations.Walk
    at_once: dict[str, calibrations.Walk]
    """By fault."""
    after_an_hour: dict[str, calibrations.Walk]
    """Empty where the release had ended by then."""

    @property
    def all(self) -> tuple[calibrations.Walk, ...]:
        """Every one of them."""
        return (self.sound, *self.at_once.values(), *self.after_an_hour.values())


def drafted(settings: specification.Settings, stable: releases.Version) -> releases.Release:
    """A release of a candidate by these settings, as far as it can be redrawn; nobody is asked, and no group is waited for.

    Raises NothingCompared where no coin of it could be thrown again.
    """
    whole = releases.Release(
        id="calibration",
        environment=settings.environment,
        endpoint=settings.endpoint,
        candidate=msgspec.structs.replace(stable, ordinal=stable.ordinal + 1, digest="", model_digest=""),
        stable=stable,
        strategy=settings.strategy,
        stages=settings.stages,
        policy=settings.policy,
        salt=b"",
        created_at=0.0,
        sticky=settings.sticky,
        returns=settings.returns,
        replicas=settings.replicas,
        probation=strategies.after(settings.stages, settings.probation, settings.replicas),
        probation_seconds=settings.probation_seconds,
        probation_outcomes=settings.probation_outcomes,
    )
    made = redrawn.walked(whole)
    if not redrawn.compares(made):
        raise errors.NothingCompared(f"releases of {settings.endpoint} cannot be redrawn: {_why_not(whole)}", cure=_CURE)
    return made


def _why_not(release: releases.Release) -> str:
    watches = {one.watch for one in release.stages}
    if release.sticky is not None:
        return "units stick to their version, so one coin is thrown for each key, and the log is counted by request."
    if release.alone:
        return "with recreate the two versions are never up together, so nothing is compared."
    if releases.Watch.METRIC in watches:
        return "a test is decided by what a metric says of the candidate, and only stable's is known."
    if releases.Watch.PAIRS in watches:
        return "a shadow compares the answers of both versions, and only stable's are in the log."
    return f"neither {release.strategy} nor what follows it compares two parts of the traffic."


def left_out(settings: specification.Settings) -> tuple[str, ...]:
    """The stages that are not walked, each with why."""
    why = {
        releases.Watch.COHORT: "who is in a cohort is no chance, and is not in the log",
        releases.Watch.PAIRS: "the candidate's answers are not in the log (`tidegate replay` asks it)",
        releases.Watch.METRIC: "what a metric says of the candidate is not known (`tidegate ab plan`), nor then what follows",
    }
    told = [(one, why[one.watch]) for one in settings.stages if one.watch in why]
    return tuple(f"{one.name} (at least {one.min_seconds:g} s, at most {one.max_seconds:g} s): {words}" for one, words in told)


def faults(traffic: thinning.Seconds) -> dict[str, thinning.Fault]:
    """What candidates may have, by name, as far as the log can show it. Shares rise by so many points of all requests."""
    counted = traffic.total
    ended_well, requests = int(counted[marks.Mark.OK]), int(counted[thinning.MARKS].sum())
    right, wrong = int(counted[thinning.RIGHT]), int(counted[thinning.WRONG])
    found = {}
    if ended_well:
        for more in _ERRORS:
            name = f"errors +{100 * more:g} %" if more < 1 else "errors 100 %"
            found[name] = thinning.Fault(errors=min(1.0, more * requests / ended_well))
    if counted[thinning.LATENCY].any():
        found |= {f"latency x{factor:g}": thinning.Fault(slower=factor) for factor in _SLOWER}
    if right:
        found |= {f"wrong +{100 * more:g} %": thinning.Fault(wrong=min(1.0, more * (right + wrong) / right)) for more in _WRONG}
    return found


class Calibration:
    """Releases like one that was drafted, redrawn from some traffic."""

    def __init__(self, release: releases.Release, traffic: thinning.Seconds, seed: int = 0) -> None:
        self._release, self._traffic, self._seed = release, traffic, seed
        self._faults = faults(traffic)
        self._arrived = np.cumsum(traffic.arrivals)

    def runs(self, number: int) -> Iterator[Walked]:
        """So many, one after the other: each begins at the second of a request that is drawn, with coins of its own."""
        for run in range(number):
            chance = np.random.default_rng([self._seed, run])
            at = int(np.searchsorted(self._arrived, chance.integers(self._arrived[-1]), side="right"))
            yield self._run(redrawn.Course(self._release, self._traffic, chance, self._traffic.begin + at))

    def _run(self, sound: redrawn.Course) -> Walked:
        at_once = {}
        for name, fault in self._faults.items():
            course = sound.fork()
            course.spoil(fault)
            at_once[name] = self._ended(course)
        hour = sound.begin + HEALTHY_SECONDS
        while not sound.is_over and sound.now < hour:
            sound.look(hour)
        after_an_hour = {}
        for name, fault in self._faults.items() if not sound.is_over else ():
            course = sound.fork()
            course.spoil(fault)
            after_an_hour[name] = self._ended(course)
        return Walked(self._ended(sound), at_once, after_an_hour)

    def _ended(self, course: redrawn.Course) -> calibrations.Walk:
        """Followed to its end, or as long as it is followed."""
        while not course.is_over and course.now < (last := self._last(course)):
            course.look(last)
        verdict = course.verdict
        culprit = verdict.culprit if verdict is not None and verdict.result is Result.FAIL else "unsure"
        counted = len(self._release.stages), course.requests, course.harmed
        times = course.begin, course.fault_at, course.now
        waits = course.waiting.sentence if course.waiting is not None and not course.is_over else ""
        words = culprit, waits or course.release.reason
        return calibrations.Walk(*times, course.release.phase, tuple(course.reached), *counted, *words)

    def _last(self, course: redrawn.Course) -> int:
        longest = course.begin + LONGEST_SECONDS
        if course.release.phase is not Phase.PROBATION:
            return longest
        since = max(course.fault_at, int(course.release.phase_since))
        return min(longest, since + WATCHED_SECONDS + int(self._release.policy.label_age))


def calibrate(wanted: Wanted, show: Callable[[int], None]) -> Report:
    """Walk all runs, and say what they come to. `show` gets how many are through. Raises NothingCompared."""
    release, traffic = drafted(wanted.settings, wanted.stable), wanted.traffic
    walked: list[Walked] = []
    for one in Calibration(release, traffic, wanted.seed).runs(wanted.runs):
        walked.append(one)
        show(len(walked))
    sound = [one.sound for one in walked]
    longest = max(walk.end - walk.begin for one in walked for walk in one.all)
    counted = traffic.total
    requests, right = int(counted[thinning.MARKS].sum()), int(counted[thinning.RIGHT])
    labelled = right + int(counted[[thinning.WRONG, thinning.FAILED]].sum())
    return Report(
        endpoint=wanted.settings.endpoint,
        stable=wanted.stable.name,
        strategy=wanted.settings.strategy,
        begin=traffic.begin,
        end=traffic.begin + len(traffic) - 1,
        requests=requests,
        others=wanted.others,
        rate=requests / len(traffic),
        bad=int(counted[list(marks.BAD)].sum()) / requests,
        labelled=labelled,
        wrong=(labelled - right) / labelled if labelled else 0.0,
        runs=wanted.runs,
        seed=wanted.seed,
        rounds=round(longest / len(traffic), 2),
        stages=calibrations.stages(sound, [one.name for one in release.stages]),
        promotion=calibrations.quantiles([one.promoted for one in sound]),
        ends=dict(collections.Counter(one.ending for one in sound).most_common()),
        examples={one.ending: one.why for one in reversed(sound) if one.ending != calibrations.PROMOTED},
        scenarios=tuple(_scenario(name, walked) for name in walked[0].at_once),
        left_out=left_out(wanted.settings),
    )


def _scenario(name: str, walked: list[Walked]) -> calibrations.Scenario:
    later = [one.after_an_hour[name] for one in walked if one.after_an_hour]
    at_once = calibrations.found([one.at_once[name] for one in walked])
    return calibrations.Scenario(name, at_once, calibrations.found(later) if later else None)
