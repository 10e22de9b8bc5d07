"""python -m tidegate.dataplane.worker HOME NAME.

Exit codes: 0 drained, 1 a fault of ours, 2 not to be started like this, 3 the model cannot serve, 4 one of that name is alive.
"""

import logging
import pathlib
import socket
import sys
import time

from tidegate.core.vocabulary import errors, home, instances, logs
from tidegate.dataplane.models import model
from tidegate.dataplane.wire import frames
from tidegate.dataplane.worker import answering, loading, serving

_log = logging.getLogger("tidegate.dataplane.worker")


def main(argv: list[str]) -> int:
    """Run one worker to its end; returns the exit code."""
    if len(argv) != 3:
        sys.stderr.write("usage: python -m tidegate.dataplane.worker HOME NAME\n")
        return 2
    place, name = home.Home(pathlib.Path(argv[1])), argv[2]
    logs.start(name)
    spec = instances.read(place.instances / f"{name}.json")
    if spec is None or "digest" not in spec.labels or "address" not in spec.labels:
        _log.error("there is no specification of a worker by this name", extra={"path": str(place.instances)})
        return 2
    try:
        claim = instances.Claim(place.instances, name, spec.token)
    except BlockingIOError:
        _log.error("another process of this name is alive")
        return 4
    return _serve(place, spec, claim)


def _serve(place: home.Home, spec: instances.Spec, claim: instances.Claim) -> int:
    digest = spec.labels["digest"]
    began = time.monotonic() - loading.lived()
    said = instances.read_state(place.instances, spec.name)
    served = said.get("token") == spec.token and bool(said.get("served") or said.get("state") in {"ready", "draining"})
    claim.say("loading", digest=digest, served=served)
    _log.info("loading", extra={"digest": digest, "endpoint": spec.labels.get("endpoint", "")})
    try:
        loaded = loading.load(place, digest, spec.labels.get("endpoint", ""), new=not served)
        listener, address = listen(spec.labels["address"])
    except (errors.TidegateError, OSError) as wrong:
        return _fail(claim, wrong)
    seconds = round(time.monotonic() - began, 3)
    welcome = frames.Welcome(frames.PROTOCOL, spec.name, digest)
    server = serving.Server(listener, answering.Answerer(loaded), spec.token, welcome)
    server.on_drain = lambda: claim.say("draining")
    server.heed()
    claim.say("ready", address=address, rss=loading.resident(), load_seconds=seconds)
    _log.info("ready", extra={"address": address, "seconds": seconds})
    try:
        server.run()
    except Exception:
        _log.exception("the worker ends by a fault of its own")
        return 1
    claim.say("done")
    _log.info("done")
    return 0


def _fail(claim: instances.Claim, wrong: errors.TidegateError | OSError) -> int:
    code = wrong.code if isinstance(wrong, errors.TidegateError) else "process"
    claim.say("failed", code=code, message=str(wrong))
    cause = wrong.__cause__
    _log.error("the model cannot serve", extra={"code": code, "detail": str(wrong)}, exc_info=cause)
    if cause is not None:
        _log.error("in the model's own words", extra={"detail": model.words(cause)})
    return 3


def listen(address: str) -> tuple[socket.socket, str]:
    """A listening socket at unix:/path or tcp:host:port, and where it really is. Raises OSError where that cannot be."""
    kind, _, rest = address.partition(":")
    if kind == "unix":
        path = pathlib.Path(rest)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # left by one that was killed: the name is ours, the claim says so
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
        return listener, address
    if kind != "tcp":
        raise OSError(f"an address is unix:/path or tcp:host:port, not {address}")
    host, _, port = rest.rpartition(":")
    listener = socket.create_server((host.strip("[]"), int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    return listener, f"tcp:{host}:{listener.getsockname()[1]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv))
