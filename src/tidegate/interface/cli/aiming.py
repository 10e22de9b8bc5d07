"""Where traffic of our own goes: the endpoint, its stable version and the gateways' address."""

from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.api import addresses
from tidegate.interface.cli import reaching


def aim(place: homes.Home, endpoint: str) -> tuple[str, str, str]:
    """(endpoint, digest of its stable version, the gateways' address). Raises NotRunning, EndpointUnknown."""
    address = addresses.read(place).get("http", "")
    if not address:
        raise errors.NotRunning(where=str(place.root))
    named = reaching.only_endpoint(place, endpoint)
    found = next((one for one in reaching.status(place)["endpoints"] if one["name"] == named), None)
    if found is None:
        raise errors.EndpointUnknown(f"there is no endpoint {named!r}.", cure="`tidegate status` lists them.")
    if not found["stable"]:
        raise errors.WorkerUnavailable(f"{named} serves nothing yet.", cure="`tidegate status` says what it waits for.")
    return named, found["stable"]["digest"], address
