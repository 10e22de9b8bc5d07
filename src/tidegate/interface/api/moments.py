"""Points in time as people write them, and as they are told back: always with the zone that counts."""

import datetime as dt
import re

from tidegate.core.spec import units
from tidegate.core.vocabulary import errors

_UNIX = re.compile(r"\d{9,11}(\.\d+)?")
_AGO = re.compile(r"(?:\d+(?:\.\d+)?[a-z]+)+")
_WORDS = {"w": "weeks?|w", "d": "days?", "h": "hours?|hrs?", "m": "minutes?|mins?", "s": "seconds?|secs?"}
_WEEK = re.compile(r"(\d+(?:\.\d+)?)w")
_YEAR_10000 = 253_402_300_800.0


def parse(text: str, now: float, zone: dt.tzinfo | None, where: str = "") -> float:
    """Unix seconds of 2026-03-01 (its first moment), 2026-03-01T14:30, the same with Z or +01:00, "2 days ago", 90m, or of
    Unix seconds. `zone`: where the text names none; None is this machine's own. Raises MomentInvalid naming `where`.
    """
    given = " ".join(text.split())
    if given.lower() == "now":
        return now
    if _UNIX.fullmatch(given):
        return float(given)
    lasting = _ago(given)
    if lasting is not None:
        return now - lasting
    try:
        found = dt.datetime.fromisoformat(given)
        told = found if found.tzinfo else (found.astimezone() if zone is None else found.replace(tzinfo=zone))
        seconds = told.timestamp()
    except (ValueError, OverflowError, OSError):
        seconds = -1.0
    if not 0 <= seconds < _YEAR_10000:
        raise errors.MomentInvalid(f"{text[:60]!r} is no point in time.", cure=_CURE, where=where)
    return seconds


def shown(at: float, zone: dt.tzinfo | None) -> str:
    """2026-03-01 14:30:00 +01:00, to the second."""
    there = dt.datetime.fromtimestamp(at, zone) if zone else dt.datetime.fromtimestamp(at).astimezone()
    offset = there.strftime("%z")
    return f"{there:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


_CURE = 'Write 2026-03-01, 2026-03-01T14:30+01:00, "2 days ago", 90m, or Unix seconds.'


def _ago(given: str) -> float | None:
    """Seconds of "2 days ago", "90m", "1h 30m ago"; None for what is no duration."""
    short = given.lower().removesuffix(" ago").replace(" and ", " ")
    for unit, words in _WORDS.items():
        short = re.sub(rf"(?<=\d)\s*(?:{words})(?![a-z])", unit, short)
    short = short.replace(" ", "").replace(",", "")
    if not _AGO.fullmatch(short):
        return None
    short = _WEEK.sub(lambda found: f"{float(found[1]) * 7:g}d", short)
    try:
        return sum(units.duration(part) for part in re.findall(r"\d+(?:\.\d+)?[a-z]+", short))
    except errors.SpecInvalid:
        return None
