"""A release that was asked for, made ready for control: its settings whole, its bundle made.

A model that is unknown, has no signature, cannot be trusted or does not answer its own example is refused here, with its
own error, before control hears of it; nothing of it is then deployed.
"""

from typing import Any

import msgspec

from tidegate.control.store import endpoints
from tidegate.control.store import store as stores
from tidegate.core.decide import strategies
from tidegate.core.spec import bounds, schedule
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, ids
from tidegate.delivery.registry import ordering
from tidegate.delivery.runtimes import runtimes
from tidegate.interface.api import asked, shelf

_KEEPS: dict[bool, dict[str, object]] = {
    True: {"keep": 0, "probation": msgspec.to_builtins(strategies.level())},
    False: {"keep": specification.Settings("", "").keep, "probation": msgspec.to_builtins(strategies.holdback())},
}
"""What stays of the version before, by default: with recreate, or no more with it."""


def ready(books: shelf.Shelf, endpoint: str, body: asked.Release) -> dict[str, Any]:
    """The payload of the command `release`. Raises SpecInvalid, a ModelError, StoreUnavailable."""
    settings = merged(books.store().endpoint(books.environment, endpoint), endpoint, body)
    if settings.environment != books.environment:
        cure = "Release it where that environment runs, or change `environment` in tidegate.yaml."
        raise errors.SpecInvalid(
            f"this Tidegate runs {books.environment}, and the release is for {settings.environment}.", cure=cure
        )
    if body.digest:
        runtimes.ensure_of(books.home, body.digest)
        return {"digest": body.digest, "settings": specification.plain(settings)}
    return {"digest": ordering.make(settings, books.home), "settings": specification.plain(settings)}


def plain(books: shelf.Shelf, endpoint: str, body: asked.Release) -> dict[str, object]:
    """The endpoint's settings with what was sent over them, as control takes them. Raises SpecInvalid, StoreUnavailable."""
    return specification.plain(merged(books.store().endpoint(books.environment, endpoint), endpoint, body))


def merged(row: endpoints.Endpoint | None, endpoint: str, body: asked.Release) -> specification.Settings:
    """What was sent over what the endpoint's last release went by; null is a setting's default. Raises SpecInvalid where that is
    not whole.
    """
    if not ids.is_name(endpoint):
        raise errors.SpecInvalid(f"{endpoint!r} cannot be a name.", cure="Use 1 to 63 of a-z, 0-9 and inner hyphens.")
    asked_for = {key: value for key, value in body.settings.items() if value is not None}
    given = {"endpoint": endpoint, **(row.settings if row else {}), **body.settings}
    given = {key: value for key, value in given.items() if value is not None}
    if "strategy" in asked_for and "stages" not in asked_for:
        given |= _stages(str(asked_for["strategy"]), _read(given).replicas)
        cookie, sticks = msgspec.to_builtins(schedule.COOKIE), schedule.STICKS & set(str(asked_for["strategy"]).split(" -> "))
        if sticks:
            given.setdefault("sticky", cookie)
        elif "sticky" not in asked_for and given.get("sticky") == cookie:
            del given["sticky"]  # it came with a test by default, and a comparison that sticks proves nothing
        if "recreate" in (asked_for["strategy"], row.settings.get("strategy") if row else ""):
            given |= _KEEPS[asked_for["strategy"] == "recreate"] | asked_for
    if body.model:
        given["model"] = body.model
    if "model" not in given:
        raise errors.SpecInvalid(f"{endpoint} is new here, and no model was named.", cure="Send `model`, or settings with one.")
    unknown = sorted(given.keys() - set(specification.Settings.__struct_fields__))
    if unknown:
        raise errors.SpecInvalid(f"there is no setting {unknown[0]!r}.", cure="GET the endpoint to see its settings.")
    settings = _read(given)
    if settings.endpoint != endpoint:
        raise errors.SpecInvalid(f"the settings are those of {settings.endpoint}, and {endpoint} is released.")
    bounds.check(settings)
    specification.check(settings)
    return settings


def _read(given: dict[str, Any]) -> specification.Settings:
    """Raises SpecInvalid naming the first that is of another kind than it has to be."""
    try:
        return msgspec.convert({"model": "", **given}, specification.Settings)
    except msgspec.ValidationError as wrong:
        raise errors.SpecInvalid(f"settings: {wrong}.", cure="GET the endpoint to see what settings look like.") from wrong


def _stages(strategy: str, replicas: int) -> dict[str, object]:
    """The stages that a strategy has by default, where only its name was sent. Raises SpecInvalid."""
    names = tuple(strategy.split(" -> "))
    unknown = sorted(set(names) - strategies.STRATEGIES.keys())
    if unknown:
        known_ones = ", ".join(strategies.STRATEGIES)
        raise errors.SpecInvalid(f"there is no strategy {unknown[0]!r}.", cure=f"There are {known_ones}.")
    plan = strategies.Plan(rolling=strategies.Rolling(replicas=replicas))
    return {"stages": msgspec.to_builtins(strategies.compose(names, plan)), "returns": strategies.returns(names)}


def known(store: stores.Store, environment: str, endpoint: str) -> endpoints.Endpoint:
    """An endpoint that is there. Raises EndpointUnknown listing those that are."""
    row = store.endpoint(environment, endpoint)
    if row is None:
        names = ", ".join(one.name for one in store.endpoints(environment)) or "none yet"
        raise errors.EndpointUnknown(f"there is no endpoint {endpoint!r}.", cure=f"There are: {names}.")
    return row
