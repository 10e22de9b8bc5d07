"""What has moved, in words: a line a column, for alarms and for people."""

import datetime as dt
import functools

from tidegate.core.vocabulary import amounts
from tidegate.observability.drift import drifting

_percent = functools.partial(amounts.percent, digits=2)


def line(one: drifting.Column, effect: drifting.Weighed, since: int) -> str:
    """By how much, at least how much, what it was, since when."""
    return f"{one.name}: {said(one, effect)}; since {moment(since)}"


def said(one: drifting.Column, effect: drifting.Weighed) -> str:
    """By how much, at least how much, and what it was."""
    return _SAID[effect.name](one, effect)


def moment(at: float) -> str:
    """2026-03-01 14:00 UTC."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def stamp(at: float) -> str:
    """The same as commands take it: 2026-03-01T14:00Z."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%MZ")


def _distribution(one: drifting.Column, effect: drifting.Weighed) -> str:
    return f"{_mean(one)}{_percent(effect.size)} of its distribution is elsewhere, at least {_percent(effect.low)}"


def _mean(one: drifting.Column) -> str:
    seen, known = one.numbers
    if seen is None or known is None:
        return ""
    told = f"mean {_figure(seen.mean)}, was {_figure(known.mean)}"
    if known.mean <= 0 or seen.mean <= 0 or abs(seen.mean / known.mean - 1) < 0.005:
        return f"{told}: "
    change = seen.mean / known.mean - 1
    return f"{told} ({_percent(abs(change))} {'above' if change > 0 else 'below'}): "


def _values(_: drifting.Column, effect: drifting.Weighed) -> str:
    return f"{_percent(effect.size)} of its values are others, at least {_percent(effect.low)}"


def _tail(one: drifting.Column, effect: drifting.Weighed) -> str:
    return f"{_mean(one)}{effect.size:.2g} times as many at one end of it, at least {effect.low:.2g} times"


def _nulls(one: drifting.Column, effect: drifting.Weighed) -> str:
    return f"{_percent(one.nulls[0])} missing, was {_percent(one.nulls[1])}, at least {_points(effect.low)} more"


def _new(one: drifting.Column, effect: drifting.Weighed) -> str:
    what = "out of its range" if one.numbers[1] else "never seen before"
    return f"{_percent(effect.size)} more are {what}, at least {_points(effect.low)}"


def _broken(_: drifting.Column, effect: drifting.Weighed) -> str:
    return f"{_percent(effect.size)} more are no value of its type, at least {_points(effect.low)}"


def _same(_: drifting.Column, __: drifting.Weighed) -> str:
    return "it is always the same value, which it was not"


_SAID = {
    "ks": _distribution,
    "tv": _values,
    "tail": _tail,
    "nulls": _nulls,
    "new": _new,
    "broken": _broken,
    "same": _same,
}


def _points(share: float) -> str:
    return f"{amounts.figure(100 * share, 2)} points"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if 1_000 <= abs(number) < 1e15 else f"{number:.3g}"
