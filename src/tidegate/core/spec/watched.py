"""Keys about what is watched after a release: the block `monitors`, and what it comes to."""

import re
from typing import Annotated, Literal

from tidegate.core.spec import units, values
from tidegate.core.vocabulary import errors, monitoring, profiles

Action = Literal["notify", "hold", "rollback", "retrain"]
HOUR, WEEK = 3_600.0, 604_800.0
_DAY = re.compile(r"(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_DOES = (
    "What its alarms do. `notify`: people are told. `hold`: no release begins or goes on meanwhile. `rollback`: the release "
    "under way goes back, or the version before serves again. `retrain`: a retraining is asked for."
)


class Drift(values.Block):
    """Inputs and predictions against what they were."""

    action: Action = values.key(_DOES, "notify")
    window: values.Duration = values.key("How long a window is that is held against others: 1h, 1d, whole hours.", 86_400.0, "1d")
    season: Literal["week", "day", "none"] = values.key(
        "What a window is held against. `week`: the same time of the same weekday, in the four weeks before. `day`: the same "
        "time of the 28 days before. `none`: all of these 28 days. Quality as well.",
        "week",
    )
    rows: int = values.key("With fewer rows in a window, or in what it is held against, nothing is said. Quality as well.", 200)
    limit: values.Share = values.key(
        "How much of a distribution has to be elsewhere, at least, for an alarm; half of it is a warning.", 0.1, "10%"
    )
    lasting: values.Share = values.key(
        "How much of a distribution has to be elsewhere than in the data that came with the model, at least, and for four weeks, "
        "to be told as small but lasting; nothing is done then. 0%: it is not looked for.",
        0.02,
        "2%",
    )
    holidays: list[str] = values.key(
        "Days (UTC) that are not watched, and that nothing is held against: 2026-12-25, or 12-25 of every year.", [], []
    )


class Quality(values.Block):
    """Missing, broken, new and impossible inputs."""

    action: Action = values.key("Likewise.", "notify")
    window: values.Duration = values.key("How long a window is: whole hours.", HOUR, "1h")


class Performance(values.Block):
    """Outcomes against what was."""

    action: Action = values.key("Likewise; what is only estimated never rolls back.", "notify")
    drop: values.Share = values.key("How many more of the answers may be wrong than were, before it is an alarm.", 0.02, "2%")


class Service(values.Block):
    """Times, errors and resources."""

    action: Action = values.key("Likewise.", "notify")


class Uptime(values.Block):
    """A probe from outside, which sends the bundle's example and checks the answer."""

    action: Action = values.key("Likewise.", "notify")
    every: values.Duration = values.key("How often; 0s: never.", 60.0, "1m")
    compare: bool = values.key("Whether a version has to answer its example as it did at first.", True)


class Traces(values.Block):
    """Spans of requests for OpenTelemetry."""

    sample: values.Share = values.key("Share of requests that are traced, where no client's traceparent decides.", 0.0, "0%")
    follow: bool = values.key("Whether a client's traceparent decides by its sampled flag.", False)


class Monitors(values.Block):
    """What is watched after a release."""

    drift: Annotated[Drift, values.EMPTY_BLOCK] = values.key("Inputs and predictions against what they were.", Drift(), {})
    quality: Annotated[Quality, values.EMPTY_BLOCK] = values.key("Missing, broken, new and impossible inputs.", Quality(), {})
    performance: Annotated[Performance, values.EMPTY_BLOCK] = values.key("Outcomes against what was.", Performance(), {})
    service: Annotated[Service, values.EMPTY_BLOCK] = values.key("Times, errors and resources.", Service(), {})
    uptime: Annotated[Uptime, values.EMPTY_BLOCK] = values.key("A probe from outside.", Uptime(), {})
    traces: Annotated[Traces, values.EMPTY_BLOCK] = values.key("Spans of requests for OpenTelemetry.", Traces(), {})


