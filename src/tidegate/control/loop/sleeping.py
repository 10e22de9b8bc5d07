"""Which endpoints sleep: nobody asked for long, so they have no workers until somebody does.

That an endpoint sleeps is said by its route, so gateways and a restarted control know it. Its route goes on saying so while
it is being woken, until a worker is ready: requests wait in the gateway meanwhile, each for as long as loading may take.
"""

import enum
import pathlib

from tidegate.control.loop import observation
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import home as homes
from tidegate.core.vocabulary import releases
from tidegate.dataplane.wire import sums

LINGER_SECONDS = 5.0
"""An endpoint that could not be woken within its load time is let go this much later, unless somebody waits still."""


class Rest(enum.Enum):
    """How awake an endpoint is."""

    AWAKE = "awake"
    WAKING = "waking"
    """Its workers are to come up; its route says still that it sleeps."""
    ASLEEP = "asleep"


class Dormitory:
    """What only memory tells: since when each endpoint is awake, and when it was last asked."""

    def __init__(self, home: homes.Home) -> None:
        self._home = home
        self._awake: dict[str, float] = {}
        self._woken: dict[str, float] = {}
        self._asked: dict[str, int] = {}
        self._looked = 0.0

    def rest(
        self,
        settings: specification.Settings,
        stable: releases.Version | None,
        seen: observation.Observation,
        *,
        moving: bool,
    ) -> Rest:
        """How awake this endpoint is to be now. `moving`: a release of it is under way, which keeps it awake."""
        route = seen.table.routes.get(settings.endpoint)
        if stable is None or route is None or not (settings.scale_to_zero or route.asleep):
            return Rest.AWAKE
        if route.asleep:
            return self._sleeper(settings, stable, seen, moving=moving)
        if moving or not self._is_idle(settings, seen.at):
            return Rest.AWAKE
        return Rest.ASLEEP

    def _sleeper(
        self, settings: specification.Settings, stable: releases.Version, seen: observation.Observation, *, moving: bool
    ) -> Rest:
        name, now = settings.endpoint, seen.at
        wanted = moving or not settings.scale_to_zero or any(name in one.wanted for one in seen.gateways)
        if wanted:
            self._woken.setdefault(name, now)
        woken = self._woken.get(name)
        if woken is None:
            return Rest.ASLEEP
        if seen.ready(stable):
            del self._woken[name]
            self._awake[name] = now
            return Rest.AWAKE
        if not wanted and now - woken > settings.load_seconds + LINGER_SECONDS:
            del self._woken[name]
            return Rest.ASLEEP
        return Rest.WAKING

    def _is_idle(self, settings: specification.Settings, now: float) -> bool:
        if now - self._since(settings.endpoint, now) <= settings.scale_to_zero:
            return False
        if self._looked != now:  # what is remembered may be as old as that
            self._looked = now
            self._asked = last_asked(self._home.sums)
        return now - self._since(settings.endpoint, now) > settings.scale_to_zero

    def _since(self, name: str, now: float) -> float:
        return max(self._awake.setdefault(name, now), self._asked.get(name, 0) + 1)


def last_asked(folder: pathlib.Path) -> dict[str, int]:
    """The last second in which each endpoint was asked, as far as the gateways' sums go back."""
    found: dict[str, int] = {}
    for path in folder.glob("[!.]*.sums"):
        for endpoint, tick in sums.last_opened(path).items():
            found[endpoint] = max(tick, found.get(endpoint, 0))
    return found
