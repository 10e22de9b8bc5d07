"""What a command about the prediction log means: which endpoint, of when, by which settings."""

import pathlib

import msgspec

from tidegate.control.store import endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.api import making, moments
from tidegate.interface.cli import project


def row(store: stores.Store, endpoint: str) -> endpoints.Endpoint:
    """The endpoint that is meant. Raises EndpointUnknown, StoreUnavailable."""
    environment = homes.environment()
    if endpoint:
        return making.known(store, environment, endpoint)
    known = store.endpoints(environment)
    if len(known) == 1:
        return known[0]
    names = ", ".join(one.name for one in known) or "none yet"
    raise errors.EndpointUnknown("no endpoint was named.", cure=f"There are: {names}.")


def settings(of: endpoints.Endpoint, file: str, model: str = "") -> specification.Settings:
    """What the endpoint goes by: the file at hand where it is this endpoint's, else what its last release went by."""
    if project.find(file) is not None:
        given = project.load(file, model=model).settings
        if given.endpoint == of.name:
            return given
    stored = specification.of(of.settings)
    return msgspec.structs.replace(stored, model=project.absolute(model, pathlib.Path.cwd())) if model else stored


def span(since: str, until: str, now: float, options: tuple[str, str] = ("--from", "--to")) -> tuple[float, float]:
    """Unix seconds of what two options say. Raises MomentInvalid, and SpecInvalid for a time that ends before it begins."""
    return moments.span((since, until), now, None, options)