def resolved(given: Monitors, truth: monitoring.Truth = monitoring.Truth()) -> monitoring.Monitors:  # noqa: B008 - frozen
    """What monitors go by; `truth` is what the block `outcomes` says for them. Raises SpecInvalid."""
    every = given.uptime.every
    for name, window in (("drift", given.drift.window), ("quality", given.quality.window)):
        if not HOUR <= window <= WEEK or window % HOUR or WEEK % window:
            raise errors.SpecInvalid(
                "profiles are kept by the hour, and held against those of other weeks.",
                cure=f"Let `monitors.{name}.window` be 1h, 6h, 1d, 7d or other whole hours that make up a week.",
            )
    if given.drift.rows < profiles.FEWEST:
        raise errors.SpecInvalid(
            f"fewer than {profiles.FEWEST} rows say nothing of a distribution.",
            cure=f"Let `monitors.drift.rows` be {profiles.FEWEST} or more.",
        )
    if not 0 < given.performance.drop < 1:
        raise errors.SpecInvalid("a drop is a share of all answers.", cure="Let `monitors.performance.drop` be 2% or so.")
    if not 0 < given.drift.limit < 1:
        raise errors.SpecInvalid("a limit of drift is a share of all rows.", cure="Let `monitors.drift.limit` be 10% or so.")
    if not 0 <= given.drift.lasting < 1:
        raise errors.SpecInvalid(
            "what lasts is a share of all rows.", cure="Let `monitors.drift.lasting` be 2% or so; 0%: it is not looked for."
        )
    if wrong := [day for day in given.drift.holidays if not _DAY.fullmatch(day)]:
        raise errors.SpecInvalid(f"`{wrong[0]}` is no day.", cure="Write holidays as 2026-12-25, or 12-25 for every year.")
    if 0 < every < 1:
        raise errors.SpecInvalid(
            "a probe more than once a second is load.", cure="Let `monitors.uptime.every` be 1s or more; 0s: none."
        )
    return monitoring.Monitors(
        drift=monitoring.Drift(
            given.drift.action,
            given.drift.window,
            given.drift.season,
            given.drift.rows,
            given.drift.limit,
            tuple(given.drift.holidays),
            given.drift.lasting,
        ),
        quality=monitoring.Quality(given.quality.action, given.quality.window),
        performance=monitoring.Performance(given.performance.action, given.performance.drop),
        service=monitoring.Service(given.service.action),
        truth=truth,
        uptime=monitoring.Uptime(given.uptime.action, every, given.uptime.compare),
        traces=monitoring.Traces(given.traces.sample, given.traces.follow),
    )


def rows(given: monitoring.Monitors) -> list[tuple[str, str]]:
    """(key, value) as `tidegate plan` shows them."""
    every = units.duration_text(given.uptime.every_seconds) if given.uptime.every_seconds else "never"
    return [
        ("monitors.drift.action", given.drift.action),
        ("monitors.drift.window", units.duration_text(given.drift.window_seconds)),
        ("monitors.drift.season", given.drift.season),
        ("monitors.drift.rows", str(given.drift.rows)),
        ("monitors.drift.limit", units.share_text(given.drift.limit)),
        ("monitors.drift.lasting", units.share_text(given.drift.lasting) if given.drift.lasting else "not looked for"),
        ("monitors.drift.holidays", ", ".join(given.drift.holidays) or "none"),
        ("monitors.quality.action", given.quality.action),
        ("monitors.quality.window", units.duration_text(given.quality.window_seconds)),
        ("monitors.performance.action", given.performance.action),
        ("monitors.performance.drop", units.share_text(given.performance.drop)),
        ("monitors.service.action", given.service.action),
        ("monitors.uptime.action", given.uptime.action),
        ("monitors.uptime.every", every),
        ("monitors.uptime.compare", "yes" if given.uptime.compare else "no"),
        ("monitors.traces.sample", units.share_text(given.traces.sample)),
        ("monitors.traces.follow", "yes" if given.traces.follow else "no"),
    ]
