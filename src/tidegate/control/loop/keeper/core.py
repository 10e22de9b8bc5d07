"""The specifications of Tidegate's own processes. Workers' are the local target's."""

import dataclasses
import secrets

from tidegate.core.vocabulary import home, instances


@dataclasses.dataclass(frozen=True)
class Doors:
    """How clients come in."""

    grpc: bool = False
    """Whether there is a gRPC front beside the gateways."""
    chain: str = ""
    """The certificate chain's PEM file: by TLS alone; empty: without."""
    key: str = ""
    """Its key's."""

    @property
    def labels(self) -> dict[str, str]:
        """What the processes that clients connect to are told."""
        return {"tls.cert": self.chain, "tls.key": self.key} if self.chain else {}


PLAIN = Doors()
FRONTS = {"gateway": "tidegate.dataplane.gateway", "grpc": "tidegate.dataplane.grpcfront"}
"""Kinds of processes that clients connect to, and the module of each."""


def specs(place: home.Home, gateways: int = 1, doors: Doors = PLAIN, controls: int = 1) -> tuple[instances.Spec, ...]:
    """Gateways, the gRPC front, control (and those that stand by), recorder, monitor and API, with tokens of their own."""
    made = [_front(place, f"gateway-{number}", doors) for number in range(gateways)]
    if doors.grpc:
        made.append(_front(place, "grpc-0", doors))
    made += [_program(place, "control", f"control-{number}" if number else "control") for number in range(controls)]
    heavy = (_program(place, kind, nice=5) for kind in ("recorder", "monitor"))
    return (*made, *heavy, _program(place, "api", passes=("api",)))


def write(place: home.Home, gateways: int = 1, doors: Doors = PLAIN, controls: int = 1) -> None:
    """Put them in place, and take away gateways and controls beyond these numbers, and a gRPC front that is not wanted.

    One that is there already and differs in nothing but its token is left alone: the process that runs by it may be alive.
    Raises OSError.
    """
    wanted = {spec.name: spec for spec in specs(place, gateways, doors, controls)}
    for spec in wanted.values():
        there = instances.read(place.instances / f"{spec.name}.json")
        if there is None or dataclasses.replace(there, token=spec.token) != spec:
            spec.write(place.instances)
    for kind in (*FRONTS, "control"):
        for path in place.instances.glob(f"{kind}-*.json"):
            if path.stem not in wanted:
                path.unlink(missing_ok=True)


def complete(place: home.Home) -> None:
    """Put in place what every home has and this one has not: processes that came with a later release. Raises OSError."""
    for spec in specs(place):
        if spec.kind not in FRONTS and not (place.instances / f"{spec.name}.json").exists():
            spec.write(place.instances)


def shipper(place: home.Home) -> instances.Spec:
    """What brings the log to sinks, where there are any."""
    return _program(place, "shipper", nice=5)


def secure(place: home.Home) -> bool:
    """Whether the gateways' specifications have them speak TLS."""
    found = (instances.read(path) for path in place.instances.glob("gateway-*.json"))
    return any(spec.labels.get("tls.cert") for spec in found if spec)


def renewed(place: home.Home, there: instances.Spec, name: str = "") -> instances.Spec:
    """What runs by this specification as this code would write it: a token of its own, and what it was told kept. `name`: of
    another one beside it, for those that clients connect to.
    """
    if there.kind in FRONTS:
        fresh = _front(place, name or there.name, PLAIN)
    elif there.kind == "control":
        fresh = _program(place, "control", there.name)
    else:
        fresh = next((one for one in specs(place) if one.name == there.name), there)
    token = secrets.token_hex(16)
    return dataclasses.replace(fresh, token=token, labels=there.labels, env=there.env, resources=there.resources)


def _front(place: home.Home, name: str, doors: Doors) -> instances.Spec:
    """One that clients connect to."""
    kind = name.partition("-")[0]
    passes = ("http",) if kind == "gateway" else (kind,)
    argv = ("{python}", "-m", FRONTS[kind], str(place.root), name)
    return instances.Spec(name, kind, argv, secrets.token_hex(16), passes=passes, labels=doors.labels)


def _program(place: home.Home, kind: str, name: str = "", *, passes: tuple[str, ...] = (), nice: int = 0) -> instances.Spec:
    argv = ("{python}", "-m", "tidegate.interface.cli.process", kind, str(place.root), name or kind)
    return instances.Spec(name=name or kind, kind=kind, argv=argv, token=secrets.token_hex(16), nice=nice, passes=passes)
