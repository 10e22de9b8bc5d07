"""The listening sockets. They belong to the keeper and are inherited, so what waits in a dead gateway's backlog is answered
by the next one, and no other program can take the port in between.

A keeper that was killed has left them open in its gateways. Each offers them to the successor on a unix socket,
run/NAME.fds: to whoever connects it sends the payload `http=0` (name=index, separated by commas) with the descriptors.
"""

import errno
import pathlib
import socket

from tidegate.core.vocabulary import errors, home, instances

BACKLOG = 1024
_ANSWER_SECONDS = 1.0
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared with, not bound to


def resolve(address: str) -> tuple[int, tuple[str, int]]:
    """The address family, host and port of HOST:PORT; [::1]:8080 for IPv6. Raises ProcessError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise errors.ProcessError(f"{address} is no address to listen at.", cure="Write HOST:PORT, such as 127.0.0.1:8080.")
    try:
        family, _, _, _, there = socket.getaddrinfo(host.strip("[]") or "127.0.0.1", int(port), type=socket.SOCK_STREAM)[0]
    except OSError as failed:
        raise errors.ProcessError(f"{host} is no host to listen at: {failed.strerror}.", cure="Write an address.") from failed
    return family, (str(there[0]), int(there[1]))


def bind(address: str) -> socket.socket:
    """Listen at an address; port 0 takes any free one. Raises PortInUse, or ProcessError where it cannot be had at all."""
    bound = _bound(address)
    bound.listen(BACKLOG)
    return bound


def reserve(address: str) -> socket.socket:
    """Hold an address without listening, for a program that can only bind by itself (gRPC): no other account's can take the
    port then, and no other program that does not share it on purpose. Raises as `bind` does.
    """
    with _bound(address) as alone:  # who listens there already is not shared with, but found out
        host, port = alone.getsockname()[:2]
    return _bound(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", shared=True)


def _bound(address: str, *, shared: bool = False) -> socket.socket:
    family, (host, port) = resolve(address)
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
    except OSError as failed:
        listening.close()
        if failed.errno == errno.EADDRINUSE:
            cure = "Choose one with --port, or --port 0 for any free one."
            raise errors.PortInUse(f"port {port} is taken by another program.", cure=cure) from failed
        raise errors.ProcessError(f"cannot listen at {address}: {failed.strerror}.", cure="Choose another address.") from failed
    return listening


OPENERS = {"grpc": reserve}
"""How a socket of this name is had; by `bind` where nothing else is said."""


def fetch(path: pathlib.Path) -> dict[str, socket.socket]:
    """The sockets that a living process offers at `path`; empty when it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(_ANSWER_SECONDS)
            asking.connect(str(path))
            payload, numbers, _, _ = socket.recv_fds(asking, 1024, 16)
    except OSError:
        return {}
    found: dict[str, socket.socket] = {}
    given = [socket.socket(fileno=number) for number in numbers]
    for item in payload.decode(errors="replace").split(","):
        name, equals, index = item.strip().partition("=")
        if equals and index.isdecimal() and int(index) < len(given):
            found[name] = given[int(index)]
    for unnamed in set(given) - set(found.values()):
        unnamed.close()
    return found


def suits(listening: socket.socket, address: str) -> bool:
    """Whether a socket that was handed over is what is asked for now."""
    family, (host, port) = resolve(address)
    there = listening.getsockname()
    return bool(listening.family == family and there[0] == host and port in {0, there[1]})


def publish(place: home.Home, held: dict[str, socket.socket], *, secure: bool = False) -> dict[str, str]:
    """Write where they really are to addresses.json, as clients here reach them; `secure`: predictions by TLS. Raises OSError."""
    schemes = {"http": "https://" if secure else "http://", "grpc": ""}
    addresses = {name: schemes.get(name, "http://") + _there(listening) for name, listening in held.items()}
    instances.write_json(place.addresses, addresses)
    return addresses


def _there(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    host = _WILDCARDS.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
