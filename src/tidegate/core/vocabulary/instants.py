"""Points in time as programs write them: Unix times in whatever unit, ISO 8601. What people type is `interface.api.moments`'s."""

import datetime as dt
import math
from typing import Any

SKEW_NS = 300 * 10**9
"""How far ahead of ours a clock may be before its times are not believed."""
LAST_NS = 2**63 - 1
"""The last nanosecond that columns hold: in the year 2262."""
LAST = 253_402_214_400.0
"""The last day that calendars have, whatever the zone: 9999-12-31, in Unix seconds."""
_UNITS = ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3), (9.2e18, 1))
"""(below, nanoseconds of one): a number of this size counts seconds, milliseconds, microseconds, nanoseconds."""


def parse(value: Any) -> int | None:
    """Unix nanoseconds of a number (seconds to nanoseconds, by its size) or of ISO 8601 (UTC where it names no zone).

    None for what is no point in time, or one before 1970 or after 2262; `wrong` says which.
    """
    found = _parsed(value)
    return found if found is not None and 0 <= found <= LAST_NS else None


def wrong(value: Any) -> str:
    """What is wrong with a value that `parse` does not take, as the end of a sentence about it."""
    found = _parsed(value)
    if found is None:
        return "is neither ISO 8601 nor a Unix time"
    return "lies before 1970" if found < 0 else "lies after 2262"


def sane(at: float) -> float:
    """The same Unix seconds where calendars have them, else the nearest that they have: what is shown must not fail on it."""
    return min(max(at, 0.0), LAST) if not math.isnan(at) else 0.0


def passed(since: float, now: float, seconds: float) -> bool:
    """Whether so many seconds have passed since a time; also where that is yet to come: the clock was set back."""
    return not since <= now < since + seconds


def shown(at_ns: int) -> str:
    """2026-03-01T14:30:00Z, to the second."""
    return f"{dt.datetime.fromtimestamp(at_ns // 10**9, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def exact(at: float) -> str:
    """2026-03-01T14:30:00.250+00:00, to the millisecond, of Unix seconds."""
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds")


def _parsed(value: Any) -> int | None:
    """The same, however far away it is; None for what is no point in time."""
    if isinstance(value, dt.datetime):
        value = value.isoformat()
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _dated(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    for below, unit in _UNITS:
        if abs(value) < below:
            return value * unit if isinstance(value, int) else round(value * unit)
    return None


def _dated(text: str) -> int | None:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    told = found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    since = told - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000
