"""Processes of ours that say every second how they are, and have fallen silent: they hang, were stopped, or do not come up.

Nothing that was acknowledged is lost by it, but who watches all else is not there any more, so a person is told. It is not ended
here, since it may be at a long piece of work; whoever ends it loses nothing: the keeper starts it anew, where it was.
"""

import time
from collections.abc import Callable, Iterator

from tidegate.core.vocabulary import alarms, home, instances

SILENT_SECONDS = 120.0
MISSED = {
    "recorder": "no outcome is joined, and no trace, drift or report has what came since; it waits in the gateways' segments",
    "monitor": "nobody watches times, errors, drift, outcomes or uptime",
    "shipper": "sinks get nothing",
}
"""By process, what does not happen meanwhile."""


class Silence:
    """What the looks so far have heard of each."""

    def __init__(self, place: home.Home, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = place.instances, clock
        self._heard: dict[str, tuple[int, float]] = {}
        """When it last said something, by the file's clock, and since when, by ours, nothing else was said."""

    def wrong(self, now: float) -> Iterator[alarms.Alarm]:
        """An alarm for each that is silent at Unix time `now`."""
        for name, missed in MISSED.items():
            silent = self._silent(name)
            if silent < SILENT_SECONDS:
                continue
            pid = instances.holder(self._folder, name)
            cure = f"`kill -9 {pid}` has the keeper start it anew, where it was." if pid else "It does not come up."
            words = f"the {name} says nothing any more: {missed}. {cure}"
            yield alarms.Alarm(alarms.Kind.SILENT_PROCESS, "", words, now - silent, name, next=f"tidegate logs {name}")

    def _silent(self, name: str) -> float:
        """For how long, in seconds; 0 for one that is not to be there."""
        if not (self._folder / f"{name}.json").exists():
            self._heard.pop(name, None)
            return 0.0
        try:
            said = (self._folder / f"{name}.state").stat().st_mtime_ns
        except FileNotFoundError:
            said = 0
        now = self._clock()
        if self._heard.get(name, (-1, 0.0))[0] != said:
            self._heard[name] = (said, now)
        return now - self._heard[name][1]
