"""Probing a service that a version depends on: GET at its address answers below 400."""

import time

import httpx

from tidegate.core.vocabulary import dependencies, errors
from tidegate.delivery.gates import deadlines, secrets

SECONDS = 5.0
HOPS = 3
"""Redirects that are followed, on the service's own host."""


def probe(wanted: dependencies.Requirement) -> str:
    """What it answered. Raises RequirementMissing."""
    name = secrets.shown(wanted.name)
    begun = time.monotonic()
    try:
        status = deadlines.within(SECONDS, lambda: _status(wanted.name))
    except TimeoutError as slow:
        raise errors.RequirementMissing(f"the service {name} did not answer within {SECONDS:g} s.", cure=_CURE) from slow
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failed:
        words = secrets.plain(str(failed), _hidden(wanted.name)) or type(failed).__name__
        raise errors.RequirementMissing(f"the service {name} cannot be asked: {words}.", cure=_CURE) from None
    if status >= 400:
        raise errors.RequirementMissing(f"the service {name} answered {status}.", cure=_CURE)
    return f"the service {name} answered {status} in {time.monotonic() - begun:.2f} s."


_CURE = "Bring it up, or correct `requires` in tidegate.yaml."


def _status(address: str) -> int:
    """The status at the end of its redirects. One that leads to another host is not followed: it would be another service."""
    with httpx.Client(timeout=SECONDS, follow_redirects=False) as client:
        request = client.build_request("GET", address)
        for _ in range(HOPS + 1):
            answer = client.send(request, stream=True)
            answer.close()  # its status is all that is wanted
            onward = answer.next_request
            if onward is None:
                return answer.status_code
            if not _same(request.url, onward.url):
                leads = secrets.shown(str(onward.url))
                raise errors.RequirementMissing(
                    f"the service {secrets.shown(address)} sends elsewhere, to {leads}.",
                    cure="Have `requires` name the address that is meant.",
                )
            request = onward
    raise errors.RequirementMissing(f"the service {secrets.shown(address)} redirects again and again.", cure=_CURE)


def _same(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether both are one service: the same host and port, or its TLS."""
    if one.host != other.host:
        return False
    return (one.scheme, one.port) == (other.scheme, other.port) or (one.scheme, other.scheme) == ("http", "https")


def _hidden(address: str) -> tuple[str, ...]:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return (address,)
    return (address, url.password, url.username, url.query.decode("ascii", "replace"))
