"""Charts over time and of values, as SVG that stands in a page: no script, the page's colours, words for who cannot see.

`.v0` to `.v5` are versions, `.was` what was before, `.bad` what went wrong; the page has their colours (`document`).
"""

import datetime as dt
import html
import math
from collections.abc import Iterator, Sequence

import msgspec

from tidegate.core.vocabulary import amounts
from tidegate.observability.report import drawing

WIDE, LEFT, RIGHT, TOP, BOTTOM = 860.0, 62.0, 14.0, 10.0, 26.0
HIGH, ROW = 170.0, 22.0
STEPS = (900, 3_600, 3 * 3_600, 6 * 3_600, 86_400, 2 * 86_400, 7 * 86_400, 28 * 86_400)
"""Seconds between two labels of a time axis."""
MOST_LABELS = 9
COLOURS = 6
"""Versions that are told apart by colour."""


class Axis(msgspec.Struct, frozen=True):
    """A stretch of time, in Unix seconds."""

    since: float
    until: float

    def x(self, at: float) -> float:
        """Where a moment is."""
        part = (at - self.since) / (self.until - self.since)
        return LEFT + (WIDE - LEFT - RIGHT) * min(1.0, max(0.0, part))


class Series(msgspec.Struct, frozen=True):
    """Values by slot of time."""

    name: str
    style: str
    """Class of its colour."""
    values: tuple[float, ...]
    """NaN: nothing is known of that slot."""


class Span(msgspec.Struct, frozen=True):
    """Something that lasted."""

    row: str
    since: float
    until: float
    style: str
    words: str


def stack(axis: Axis, width: float, series: Sequence[Series], words: str) -> str:
    """Columns on one another, a slot of `width` seconds each."""
    sums = [sum(column) for column in zip(*(one.values for one in series), strict=True)]
    top = _nice(max(sums, default=0.0))
    parts = [*_grid(axis, top, HIGH, _count)]
    below = [0.0] * len(sums)
    for one in series:
        for slot, value in enumerate(one.values):
            if value:
                left = axis.x(axis.since + slot * width)
                right = axis.x(axis.since + (slot + 1) * width)
                high = HIGH * value / top
                y = TOP + HIGH - HIGH * below[slot] / top - high
                box = {"x": left + 0.5, "y": y, "width": max(0.5, right - left - 1), "height": high}
                parts.append(drawing.element("rect", class_=one.style, **box))
                below[slot] += value
    return _svg(HIGH, parts, words)


def lines(axis: Axis, width: float, series: Sequence[Series], words: str, unit: str = "") -> str:
    """A line each; where nothing is known there is none. `unit`: % or s."""
    known = [value for one in series for value in one.values if math.isfinite(value)]
    top = _nice(max(known, default=0.0))
    say = amounts.percent if unit == "%" else amounts.latency if unit == "s" else _count
    parts = [*_grid(axis, top, HIGH, say)]
    for one in series:
        for run in _runs(one.values):
            points = [
                f"{drawing.number(axis.x(axis.since + (slot + 0.5) * width))} {drawing.number(TOP + HIGH * (1 - value / top))}"
                for slot, value in run
            ]
            if len(points) == 1:
                x, y = points[0].split()
                parts.append(f'<circle class="{one.style} dot" cx="{x}" cy="{y}" r="2.5"/>')
            else:
                parts.append(drawing.element("path", class_=f"{one.style} curve", d="M" + "L".join(points)))
    return _svg(HIGH, parts, words)


def strip(axis: Axis, spans: Sequence[Span], words: str) -> str:
    """What lasted how long, a row for each kind of thing."""
    rows = list(dict.fromkeys(one.row for one in spans))
    high = ROW * len(rows)
    parts = [*_times(axis, high)]
    for number, name in enumerate(rows):
        y = TOP + number * ROW
        parts.append(drawing.text(LEFT - 8, y + 14, _short(name), "tiny", text_anchor="end"))
        for one in (span for span in spans if span.row == name):
            left, right = axis.x(one.since), axis.x(one.until)
            title = f"<title>{html.escape(one.words)}</title>"
            box = {"x": left, "y": y + 3, "width": max(3.0, right - left), "height": ROW - 8, "rx": 2}
            parts.append(drawing.element("rect", title, class_=one.style, **box))
    return _svg(high, parts, words)


