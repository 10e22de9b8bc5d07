"""The API as a process: uvicorn on the listening socket that the keeper owns."""

import logging
import os
import socket
import threading
from typing import Any

import uvicorn

from tidegate.core.vocabulary import errors, home, instances
from tidegate.delivery.runtimes import runtimes
from tidegate.interface.api import access, app, live, shelf

SOCKET = "api"
log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Tells the keeper's watchers when it serves and when it ends."""

    claim: instances.Claim
    live: live.Live

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.claim.say("ready")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.claim.say("draining")
        self.live.end()  # streams would be waited for
        await super().shutdown(sockets)


def run(place: home.Home, name: str, environment: str) -> None:
    """Serve until SIGTERM. Raises NotRunning without an inherited socket or a token, AlreadyRunning for a second one."""
    spec = instances.read(place.instances / f"{name}.json")
    listening = inherited(SOCKET)
    token = read_token(place)
    try:
        claim = instances.Claim(place.instances, name, spec.token if spec else "")
    except BlockingIOError as taken:
        raise errors.AlreadyRunning(f"another process is {name} already.") from taken
    claim.say("starting")
    hosts = access.own_hosts(listening.getsockname()[1])
    settings: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "lifespan": "on"}
    application = app.app(shelf.Shelf(place, environment), hosts=hosts, token=token)
    server = _Server(uvicorn.Config(application, timeout_graceful_shutdown=5, **settings))
    server.claim, server.live = claim, application.state.live
    threading.Thread(target=_mend, args=(place,), name="mending", daemon=True).start()
    server.run(sockets=[listening])
    claim.say("done")


def _mend(place: home.Home) -> None:
    """Build the runtimes that workers need and that are not there: a home that was restored or moved has none."""
    try:
        for wrong in runtimes.mend(place):
            log.error("a runtime is missing and cannot be built", extra={"detail": wrong})
    except OSError as failed:
        log.warning("runtimes cannot be looked at", extra={"detail": str(failed)})


def inherited(name: str) -> socket.socket:
    """A listening socket that the keeper passed on, by its name. Raises NotRunning where there is none."""
    for item in os.environ.get("TIDEGATE_FDS", "").split(","):
        label, _, number = item.partition("=")
        if label == name and number.isdecimal():
            return socket.socket(fileno=int(number))
    raise errors.NotRunning(f"no listening socket {name!r} was passed on; this process is started by `tidegate up`.")


def read_token(place: home.Home) -> str:
    """The control API's token. Raises NotRunning where there is none."""
    try:
        found = place.token.read_text().strip()
    except OSError as gone:
        raise errors.NotRunning("the control API has no token yet.", where=str(place.token)) from gone
    if not found:
        raise errors.NotRunning("the control API's token is empty; remove the file.", where=str(place.token))
    return found
