"""The control API on the listening socket that was passed on."""

from tidegate.core.vocabulary import home
from tidegate.interface.api import serving


def run(place: home.Home, name: str, environment: str) -> int:
    """Serve until SIGTERM; returns the exit code."""
    serving.run(place, name, environment)
    return 0
