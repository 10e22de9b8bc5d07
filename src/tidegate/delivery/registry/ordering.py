"""The bundle that an endpoint's settings ask for: the one place where settings become what `making` is told."""

import pathlib

from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import home
from tidegate.delivery.registry import making, predicates


def make(settings: specification.Settings, place: home.Home) -> str:
    """The digest of the bundle of `settings.model`. Raises what `making.make` raises, and SpecInvalid for a check
    that cannot be used; nothing then remains.
    """
    predicates.look(settings)
    wishes = making.Wishes(
        trust=settings.trust,
        example=pathlib.Path(settings.example) if settings.example else None,
        method=settings.method,
        runtime=settings.runtime,
        check=pathlib.Path(settings.check) if settings.check and settings.terms.check else None,
        compile=settings.compile,
        tolerance=settings.compile_tolerance,
        training=settings.training,
    )
    return making.fulfil(settings.model, place, wishes)[0]
