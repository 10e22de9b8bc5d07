"""The gRPC front as a process: takes its claim and its address, listens, follows the gateways, drains on SIGTERM."""

import asyncio
import ipaddress
import logging
import os
import pathlib
import signal
import socket

from tidegate.core.vocabulary import errors, home, instances, tables
from tidegate.dataplane.gateway import certificates, handover
from tidegate.dataplane.grpcfront import gateways, methods, server
from tidegate.dataplane.wire import tablefile

LOOK_SECONDS = 0.5
logger = logging.getLogger(__name__)


class Front:
    """See the module."""

    def __init__(self, where: home.Home, spec: instances.Spec, listener: socket.socket) -> None:
        """`listener` says the address and holds it. Raises AlreadyRunning, ProcessError for unreadable certificates."""
        try:
            self._claim = instances.Claim(where.instances, spec.name, spec.token)
        except BlockingIOError as taken:
            raise errors.AlreadyRunning(f"Another process is {spec.name} already.") from taken
        host, port = listener.getsockname()[:2]
        self._table = where.table
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._gateways = gateways.Gateways(where, spec.name, exposed=not ipaddress.ip_address(host).is_loopback)
        self._server = server.Server(self._address, methods.Methods(self._gateways), _certificate(spec.labels))
        self._said = ""

    async def serve(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain. Raises PortInUse."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        self._say("starting")
        self._gateways.look()
        await self._server.listen(self._largest())
        logger.info("serving", extra={"address": self._address})
        while not stop.is_set():
            self._say("ready")
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()
            except TimeoutError:
                self._gateways.look()
                await self._server.listen(self._largest())
        self._say("draining")
        await self._server.stop()
        self._gateways.close()
        self._say("done")

    def _largest(self) -> int:
        """Bytes of a message that some endpoint takes; each endpoint's own limit is the gateway's affair."""
        try:
            routes = tablefile.read(self._table).routes.values()
        except (errors.StateError, OSError):
            routes = {}.values()
        return max((route.limits.body for route in routes), default=tables.Limits().body)

    def _say(self, state: str) -> None:
        facts = {"address": self._address, "gateways": self._gateways.ready}
        said = f"{state} {facts}"
        if said == self._said:
            return
        try:
            self._claim.say(state, **facts)
            self._said = said
        except OSError as full:
            logger.warning("the state cannot be written", extra={"detail": str(full)})


def run(root: str, name: str) -> int:
    """Be the gRPC front NAME of the home ROOT until told to end; the exit code."""
    where = home.find(root)
    spec = instances.read(where.instances / f"{name}.json")
    if spec is None:
        logger.error("there is no specification of this instance", extra={"path": str(where.instances / f"{name}.json")})
        return 2
    listener = handover.inherited(os.environ.get("TIDEGATE_FDS", ""), "grpc")
    if listener is None:
        logger.error("no socket was inherited: TIDEGATE_FDS names none called grpc")
        return 2
    try:
        asyncio.run(_main(where, spec, listener))
    except errors.TidegateError as refused:
        logger.error(str(refused))  # noqa: TRY400 - expected errors have no stack
        return 1
    return 0


async def _main(where: home.Home, spec: instances.Spec, listener: socket.socket) -> None:
    front = Front(where, spec, listener)
    giving = handover.Handover(where.run / f"{spec.name}.fds", {"grpc": listener.fileno()})
    try:
        await front.serve()
    finally:
        giving.close()


def _certificate(labels: dict[str, str]) -> server.Certificate | None:
    """What the specification's labels `tls.cert` and `tls.key` name. Raises ProcessError."""
    chain, key = labels.get("tls.cert", ""), labels.get("tls.key", "")
    if not chain:
        return None
    paths = (pathlib.Path(chain), pathlib.Path(key))
    certificates.Certificate(*paths)  # gRPC would only say that it cannot listen
    return server.Certificate(*paths)
