"""The shipper is there while a route names a sink: its specification is put in place, or taken away, for the keeper to obey."""

from tidegate.control.loop.keeper import core
from tidegate.core.vocabulary import home, tables


def keep(place: home.Home, table: tables.Table) -> None:
    """Make that true. Raises OSError."""
    spec = core.shipper(place)
    path = place.instances / f"{spec.name}.json"
    wanted = any(route.log.sinks for route in table.routes.values())
    if wanted and not path.exists():
        spec.write(place.instances)
    elif not wanted:
        path.unlink(missing_ok=True)
