"""The recorder."""

from tidegate.core.vocabulary import home
from tidegate.observability.recording import recorder


def run(place: home.Home, name: str, environment: str) -> int:  # noqa: ARG001 -- segments name their environment
    """Record until SIGTERM; returns the exit code."""
    return recorder.run(place, name)
