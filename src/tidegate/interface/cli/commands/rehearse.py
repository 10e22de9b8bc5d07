"""`tidegate rehearse`."""

import asyncio
import dataclasses
from typing import Annotated, Any

import typer

from tidegate.core.vocabulary import amounts, errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.api import addresses, client
from tidegate.interface.cli import aiming, exits, following, itself, options, reaching, screen, traffic

PATIENCE_SECONDS = 120.0
"""For a drill to end, beyond the time that its traffic takes: its version has to load first."""
FEWEST = 20


def rehearse(
    endpoint: options.Endpoint = "",
    *,
    requests: Annotated[
        int, typer.Option("--requests", help="Requests to make while the traffic is split.", min=FEWEST, max=1_000_000)
    ] = 1_000,
    rate: Annotated[float, typer.Option("--rate", help="Requests a second.", min=1.0, max=5_000)] = 100.0,
    times: Annotated[
        int, typer.Option("--aa", help="Compare the version with itself, so many times over, and count false rollbacks.", min=0)
    ] = 0,
    pool: Annotated[
        int, typer.Option("--pool", help="With --aa: workers on the candidate's side; else as many as stable has.", min=0)
    ] = 0,
    reason: options.Reason = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Practise a rollback: the version that serves is released to itself, gets half of the traffic, and is taken back.

    Traffic is made meanwhile and counted on this side. Says how long it took from the decision until no gateway sent the drill's
    version a request, and ends with 3 when a request failed or the drill did not come to its end. Nothing is held.

    With --aa the two sides are judged as in any release: what is found is chance, or comes from their workers. Ends with 3 when
    more of them went back than chance allows, or a request failed.
    """
    place = options.place(home)
    named, digest, address = aiming.aim(place, endpoint)
    wanted = traffic.bodies(place, named, digest)
    if token := reaching.bearer(place, named):
        wanted = [dataclasses.replace(one, headers=f"authorization: Bearer {token}\r\n") for one in wanted]
    load = _Load(address, wanted, rate, requests)
    if times:
        drills = [asyncio.run(_drill(place, named, load, reason, {"aa": True, "pool": pool or None})) for _ in range(times)]
        with client.Client(place) as api:
            found = itself.counted(drills, float(api.endpoint(named)["settings"]["policy"]["alpha"]))
    else:
        found = asyncio.run(_drill(place, named, load, reason, {}))
    if as_json:
        screen.document(found)
    else:
        screen.line(itself.said(found) if times else said(found))
    if not found["well"]:
        raise typer.Exit(exits.Exit.REFUSED)


@dataclasses.dataclass(frozen=True)
class _Load:
    """The traffic that is made."""

    address: str
    bodies: list[traffic.Body]
    rate: float
    requests: int

    @property
    def seconds(self) -> float:
        """For how long the traffic is split."""
        return min(600.0, max(1.0, self.requests / self.rate))


async def _drill(place: homes.Home, endpoint: str, load: _Load, reason: str, more: dict[str, object]) -> dict[str, Any]:
    """The drill under load, and what came of it. The load begins before it and ends after it. `more`: of what it is asked."""
    sending = asyncio.ensure_future(
        traffic.send(load.address, lambda: load.bodies, load.rate, 0.0, lambda _: None, trust=addresses.trust(place))
    )
    try:
        release = await asyncio.to_thread(_to_its_end, place, endpoint, load.seconds, reason, more)
    finally:
        sending.cancel()
        counted = (await asyncio.gather(sending, return_exceptions=True))[0]
    if not isinstance(counted, traffic.Tally):
        raise errors.NotRunning(f"no traffic could be made: {counted}", where=load.address)
    told = counted.facts()
    told["failed"] = counted.sent - counted.answered  # one that was never answered has failed, too
    outcome = release["outcome"]
    return {
        "endpoint": endpoint,
        "release": release["id"],
        "version": release["candidate"]["name"],
        "outcome": outcome or release["phase"],
        "reason": release["reason"],
        "traffic_off_seconds": release["rollback_seconds"],
        "traffic": told,
        "verdict": release["verdict"],
        "well": outcome == "rehearsed" and not told["failed"] and counted.answered > 0,
    }


def _to_its_end(place: homes.Home, endpoint: str, seconds: float, reason: str, more: dict[str, object]) -> dict[str, Any]:
    """Begin the drill; the release once it has ended, stands still or has taken too long. Raises what control refuses with."""
    with client.Client(place) as api:
        begun = api.verb(endpoint, "rehearse", reason=reason, actor=reaching.actor(), seconds=seconds, **more)["release"]
        return following.follow(api, begun, timeout=seconds + PATIENCE_SECONDS)


def said(found: dict[str, Any]) -> str:
    """In a sentence."""
    told = found["traffic"]
    counted = f"{told['answered']:,} requests answered, {told['failed']:,} failed"
    if found["outcome"] != "rehearsed":
        return f"{found['endpoint']}: the drill did not come to its end ({found['outcome']}: {found['reason']}); {counted}."
    took = f"{found['traffic_off_seconds'] * 1000:.0f} ms"
    shares = ", ".join(f"{name} {count:,}" for name, count in sorted(told["versions"].items()))
    why = f" ({', '.join(f'{reason} x{count}' for reason, count in told['reasons'].items())})" if told["failed"] else ""
    return (
        f"{found['endpoint']}: traffic was off {found['version']} {took} after the decision; {counted}{why} "
        f"at {amounts.rate(told['rps'])} ({shares})."
    )
