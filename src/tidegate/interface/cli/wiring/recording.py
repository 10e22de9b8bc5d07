"""The recorder."""

from tidegate.core.vocabulary import home
from tidegate.observability.recording import process


def run(place: home.Home, name: str, environment: str) -> int:  # noqa: ARG001 -- segments name their environment
    """Record until SIGTERM; returns the exit code."""
    return process.run(place, name)
