"""The keeper from outside: run it here, run it behind, ask whether it is there, end it."""

import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from tidegate.control.loop.keeper import core, instance, logfiles, renewal, signals, sockets, turns
from tidegate.core.vocabulary import codes, errors, home, instances, logs

RENEW_SECONDS = 90.0
HAND_OVER_SECONDS = 3.0
"""How long a living gateway has to hand the listening sockets over; then it is taken for hung and replaced."""
_log = logging.getLogger("tidegate.keeper")
_kept: set[pathlib.Path] = set()
"""Homes whose keeper is this very process: it must not open its own lock file again."""


@dataclasses.dataclass(frozen=True)
class Up:
    """What to be up with."""

    http: str = "127.0.0.1:8080"
    api: str = "127.0.0.1:8081"
    gateways: int = 0
    """Gateways to have, with control, recorder and API beside them; 0 leaves the specifications on disk as they are."""
    grpc: str = ""
    """Where gRPC is spoken; empty: nowhere."""
    chain: str = ""
    """The PEM file with the certificate that clients are shown; empty: no TLS."""
    key: str = ""
    controls: int = 1
    """Control processes to have beside these gateways: one decides, the others stand by."""

    @property
    def sockets(self) -> dict[str, str]:
        """The addresses to hold, by name."""
        named = {"http": self.http, "api": self.api, "grpc": self.grpc}
        return {name: address for name, address in named.items() if address}


def run(place: home.Home, up: Up, ready: Callable[[dict[str, str]], None] | None = None) -> None:
    """Be the keeper until SIGTERM or SIGINT, then stop everything in order. From the main thread; reaps all its children.

    `ready` gets the addresses once the sockets listen. A second signal while stopping ends everything at once.
    Raises AlreadyRunning, PortInUse, ProcessError, DiskFull: nothing was started then.
    """
    handed = renewal.taken()
    with _claimed(place, handed.claim if handed else -1) as claim, signals.Signals() as told:
        signals.become_subreaper()
        keeper = turns.Keeper(place)
        keeper.adopt(time.monotonic())
        held = handed.sockets if handed else _listen(place, keeper, up.sockets, told)
        try:
            if up.gateways and not handed:
                core.write(place, up.gateways, core.Doors(bool(up.grpc), up.chain, up.key), up.controls)
            addresses = sockets.publish(place, held, secure=core.secure(place))
            facts = {**addresses, "boot": secrets.token_hex(8), "python": sys.executable}
            claim.say("ready", **facts)
        except OSError as failed:
            raise errors.DiskFull(f"{place.root} cannot be written: {failed.strerror}.", where=str(place.root)) from failed
        keeper.fds = {name: listening.fileno() for name, listening in held.items()}
        if ready is not None:
            ready(addresses)
        _keep(keeper, told, lambda: _renew(claim, held, facts))
        claim.say("draining", **addresses)
        _end(keeper, told)
        place.addresses.unlink(missing_ok=True)
        claim.say("done")
        for listening in held.values():
            listening.close()


def detach(place: home.Home, up: Up) -> dict[str, str]:
    """Run it behind, in a session of its own; returns the addresses once it listens. Raises what `run` raises."""
    _prepare(place)
    reading, writing = os.pipe()
    output = logfiles.opened(place.logs / "keeper.log")
    argv = [sys.executable, "-m", "tidegate.control.loop.keeper", str(place.root), "--http", up.http, "--api", up.api]
    argv += ["--gateways", str(up.gateways), "--controls", str(up.controls), "--report", str(writing)]
    given = {"--grpc": up.grpc, "--tls-cert": up.chain, "--tls-key": up.key}
    argv += [word for option, value in given.items() if value for word in (option, value)]
    child = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=(writing,), start_new_session=True
    )
    os.close(output)
    os.close(writing)
    with os.fdopen(reading) as report:
        said = report.read()
    told = json.loads(said) if said else {"code": "instance-lost", "message": "the keeper did not come up."}
    if "code" in told:
        child.wait()
        raise codes.by_code(told["code"])(told["message"], cure=told.get("cure", ""), where=told.get("where", ""))
    child.returncode = 0  # it lives on without us: no warning that nobody waited for it
    return {str(name): str(address) for name, address in told.items()}


def alive(place: home.Home) -> int:
    """The keeper's pid, or 0 when this home has none."""
    return os.getpid() if place.root in _kept else instances.holder(place.instances, turns.OWN)


