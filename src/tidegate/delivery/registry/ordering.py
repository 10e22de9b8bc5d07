"""The bundle that an endpoint's settings ask for: the one place where settings become what `making` is told."""

from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import home
from tidegate.delivery.registry import making


def make(settings: specification.Settings, place: home.Home) -> str:
    """The digest of the bundle of `settings.model`. Raises what `making.make` raises; nothing then remains."""
    wishes = {"trust": settings.trust, "runtime": settings.runtime}
    return making.make(settings.model, place, example=settings.example or None, **wishes)[0]
