"""How clients come in, from the options of `tidegate up`: addresses, TLS, and who may come from other machines."""

import importlib.util
import ipaddress
import pathlib

from tidegate.control.loop.keeper import sockets
from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.gateway import certificates
from tidegate.dataplane.wire import tablefile
from tidegate.interface.cli import project


def address(host: str, port: int) -> str:
    """HOST:PORT; [HOST]:PORT for IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def exposed(host: str) -> bool:
    """Whether other machines reach what listens there. Raises ProcessError for what is no address."""
    _, (there, _) = sockets.resolve(address(host, 0))
    return not ipaddress.ip_address(there).is_loopback


def check_exposure(host: str, place: home.Home, given: project.Project | None) -> None:
    """Raises ExposureRefused when an endpoint that asks for no token would be within other machines' reach.

    The gateways refuse those predictions too, whatever is written here or later: this only says it before anything starts.
    """
    if not exposed(host):
        return
    try:
        opened = {name for name, route in tablefile.read(place.table).routes.items() if not route.tokens}
    except errors.StateError:
        opened = set()
    if given is not None and given.settings.access != "token":
        opened.add(given.settings.endpoint)
    elif given is not None:
        opened.discard(given.settings.endpoint)
    if opened:
        raise errors.ExposureRefused(
            f"other machines would reach {', '.join(sorted(opened))}, which asks for no token.",
            cure="Set `access: token` in tidegate.yaml and make tokens with `tidegate token`; or leave --host out.",
            where=f"--host {host}",
        )


def certificate(chain: str, key: str) -> tuple[str, str]:
    """Both files, found and tried: absolute paths, or two empty ones. Raises ProcessError."""
    if not chain and not key:
        return "", ""
    if not chain or not key:
        raise errors.ProcessError("TLS needs a certificate and its key.", cure="Give --tls-cert FILE and --tls-key FILE.")
    paths = (pathlib.Path(chain).absolute(), pathlib.Path(key).absolute())
    certificates.Certificate(*paths)
    return str(paths[0]), str(paths[1])


def grpc(host: str, port: int) -> str:
    """Where gRPC is spoken; empty for -1. Raises ExtraMissing."""
    if port < 0:
        return ""
    if importlib.util.find_spec("grpc") is None:
        raise errors.ExtraMissing("gRPC needs grpcio, which is not installed here.", cure="pip install 'tidegate[grpc]'")
    return address(host, port)


def line(place: home.Home, addresses: dict[str, str]) -> str:
    """Where everything is."""
    grpc = f", gRPC {addresses['grpc']}" if "grpc" in addresses else ""
    return f"tidegate is up: predictions {addresses['http']}{grpc}, control API {addresses['api']}, home {place.root}"
