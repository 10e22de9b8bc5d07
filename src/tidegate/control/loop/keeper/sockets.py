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
    family, (host, port) = resolve(address)
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as failed:
        listening.close()
        if failed.errno == errno.EADDRINUSE:
            cure = "Choose one with --port, or --port 0 for any free one."
            raise errors.PortInUse(f"port {port} is taken by another program.", cure=cure) from failed
        raise errors.ProcessError(f"cannot listen at {address}: {failed.strerror}.", cure="Choose another address.") from failed
    return listening


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


def publish(place: home.Home, held: dict[str, socket.socket]) -> dict[str, str]:
    """Write where they really are to addresses.json, as clients here reach them. Raises OSError."""
    addresses = {name: _url(listening) for name, listening in held.items()}
    instances.write_json(place.addresses, addresses)
    return addresses


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    host = _WILDCARDS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
