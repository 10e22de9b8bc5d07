"""The gateway as a process: takes its claim and its socket, obeys the table, says how it stands, drains on SIGTERM."""

import asyncio
import contextlib
import gc
import logging
import os
import pathlib
import resource
import secrets
import signal
import socket
import time
from collections.abc import Callable

from tidegate.core.vocabulary import errors, home, instances
from tidegate.dataplane.gateway import (
    admission,
    certificates,
    endpoints,
    exchanges,
    front,
    handover,
    journal,
    limits,
    quota,
    service,
    tallies,
    watch,
    wheel,
)
from tidegate.dataplane.predlog import segments
from tidegate.dataplane.wire import counts, keyevents, spans, sums

BEAT_SECONDS = 0.02
SEGMENT_SECONDS, DISCREET_SECONDS = 600.0, 30.0
"""How old a segment of the log gets; the latter where inputs have to be gone from it soon, since some endpoint veils them."""
SLOW_BEATS = 25
"""Beats from one sweep of the connections to the next."""
ENOUGH = 100
"""Requests between two sweeps without which their cost is not known."""
REACH_SECONDS = 1.0
"""How long a new table's workers are waited for before it is confirmed without them."""
GARBAGE = 20_000
"""Objects between two looks for reference cycles; requests make none."""
logger = logging.getLogger(__name__)


