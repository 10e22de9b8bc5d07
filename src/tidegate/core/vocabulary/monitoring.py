"""What monitors go by, an endpoint: how often they look, what they hold against what, and what their alarms do."""

import msgspec

from tidegate.core.vocabulary import alarms


class Drift(msgspec.Struct, frozen=True):
    """Inputs and predictions against what they were."""

    action: str = alarms.Action.NOTIFY
    window_seconds: float = 86_400.0
    """Windows begin at whole multiples of it since 1970 (UTC)."""
    season: str = "week"
    """What a window is held against: week, day or none. See `core.stats.seasons`."""
    rows: int = 200
    """Of a window and of what it is held against; with fewer nothing is said."""
    limit: float = 0.1
    """How much of a distribution has to be elsewhere, at least, for an alarm; half of it is a warning."""
    holidays: tuple[str, ...] = ()
    """Days (UTC) that are not watched and that nothing is held against: 2026-12-25, or 12-25 of every year."""
    lasting: float = 0.02
    """How much of a distribution is elsewhere for four weeks, at least, where that is told; 0: never."""


class Quality(msgspec.Struct, frozen=True):
    """Missing, broken, new and impossible inputs."""

    action: str = alarms.Action.NOTIFY
    window_seconds: float = 3_600.0
    """Likewise. Season, rows and holidays are those of `Drift`."""


class Performance(msgspec.Struct, frozen=True):
    """Outcomes against what was, and what is estimated where there are none."""

    action: str = alarms.Action.NOTIFY
    drop: float = 0.02
    """By how much more of the answers may be wrong than were, as a share of all."""


class Service(msgspec.Struct, frozen=True):
    """Times, errors and resources."""

    action: str = alarms.Action.NOTIFY


class Uptime(msgspec.Struct, frozen=True):
    """The probe from outside."""

    action: str = alarms.Action.NOTIFY
    every_seconds: float = 60.0
    """0: no probe."""
    compare: bool = True
    """Whether a version has to answer its example as it did at first."""


class Truth(msgspec.Struct, frozen=True):
    """A table that outcomes are taken from."""

    query: str = ""
    """Empty: none is asked."""
    url: str = ""
    """env:NAME or file:PATH of its address; empty: what the query itself names, such as files."""
    every_seconds: float = 3_600.0
    watermark: str = ""
    """The column that only grows from row to row that is added; empty: every row is asked for each time."""


class Traces(msgspec.Struct, frozen=True):
    """Which requests are traced."""

    sample: float = 0.0
    """Share of those about which no client's flag decides."""
    follow: bool = False
    """Whether a client's flag does."""

    @property
    def on(self) -> bool:
        """Whether any may be."""
        return self.follow or self.sample > 0


class Monitors(msgspec.Struct, frozen=True):
    """All of an endpoint's."""

    drift: Drift = Drift()
    quality: Quality = Quality()
    performance: Performance = Performance()
    service: Service = Service()
    uptime: Uptime = Uptime()
    traces: Traces = Traces()
    truth: Truth = Truth()
    explained: float = 0.0
    """Share of predictions that are explained afterwards, by their ids."""
