"""What the routing table says about predictions: how outcomes are held against them, how copies are compared, what is kept.

Read again whenever the table is another one. Called by the recorder.
"""

import logging
import pathlib

import msgspec

from tidegate.core.vocabulary import errors, keeping, tables
from tidegate.dataplane.wire import tablefile

log = logging.getLogger(__name__)


class Mirroring(msgspec.Struct, frozen=True):
    """How the pairs of a release are told."""

    pairing: tables.Pairing = tables.Pairing()
    slices: tuple[str, ...] = ()


class Slicing(msgspec.Struct, frozen=True):
    """How the slices of a release are told."""

    columns: tuple[str, ...] = ()
    digest: str = ""
    """The bundle by whose signature inputs are read: stable's for both arms, or what a candidate cannot read would be in no
    slice of the candidate's alone."""


class Rules:
    """Each endpoint's route as the table has it; the last that was known of endpoints that have gone."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._seen: tuple[int, int] = (0, 0)
        self._routes: dict[str, tables.Route] = {}
        self._routed: frozenset[str] = frozenset()
        self.known = False
        """Whether a table has been read."""
        self._silent: tuple[str, ...] = ()
        self._timeouts: dict[str, float] = {}
        self._releases: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Read the table if it is another one; a damaged one leaves what was known."""
        try:
            told = self._path.stat()
        except FileNotFoundError:
            return
        seen = (told.st_mtime_ns, told.st_ino)
        if seen == self._seen:
            return
        try:
            found = tablefile.read(self._path).routes
            self._routes |= found
            self._routed = frozenset(found)
            self.known = True
            self._tell()
        except (errors.TableUnreadable, errors.ProtocolMismatch) as failed:
            log.warning("the routing table cannot be read", extra={"code": failed.code, "why": str(failed)})
        self._seen = seen

    def _tell(self) -> None:
        """What is asked at every look is found once a table: nothing may cost more because endpoints are there that sleep."""
        self._silent = tuple(name for name, route in self._routes.items() if route.inputs != "all" or route.log.veiled)
        self._timeouts = {name: route.limits.timeout_ms / 1e3 for name, route in self._routes.items()}
        self._releases = frozenset(route.release for route in self._routes.values())

    def rule(self, endpoint: str) -> tables.Outcomes:
        """How this endpoint's outcomes are held against its predictions, by the table as it is this moment."""
        self.refresh()
        route = self._routes.get(endpoint)
        return route.outcomes if route else tables.Outcomes()

    def routes(self) -> list[tables.Route]:
        """All that are known."""
        return list(self._routes.values())

    def mirroring(self, endpoint: str) -> Mirroring:
        """How this endpoint's pairs are told, likewise."""
        self.refresh()
        route = self._routes.get(endpoint)
        return Mirroring(route.pairing, route.slices) if route else Mirroring()

    def slicing(self, endpoint: str) -> Slicing:
        """How this endpoint's requests are sliced, likewise: not at all where they stick to a key."""
        self.refresh()
        route = self._routes.get(endpoint)
        return Slicing(route.slices, route.stable.digest) if route and not route.sticky else Slicing()

    def mirrors(self, endpoint: str) -> bool:
        """Whether requests of this endpoint are being copied."""
        route = self._routes.get(endpoint)
        return route is not None and route.mirror > 0

    def silent(self) -> tuple[str, ...]:
        """Endpoints whose inputs are not to be kept as they came."""
        return self._silent

    def discreet(self) -> bool:
        """Whether some endpoint veils inputs: segments, which hold them, must not stay."""
        return any(route.log.veiled for route in self._routes.values())

    def keepings(self) -> dict[str, keeping.Keeping]:
        """By endpoint, what is kept of inputs."""
        return {endpoint: route.log for endpoint, route in self._routes.items()}

    def sinks(self) -> set[tuple[str, str]]:
        """The sinks of what is routed now, each as the endpoint that names it and where its address is."""
        return {(endpoint, one.to) for endpoint in self._routed for one in self._routes[endpoint].log.sinks}

    def releases(self) -> frozenset[str]:
        """The releases that are routed."""
        return self._releases

    def timeouts(self) -> dict[str, float]:
        """Seconds that a request may take, by endpoint."""
        return self._timeouts
