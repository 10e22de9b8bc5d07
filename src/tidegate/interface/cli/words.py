"""Numbers and times as people at a terminal say them, beside `core.vocabulary.amounts`."""


def lasting(seconds: float) -> str:
    """3 s, 4 min, 2 h, 5 days."""
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def ago(then: float, now: float) -> str:
    """4 min ago."""
    return "just now" if now - then < 1.5 else f"{lasting(now - then)} ago"


def percent(weight: int, whole: int = 10_000) -> str:
    """A weight in buckets of 10,000: 5 %, 0.1 %."""
    return f"{weight / whole * 100:g} %"


def count(number: int, noun: str) -> str:
    """1 worker, 2 workers, 1,200 requests."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def reason(failed: Exception) -> str:
    """Why a file could not be read, without the path that is said beside it."""
    if isinstance(failed, UnicodeDecodeError):
        return f"it is no text in UTF-8 (byte {failed.start:,})"
    return getattr(failed, "strerror", None) or str(failed)
