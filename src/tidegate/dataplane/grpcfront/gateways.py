"""The gateways of this machine: each call goes to the one with the fewest open, and to another when that one is lost."""

import asyncio
import contextlib

from tidegate.core.vocabulary import errors, home, instances
from tidegate.dataplane.grpcfront import link
from tidegate.dataplane.wire import frames, fronts

ATTEMPTS = 3
"""Gateways that one call is put to: one that dies has not answered, so asking again is what a client would do."""
PATIENCE = 5.0
"""Seconds that a call waits for a gateway to be there: one that is restarted is back sooner."""


class Gateways:
    """See the module. `look` has to be called now and then: it finds who is new, and lets go of who is no more."""

    def __init__(self, where: home.Home, name: str, *, exposed: bool) -> None:
        """`name` is the front's own; `exposed`: whether its clients may come from other machines."""
        self._where, self._name, self._exposed = where, name, exposed
        self._links: dict[str, link.Link] = {}
        self._changed = asyncio.Event()

    @property
    def ready(self) -> list[str]:
        """Names of those that can be asked."""
        return sorted(name for name, one in self._links.items() if one.ready)

    async def ask(self, asked: fronts.Asked, body: bytes = b"") -> tuple[fronts.Told, bytes]:
        """A gateway's answer. Raises CapacityError when none is there in time or all that were asked were lost."""
        for _ in range(ATTEMPTS):
            chosen = await self._living()
            with contextlib.suppress(link.Lost):
                return await chosen.ask(asked, body)
        raise errors.CapacityError("The gateways were lost before they answered.", cure="Ask again.")

    def look(self) -> None:
        """Follow the specifications on disk."""
        found = {}
        for path in self._where.instances.glob("gateway-*.json"):
            spec = instances.read(path)
            if spec is not None and spec.kind == "gateway":
                found[spec.name] = spec
        for name, one in list(self._links.items()):
            if found.get(name) != one.gateway:
                self._links.pop(name).close()
        for name, spec in found.items():
            if name not in self._links:
                hello = fronts.Hello(frames.PROTOCOL, frames.OLDEST, spec.token, self._name, self._exposed)
                self._links[name] = link.Link(spec, str(self._where.run / f"{name}.front.sock"), hello, self)

    def close(self) -> None:
        """End all connections."""
        for one in self._links.values():
            one.close()

    def changed(self) -> None:
        """A link's: wake who waits for one."""
        self._changed.set()

    async def _living(self) -> link.Link:
        """The one to ask. Raises CapacityError."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    ready = [one for one in self._links.values() if one.ready]
                    if ready:
                        chosen = min(ready, key=lambda one: len(one.open))
                        self._links[chosen.gateway.name] = self._links.pop(chosen.gateway.name)  # of equals, the next in turn
                        return chosen
                    self._changed.clear()
                    await self._changed.wait()
        raise errors.CapacityError("No gateway is up.", cure="Ask again in a while.")
