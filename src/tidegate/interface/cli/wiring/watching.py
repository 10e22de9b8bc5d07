"""The monitor, with everything that it watches."""

from tidegate.control.batch import afterwards
from tidegate.core.vocabulary import home
from tidegate.delivery.gates import secrets
from tidegate.interface.api import addresses, client
from tidegate.interface.cli import truths
from tidegate.observability.drift import lookout, together
from tidegate.observability.monitors import exporting, integrity, logwatch, probing, rounds, service, uptime
from tidegate.observability.outcomes import fetching, performing


def run(place: home.Home, name: str, environment: str) -> int:  # noqa: ARG001 -- routes name their environment
    """Watch until SIGTERM; returns the exit code."""
    return rounds.run(place, name, watches(place))


def watches(place: home.Home) -> list[rounds.Watch]:
    """Whatever looks at its own pace, each with what it needs."""
    return [
        integrity.Integrity(place),
        lookout.Lookout(place),
        together.Together(place),
        uptime.Uptime(place, lambda: _line(place)),
        service.Service(place),
        afterwards.Afterwards(place),
        logwatch.LogWatch(place),
        exporting.Exporting(place),
        performing.Performing(place),
        fetching.Fetching(place, lambda rows: truths.post(place, rows), secrets.look_up),
    ]


def _line(place: home.Home) -> probing.Line:
    """How predictions are reached now. Raises ProcessError."""
    return probing.Line(addresses.read(place).get("http", ""), addresses.trust(place), client.own_token(place))
