"""Moments as people write them: how long ago, or a date and time."""

import datetime as dt

from tidegate.core.spec import units
from tidegate.core.vocabulary import errors


def moment(text: str, now: float, option: str) -> float:
    """Unix seconds of "2h" (so long before `now`), "now", or an ISO date and time, local where it names no zone.

    Raises SpecInvalid naming the option.
    """
    if text == "now":
        return now
    try:
        return now - units.duration(text)
    except errors.SpecInvalid:
        pass
    try:
        return dt.datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError) as strange:
        raise errors.SpecInvalid(
            f"{text!r} is no time.", cure='Write how long ago ("2h"), or a date and time ("2026-03-01T14:00").', where=option
        ) from strange
