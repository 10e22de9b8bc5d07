"""What a release must pass before it may warm up, and once more right before it is exposed: `delivery.gates`, in threads.

A check changes nothing, so after a restart of control it is run again. What was found is kept in HOME/checks/<release>.json, for
people and for the second run: an approval may take days, and the data that was checked must be the data that is released.
"""

import concurrent.futures
import contextlib
import pathlib
import time

import msgspec

from tidegate.control.loop import observation
from tidegate.core.vocabulary import errors, home, instances, releases
from tidegate.core.vocabulary.phases import Phase
from tidegate.dataplane.models import bundles
from tidegate.dataplane.targets import target
from tidegate.delivery.gates import case, checking, findings, freezing, room

KEPT = 500
"""Releases whose findings stay on disk."""
_BEFORE = frozenset({Phase.QUEUED, Phase.CHECKING})
_Key = tuple[str, bool]
_Run = concurrent.futures.Future[tuple[findings.Finding, ...]]


class Record(msgspec.Struct, frozen=True):
    """What is kept of a release's checks."""

    at: float
    findings: tuple[findings.Finding, ...]
    """Of the latest run."""
    data: tuple[freezing.Frozen, ...]
    """As the first run saw it."""


_decode = msgspec.json.Decoder(Record).decode


def check(place: home.Home, release: releases.Release, running: room.Running | None) -> tuple[findings.Finding, ...]:
    """All that the checks find, kept on disk as well. Raises OSError where files cannot be read or written."""
    kept = read(place, release.id)
    data: tuple[freezing.Frozen, ...] = ()
    with contextlib.suppress(errors.ModelError):  # the first check is about that very bundle, and says so
        data = freezing.look(bundles.read_manifest(place.bundles / release.candidate.digest), place.root.parent)
    found = checking.run(case.Case(place, release, running, kept.data if kept else None, data))
    _keep(place, release.id, Record(time.time(), found, kept.data if kept else data))
    return found


def read(place: home.Home, release: str) -> Record | None:
    """What was kept of a release's checks; None where nothing was, or it cannot be read."""
    try:
        return _decode((place.checks / f"{release}.json").read_bytes())
    except (OSError, ValueError):
        return None


def _keep(place: home.Home, release: str, record: Record) -> None:
    place.checks.mkdir(mode=0o700, parents=True, exist_ok=True)
    instances.write_json(place.checks / f"{release}.json", msgspec.to_builtins(record))
    by_age = sorted(place.checks.glob("[!.]*.json"), key=_written, reverse=True)
    for old in by_age[KEPT:]:
        old.unlink(missing_ok=True)


def _written(path: pathlib.Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


class Checks:
    """The checks under way: one run a release while it is being checked, another once it is past that."""

    def __init__(self, place: home.Home) -> None:
        self._home = place
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=4, thread_name_prefix="check")
        self._running: dict[_Key, _Run] = {}

    def start(self, release: releases.Release, seen: observation.Observation | None = None) -> None:
        """Begin unless begun. In a phase after CHECKING it is the run before exposure, for which everything is looked at anew."""
        key = _key(release)
        if key not in self._running:
            self._running[key] = self._pool.submit(check, self._home, release, running(release, seen) if seen else None)

    def result(self, release: releases.Release) -> str | None:
        """Of the run that the phase is about: None while it runs or has not begun, "" when passed, else what is wrong."""
        run = self._running.get(_key(release))
        if run is None or not run.done():
            return None
        failed = run.exception()
        if failed is None:
            return findings.why(run.result())
        return str(failed) if isinstance(failed, errors.TidegateError) else f"the check itself failed: {failed!r}"

    def findings(self, release: releases.Release) -> tuple[findings.Finding, ...]:
        """What the latest run that is through has found, those before a restart included; empty before the first."""
        kept = read(self._home, release.id)
        return kept.findings if kept else ()

    def forget(self, release: str) -> None:
        """The release has left its checks behind. What they found stays on disk."""
        for key in [one for one in self._running if one[0] == release]:
            del self._running[key]

    def close(self) -> None:
        """Let no thread outlive control."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def running(release: releases.Release, seen: observation.Observation) -> room.Running:
    """The endpoint's workers as they were seen."""
    stable = seen.of(release.stable) if release.stable else ()
    up = tuple(one.rss for one in stable if one.state is not target.State.DEAD)
    return room.Running(up, len(seen.of(release.candidate)))


def _key(release: releases.Release) -> _Key:
    return (release.id, release.phase not in _BEFORE)
