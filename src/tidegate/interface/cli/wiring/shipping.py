"""The shipper."""

from tidegate.core.vocabulary import home
from tidegate.delivery.gates import secrets
from tidegate.observability.shipping import shipper


def run(place: home.Home, name: str, environment: str) -> int:  # noqa: ARG001 -- routes name their environment
    """Ship until SIGTERM; returns the exit code."""
    return shipper.run(place, name, secrets.look_up)
