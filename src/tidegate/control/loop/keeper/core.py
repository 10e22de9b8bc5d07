"""The specifications of Tidegate's own processes. Workers' are the local target's."""

import dataclasses
import secrets

from tidegate.core.vocabulary import home, instances


def specs(place: home.Home, gateways: int = 1) -> tuple[instances.Spec, ...]:
    """Gateways, control, recorder and API, with tokens of their own."""
    doors = tuple(_gateway(place, f"gateway-{number}") for number in range(gateways))
    return (*doors, _program(place, "control"), _program(place, "recorder", nice=5), _program(place, "api", passes=("api",)))


def write(place: home.Home, gateways: int = 1) -> None:
    """Put them in place, and take away gateways beyond that number.

    One that is there already and differs in nothing but its token is left alone: the process that runs by it may be alive.
    Raises OSError.
    """
    wanted = {spec.name: spec for spec in specs(place, gateways)}
    for spec in wanted.values():
        there = instances.read(place.instances / f"{spec.name}.json")
        if there is None or dataclasses.replace(there, token=spec.token) != spec:
            spec.write(place.instances)
    for path in place.instances.glob("gateway-*.json"):
        if path.stem not in wanted:
            path.unlink(missing_ok=True)


def _gateway(place: home.Home, name: str) -> instances.Spec:
    argv = ("{python}", "-m", "tidegate.dataplane.gateway", str(place.root), name)
    return instances.Spec(name=name, kind="gateway", argv=argv, token=secrets.token_hex(16), passes=("http",))


def _program(place: home.Home, name: str, *, passes: tuple[str, ...] = (), nice: int = 0) -> instances.Spec:
    argv = ("{python}", "-m", "tidegate.interface.cli.process", name, str(place.root), name)
    return instances.Spec(name=name, kind=name, argv=argv, token=secrets.token_hex(16), nice=nice, passes=passes)
