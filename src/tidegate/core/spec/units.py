"""Values with units, as people write them: durations, shares, sizes. Reading raises SpecInvalid; writing never fails."""

import re

from tidegate.core.vocabulary import errors

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)")

LONGEST = 366 * 86_400.0
"""Seconds: no setting means to wait for longer."""
LARGEST = 1e12
"""A posted value beyond it would leave nothing of the digits of others in a sum of squares."""


def duration(value: object, longest: float = LONGEST) -> float:
    """Seconds of "30s", "500ms", "1h30m" or 0. Raises SpecInvalid for anything else, a bare number included."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    if not isinstance(value, str) or not _DURATION.fullmatch(value.replace(" ", "")):
        raise errors.SpecInvalid(
            f"{_shown(value)} is not a duration.", cure='Write a number and a unit: "500ms", "30s", "5m", "2h", "7d".'
        )
    parts = _DURATION_PART.findall(value.replace(" ", ""))
    seconds = round(sum(float(number) * _SECONDS[unit] for number, unit in parts), 3)
    if seconds > longest:
        said = "a year" if longest == LONGEST else duration_text(longest)
        raise errors.SpecInvalid(f"{_shown(value)} is longer than {said}.", cure="Write a shorter duration.")
    return seconds


def share(value: object) -> float:
    """0 to 1 of "5%", "0.1%" or a number below 1. Raises SpecInvalid; a bare 5 could be meant both ways, so it is refused."""
    if isinstance(value, str) and (found := _SHARE.fullmatch(value.strip())):
        number = float(found[1])
        if number <= 100:
            return round(number / 100, 12)
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    raise errors.SpecInvalid(
        f"{_shown(value)} is not a share.", cure='Write a percentage from 0% to 100%, such as "5%" or "0.1%".'
    )


def size(value: object) -> int:
    """Bytes of "4MiB", "500kB" or a whole number of bytes. Raises SpecInvalid."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        return round(float(found[1]) * _BYTES[found[2].replace("KB", "kB")])
    raise errors.SpecInvalid(f"{_shown(value)} is not a size.", cure='Write a number and a unit: "500kB", "4MiB", "1GiB".')


def duration_text(seconds: float) -> str:
    """As `duration` reads it: 5400 -> "1h30m", 0.25 -> "250ms"."""
    left = round(seconds * 1_000)
    parts: list[str] = []
    for unit, step in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        number, left = divmod(left, step)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def share_text(part: float) -> str:
    """As `share` reads it: 0.05 -> "5%"."""
    return f"{round(part * 100, 10):.10f}".rstrip("0").rstrip(".") + "%"


def size_text(number: int) -> str:
    """As `size` reads it, in the largest unit that divides it: 4194304 -> "4MiB"."""
    for unit in ("GiB", "GB", "MiB", "MB", "KiB", "kB"):
        if number and number % _BYTES[unit] == 0:
            return f"{number // _BYTES[unit]}{unit}"
    return f"{number}B"


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