class Gateway:
    """See the module. Everything of one boot, put together."""

    def __init__(self, where: home.Home, name: str, spec: instances.Spec, loop: asyncio.AbstractEventLoop) -> None:
        """Raises AlreadyRunning when another process has the name, ProcessError for a certificate that cannot be used."""
        try:
            self._claim = instances.Claim(where.instances, name, spec.token)
        except BlockingIOError as taken:
            raise errors.AlreadyRunning(f"Another process is {name} already.") from taken
        incarnation, host = secrets.token_hex(16), socket.gethostname()
        writer = segments.Writer(where.segments, host, incarnation)
        self._tallies = tallies.Tallies(where.quotas, name, time.time())
        self._keys = keyevents.Writer(where.sums, incarnation)
        self._boot = endpoints.Boot(
            host,
            incarnation,
            loop,
            sums.Writer(where.sums / f"{incarnation}.sums", incarnation, time.time()),
            journal.Journal(loop, writer),
            wheel.Wheel(loop, time.monotonic),
            admission.Admission(quota.Quotas(self._tallies.used, self._tallies.use)),
            self._keys,
            counts.Writer(where.counts, incarnation),
            spans.Writer(where.spans, incarnation),
        )
        self._loop = loop
        self._framed_path = where.run / f"{name}.front.sock"
        self._endpoints = endpoints.Endpoints(self._boot)
        self._watch = watch.Watch(where.table, self._endpoints)
        self._front = front.Front(service.Service(self._endpoints, self._boot, limits.service(spec.labels)))
        self._spec, self._certificate = spec, _certificate(spec.labels)
        self._state, self._said, self._confirmed = "starting", "", -1
        self._adopted_at = time.monotonic()
        self._beats = 0
        self._worked = (time.process_time(), 0)
        self._turnaround = 0.0
        self._wanted: list[str] = []

    async def serve(self, listener: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT, then drain. `listener` has been bound by the keeper."""
        self._say()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, stop.set)
        self._look()
        await self._wait_for_workers()
        self._beat()
        await self._front.listen(listener, self._certificate.context if self._certificate else None)
        await self._front.listen_framed(unix_listener(self._framed_path), self._spec.token, self._spec.name)
        self._state = "ready"
        self._say()
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE, 20, 20)
        logger.info("serving", extra={"incarnation": self._boot.incarnation, "generation": self._endpoints.generation})
        await stop.wait()
        self._state = "draining"
        self._say()
        drained = await self._front.drain()
        logger.info("drained" if drained else "not everything could be drained", extra={"flying": self._boot.flying})
        self._boot.sums.beat(time.time())
        self._tallies.settle(time.time())
        self._boot.journal.close()
        self._state = "done"
        self._note()
        self._say()
        self._framed_path.unlink(missing_ok=True)
        self._endpoints.close()
        self._keys.close()
        self._boot.spans.flush()
        self._boot.served.close()

    async def _wait_for_workers(self) -> None:
        """Clients wait in the listening socket's queue meanwhile, rather than meet a gateway that has not connected yet."""
        while not self._endpoints.reached and time.monotonic() - self._adopted_at < REACH_SECONDS:
            await asyncio.sleep(0.002)

    def _beat(self) -> None:
        """What has to be done many times a second."""
        now = time.time()
        self._boot.sums.beat(now)
        self._look()
        self._beats += 1
        if self._beats % SLOW_BEATS == 1:
            exchanges.Date.look(now)
            self._front.sweep()
            if self._certificate is not None:
                self._certificate.look()
            self._endpoints.look(time.monotonic(), self._a_request())
            self._endpoints.tidy()
            self._tallies.settle(now)
            self._note()
            self._boot.journal.turn(time.monotonic(), DISCREET_SECONDS if self._endpoints.discreet else SEGMENT_SECONDS)
            self._say()
        elif self._confirmed != self._endpoints.generation or self._wanted != self._endpoints.wanted():
            self._say()
        if self._state != "done":
            self._loop.call_later(BEAT_SECONDS, self._beat)

    def _look(self) -> None:
        """Obey the table, if there is another."""
        if self._watch.look():
            self._adopted_at = time.monotonic()
            self._front.service.share(self._endpoints.gateways)
            self._front.heads.read(self._endpoints.headers)

    def _a_request(self) -> float:
        """Seconds of work that a request has cost this process, lately."""
        worked, landed = time.process_time(), self._boot.landed
        before, already = self._worked
        if landed - already >= ENOUGH:
            self._turnaround = (worked - before) / (landed - already)
        self._worked = (worked, landed)
        return self._turnaround

    def _note(self) -> None:
        """Count for people what no version is counted with."""
        noted = self._boot.served
        noted.note("refused", self._boot.admitting.refused)
        noted.note("copies_dropped", self._front.service.mirror.dropped)
        noted.note("log", {"dropped": self._boot.journal.dropped, "keys_lost": self._keys.lost})

    def _say(self) -> None:
        """Tell control how this gateway stands, when that has changed.

        A new table's generation is told once every version with weight can be reached, or a second has passed.
        """
        now = time.monotonic()
        if self._endpoints.reached or now - self._adopted_at >= REACH_SECONDS:
            self._confirmed = self._endpoints.generation
        self._wanted = self._endpoints.wanted()
        facts = {
            "incarnation": self._boot.incarnation,
            "host": self._boot.host,
            "generation": max(self._confirmed, 0),
            "dropped": self._boot.journal.dropped,
            "unkept": self._boot.journal.trouble,
            "shed": dict(self._boot.admitting.refused),
            "copies_dropped": dict(self._front.service.mirror.dropped),
            "keys_lost": self._keys.lost,
            "connections": self._front.count,
            "workers": self._endpoints.connected(),
            "wanted": self._wanted,
            "silent": self._endpoints.silent(now, self._front.service.bounds.silent_seconds),
        }
        said = f"{self._state} {facts}"
        if said == self._said:
            return
        try:
            self._claim.say(self._state, **facts)
            self._said = said
        except OSError as full:
            logger.warning("the state cannot be written", extra={"detail": str(full)})


def run(root: str, name: str, make_loop: Callable[[], asyncio.AbstractEventLoop]) -> int:
    """Be the gateway NAME of the home ROOT until told to end; the exit code."""
    where = home.find(root)
    spec = instances.read(where.instances / f"{name}.json")
    if spec is None:
        logger.error("there is no specification of this instance", extra={"path": str(where.instances / f"{name}.json")})
        return 2
    listener = handover.inherited(os.environ.get("TIDEGATE_FDS", ""), "http")
    if listener is None:
        logger.error("no listening socket was inherited: TIDEGATE_FDS names none called http")
        return 2
    _open_files()
    try:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(_main(where, name, spec, listener))
    except errors.TidegateError as refused:
        logger.error(str(refused))  # noqa: TRY400 - expected errors have no stack
        return 1
    return 0


async def _main(where: home.Home, name: str, spec: instances.Spec, listener: socket.socket) -> None:
    gateway = Gateway(where, name, spec, asyncio.get_running_loop())
    # a descriptor of its own: the server closes the other when it drains, and a successor may still ask
    giving = handover.Handover(where.run / f"{name}.fds", {"http": os.dup(listener.fileno())})
    try:
        await gateway.serve(listener)
    finally:
        giving.close()


def unix_listener(path: pathlib.Path) -> socket.socket:
    """A listening socket at this path, for this account only, in place of whatever was there. Raises OSError."""
    scratch = path.with_name(f".{path.name}")
    scratch.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(scratch))
    scratch.chmod(0o600)
    listening.listen(16)
    scratch.replace(path)
    return listening


def _certificate(labels: dict[str, str]) -> certificates.Certificate | None:
    """What the specification's labels `tls.cert` and `tls.key` name."""
    chain, key = labels.get("tls.cert", ""), labels.get("tls.key", "")
    return certificates.Certificate(pathlib.Path(chain), pathlib.Path(key)) if chain else None


def _open_files() -> None:
    """As many descriptors as this account may have: each client takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