def stop(place: home.Home, timeout: float = 90.0) -> None:
    """End the keeper and everything under it; returns once nothing runs. What a dead keeper left behind is ended too.

    Raises NotRunning when there is nothing, InstanceLost when it takes longer than `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    pid = alive(place)
    if pid:
        os.kill(pid, signal.SIGTERM)
    while alive(place):
        if time.monotonic() > deadline:
            raise errors.InstanceLost(f"the keeper (pid {pid}) is still stopping after {timeout:.0f} seconds.")
        time.sleep(turns.PERIOD)
    try:
        _stop_orphans(place)
    except errors.NotRunning:
        if not pid:
            raise


def _stop_orphans(place: home.Home) -> None:
    if not place.instances.is_dir():
        raise errors.NotRunning
    with _claimed(place), signals.Signals() as told:
        keeper = turns.Keeper(place)
        keeper.adopt(time.monotonic())
        if not keeper.alive():
            raise errors.NotRunning
        _end(keeper, told)
        place.addresses.unlink(missing_ok=True)


def renew(place: home.Home) -> None:
    """Have the keeper replace itself by the code that is installed now; its children go on. Returns once that one keeps.

    Raises NotRunning, InstanceLost when the installed code does not start: the keeper then stays as it was.
    """
    pid, before = alive(place), instances.read_state(place.instances, turns.OWN)
    if not pid:
        raise errors.NotRunning(where=str(place.root))
    if "boot" not in before:
        _succeed(place, pid)
        return
    os.kill(pid, signals.RENEW)
    deadline = time.monotonic() + RENEW_SECONDS
    while time.monotonic() < deadline:
        said = instances.read_state(place.instances, turns.OWN)
        if said.get("boot") != before["boot"] and said.get("state") == "ready":
            return
        if said.get("refused") and said.get("tried") != before.get("tried"):
            raise errors.InstanceLost(f"the keeper stays as it was: {said['refused']}.", where=turns.OWN)
        time.sleep(turns.PERIOD)
    raise errors.InstanceLost(f"the keeper (pid {pid}) did not come back within {RENEW_SECONDS:.0f} seconds.", where=turns.OWN)


def _succeed(place: home.Home, pid: int) -> None:
    """Put a keeper of this code in the place of one that cannot replace itself: nothing under it dies by that."""
    told = json.loads(place.addresses.read_text())
    http, api = (str(told[name]).rpartition("/")[2] for name in ("http", "api"))
    os.kill(pid, signal.SIGKILL)
    while alive(place):
        time.sleep(turns.PERIOD)
    detach(place, Up(http, api))


def _renew(claim: instances.Claim, held: dict[str, socket.socket], facts: dict[str, str]) -> None:
    _log.info("to be replaced by the installed code")
    refused = renewal.renew(claim.descriptor, held)
    _log.error("not replaced", extra={"why": refused})
    claim.say("ready", **facts, refused=refused, tried=secrets.token_hex(8))


def _keep(keeper: turns.Keeper, told: signals.Signals, renew: Callable[[], None]) -> None:
    while not told.stops:
        if told.renew:
            told.renew = False
            renew()
        try:
            keeper.turn(time.monotonic())
        except Exception:
            # Whatever it was, everybody else's process still needs a keeper: say so and go on.
            _log.exception("a turn failed")
        told.wait(turns.PERIOD)


def _end(keeper: turns.Keeper, told: signals.Signals) -> None:
    asked = told.stops
    while not keeper.end(time.monotonic(), instance.GRACE if told.stops <= asked else 0.0):
        told.wait(turns.PERIOD)


def _listen(place: home.Home, keeper: turns.Keeper, wanted: dict[str, str], told: signals.Signals) -> dict[str, socket.socket]:
    """The listening sockets: from a living gateway where there is one, else new ones."""
    held: dict[str, socket.socket] = {}
    deadline = time.monotonic() + HAND_OVER_SECONDS
    try:
        while time.monotonic() < deadline and (offers := _offers(place, keeper, wanted.keys() - held.keys())):
            for path in offers:
                _take(sockets.fetch(path), wanted, held)
            told.wait(turns.PERIOD)
        for name in wanted.keys() - held.keys():
            # Whoever has it and did not hand it over, or has another one than is wanted now, is replaced.
            while not keeper.vacate(name, time.monotonic()):
                told.wait(turns.PERIOD)
            held[name] = sockets.OPENERS.get(name, sockets.bind)(wanted[name])
    except errors.ProcessError:
        for listening in held.values():
            listening.close()
        raise
    return {name: held[name] for name in wanted}


def _offers(place: home.Home, keeper: turns.Keeper, names: set[str]) -> set[pathlib.Path]:
    """Where the living offer sockets that are still missing."""
    paths = {place.run / f"{one.name}.fds" for name in names for one in keeper.holders(name)}
    return {path for path in paths if path.exists()}


def _take(given: dict[str, socket.socket], wanted: dict[str, str], held: dict[str, socket.socket]) -> None:
    for name, listening in given.items():
        if name in wanted and name not in held and sockets.suits(listening, wanted[name]):
            held[name] = listening
        else:
            listening.close()


def _prepare(place: home.Home) -> None:
    try:
        place.prepare()
    except OSError as failed:
        raise errors.ProcessError(f"{place.root} cannot be used: {failed}.", where=str(place.root)) from failed


@contextlib.contextmanager
def _claimed(place: home.Home, held: int = -1) -> Iterator[instances.Claim]:
    """The keeper's own lock, and its log; both given back at the end. Raises AlreadyRunning."""
    _prepare(place)
    if place.root in _kept:
        raise errors.AlreadyRunning(where=str(place.root))
    try:
        claim = instances.Claim(place.instances, turns.OWN, str(os.getpid()), held)
    except BlockingIOError as taken:
        raise errors.AlreadyRunning(where=str(place.root)) from taken
    _kept.add(place.root)
    handler = logging.FileHandler(place.logs / "keeper.log")
    handler.setFormatter(logs.Lines("keeper"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False
    try:
        yield claim
    finally:
        _log.removeHandler(handler)
        handler.close()
        _kept.discard(place.root)
        claim.release()