def twin(labels: Sequence[str], shares: tuple[Sequence[float], Sequence[float]], words: str) -> str:
    """Two distributions over the same bins: what was, filled; what is now, as columns before it. `shares`: (now, was)."""
    now, was = shares
    wide, high, foot = 400.0, 110.0, 26.0
    top = max((*now, *was), default=0.0) or 1.0
    step = wide / max(1, len(now))
    parts = [drawing.element("line", class_="axis", x1=0, x2=wide, y1=high, y2=high)]
    for place, (here, before) in enumerate(zip(now, was, strict=True)):
        x = place * step
        if before:
            tall = high * before / top
            parts.append(drawing.element("rect", class_="was", x=x + 0.5, y=high - tall, width=step - 1, height=tall))
        if here:
            tall = high * here / top
            parts.append(drawing.element("rect", class_="v0", x=x + step * 0.28, y=high - tall, width=step * 0.44, height=tall))
    for place, said in _kept(labels, step):
        middle = place * step + step / 2
        anchor = "start" if place == 0 else "end" if place == len(labels) - 1 and len(labels) > 3 else "middle"
        x = 0.0 if anchor == "start" else wide if anchor == "end" else middle
        parts.append(drawing.text(x, high + 15, said, "tiny", text_anchor=anchor))
    return _framed(wide, high + foot - 6, parts, words)


def colour(place: int) -> str:
    """The class of the n-th version told apart."""
    return f"v{min(place, COLOURS - 1)}"


def _svg(high: float, parts: Sequence[str], words: str) -> str:
    return _framed(WIDE, TOP + high + BOTTOM, parts, words)


def _framed(wide: float, high: float, parts: Sequence[str], words: str) -> str:
    size = f"{drawing.number(wide)} {drawing.number(high)}"
    label = html.escape(words, quote=True)
    inside = "\n".join(parts)
    return f'<svg class="chart" role="img" viewBox="0 0 {size}" aria-label="{label}">\n<title>{label}</title>\n{inside}\n</svg>'


def _grid(axis: Axis, top: float, high: float, say: object) -> Iterator[str]:
    assert callable(say)
    for part in (0.0, 0.5, 1.0):
        y = TOP + high * (1 - part)
        yield drawing.element("line", class_="axis", x1=LEFT, x2=WIDE - RIGHT, y1=y, y2=y)
        yield drawing.text(LEFT - 8, y + 4, say(top * part), "tiny", text_anchor="end")
    yield from _times(axis, high)


def _times(axis: Axis, high: float) -> Iterator[str]:
    long = axis.until - axis.since
    step = next((one for one in STEPS if long / one <= MOST_LABELS), STEPS[-1])
    at = math.ceil(axis.since / step) * step
    while at <= axis.until:
        x = axis.x(at)
        yield drawing.element("line", class_="axis", x1=x, x2=x, y1=TOP, y2=TOP + high)
        if LEFT + 12 < x < WIDE - RIGHT - 12:
            moment = dt.datetime.fromtimestamp(at, dt.UTC)
            said = moment.strftime("%d %b" if step >= 86_400 else "%H:%M" if moment.hour or moment.minute else "%d %b")
            yield drawing.text(x, TOP + high + 16, said, "tiny", text_anchor="middle")
        at += step


def _runs(values: Sequence[float]) -> Iterator[list[tuple[int, float]]]:
    """Stretches of values that are known, as (slot, value)."""
    run: list[tuple[int, float]] = []
    for slot, value in enumerate(values):
        if math.isfinite(value):
            run.append((slot, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _kept(labels: Sequence[str], step: float) -> Iterator[tuple[int, str]]:
    """Labels with room for each: the first, the last, and some between them."""
    room = max((drawing.width(one, 10.5) for one in labels if one), default=0.0) + 14
    every = max(1, math.ceil(room / step)) if step else 1
    last = len(labels) - 1
    for place, said in enumerate(labels):
        if said and (place == last or (place % every == 0 and last - place >= every * 0.9)):
            yield place, said


def _nice(most: float) -> float:
    """The top of an axis: 1, 2, 4, 5 or 10 times a power of ten."""
    if most <= 0 or not math.isfinite(most):
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 4, 5, 10) if most <= step * power * (1 + 1e-9))


def _count(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


def _short(name: str) -> str:
    return name if len(name) <= 10 else f"{name[:9]}…"
