"""Points in time as people write them, and as they are told back."""

import datetime as dt
import re

from tidegate.core.vocabulary import errors, instants

_UNIX = re.compile(r"\d{9,11}(\.\d+)?")
_AGO = re.compile(r"(?:\d+(?:\.\d+)?[wdhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([wdhms])")
_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_WORDS = {"w": "weeks?|w", "d": "days?", "h": "hours?|hrs?", "m": "minutes?|mins?", "s": "seconds?|secs?"}
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
    seconds = _dated(given, zone) if lasting is None else now - lasting
    if not 0 <= seconds < _YEAR_10000:
        raise errors.MomentInvalid(f"{text[:60]!r} is no point in time.", cure=_CURE, where=where)
    return seconds


def span(texts: tuple[str, str], now: float, zone: dt.tzinfo | None, where: tuple[str, str]) -> tuple[float, float]:
    """Unix seconds of a beginning and an end. Raises MomentInvalid, and SpecInvalid for a time that ends before it begins."""
    begins, ends = (parse(text, now, zone, name) for text, name in zip(texts, where, strict=True))
    if begins >= ends:
        raise errors.SpecInvalid("the time ends before it begins.", where=where[0], cure="The earlier one comes first.")
    return begins, ends


def shown(at: float, zone: dt.tzinfo | None) -> str:
    """2026-03-01 14:30:00 +01:00, to the second."""
    known = instants.sane(at)
    there = dt.datetime.fromtimestamp(known, zone) if zone else dt.datetime.fromtimestamp(known).astimezone()
    offset = there.strftime("%z")
    return f"{there:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def local(at: float) -> str:
    """2026-03-01 14:30:00, by this machine's zone, for who sits at it."""
    return dt.datetime.fromtimestamp(instants.sane(at)).astimezone().strftime("%Y-%m-%d %H:%M:%S")


_CURE = 'Write 2026-03-01, 2026-03-01T14:30+01:00, "2 days ago", 90m, or Unix seconds.'


def _dated(given: str, zone: dt.tzinfo | None) -> float:
    """Unix seconds of a date, with a time or without; -1 for what is none."""
    try:
        found = dt.datetime.fromisoformat(given)
        told = found if found.tzinfo else (found.astimezone() if zone is None else found.replace(tzinfo=zone))
        return told.timestamp()
    except (ValueError, OverflowError, OSError):
        return -1.0


def _ago(given: str) -> float | None:
    """Seconds of "2 days ago", "90m", "1h 30m ago"; None for what is no duration."""
    short = given.lower().removesuffix(" ago").replace(" and ", " ")
    for unit, words in _WORDS.items():
        short = re.sub(rf"(?<=\d)\s*(?:{words})(?![a-z])", unit, short)
    short = short.replace(" ", "").replace(",", "")
    if not _AGO.fullmatch(short):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(short))
