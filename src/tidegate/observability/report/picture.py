"""A course as SVG: the candidate's share rises from below like the tide, what is sent besides hangs above, workers stand beneath.

It stands on its own: no script, no font, nothing from outside; its colours follow the reader's light or dark. Small shares are
drawn a little larger than they are, or nobody would see them; their number stands beside them.
"""

import html
import itertools
from collections.abc import Iterator

import msgspec

from tidegate.core.decide import strategies
from tidegate.core.vocabulary import arms
from tidegate.observability.report import colours, course, drawing

COLUMN, LEFT, RIGHT = 128.0, 74.0, 18.0
LEGEND, TITLE, BAND, HIGH = 26.0, 66.0, 46.0, 150.0
ROW, LEADING, SMALL = 19.0, 14.0, 11.5
LEAST, COHORT, SHIFT = 4.0, 13.0, 15.0
"""Height of the smallest share, of a cohort's strip; half the width in which a share changes."""
MANY = 8
"""More workers than this are a number."""


class Look(msgspec.Struct, frozen=True):
    """How one picture differs from another of the same course."""

    name: str = "release"
    """Begins the ids in it: unique in the page it stands in."""
    words: str = ""
    """What it shows, for who cannot see it."""
    stable: str = "stable"
    candidate: str = "candidate"
    here: str = ""
    """Key of the column that the release is in."""
    state: str = "now"
    """What to call being there."""
    style: bool = True
    """Whether the style is in it; a page with several has `colours.style` once."""


PLAIN = Look()


class _Frame(msgspec.Struct, frozen=True):
    """Where everything is."""

    columns: tuple[course.Column, ...]
    look: Look
    top: float
    """Of the plot."""
    words: tuple[tuple[str, ...], ...]

    @property
    def bottom(self) -> float:
        return self.top + HIGH

    @property
    def width(self) -> float:
        return LEFT + COLUMN * len(self.columns) + RIGHT

    @property
    def height(self) -> float:
        return self._words_top + LEADING * max(map(len, self.words)) + 8

    @property
    def _words_top(self) -> float:
        return self.bottom + 2 * ROW + 42

    def left(self, place: int) -> float:
        return LEFT + COLUMN * place

    def middle(self, place: int) -> float:
        return self.left(place) + COLUMN / 2


def draw(drawn: course.Course, look: Look = PLAIN) -> str:
    """The SVG, on one line an element; the same text for the same arguments."""
    columns = course.columns(drawn)
    has_extra = any(one.extra is not course.Extra.NONE for one in columns)
    words = tuple(tuple(drawing.wrap(one.left_on, COLUMN - 16, SMALL)) for one in columns)
    frame = _Frame(columns, look, TITLE + (BAND if has_extra else 0) + 14, words)
    parts = [
        *_head(frame),
        *_legend(frame),
        *_grid(frame),
        *_stable(frame),
        *_candidate(frame),
        *_cohort(frame),
        *_seams(frame),
        *_extras(frame),
        *_gaps(frame),
        *_shares(frame),
        *_workers(frame),
        *_words(frame),
        *_here(frame),
    ]
    size = f"{drawing.number(frame.width)} {drawing.number(frame.height)}"
    inside = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tg" role="img" viewBox="0 0 {size}" '
        f'width="{drawing.number(frame.width)}" height="{drawing.number(frame.height)}" '
        f'aria-labelledby="{look.name}-title">\n{inside}\n</svg>\n'
    )


def _head(frame: _Frame) -> Iterator[str]:
    look = frame.look
    yield f'<title id="{look.name}-title">{html.escape(look.words or "Traffic over time")}</title>'
    if look.style:
        yield f"<style>\n{colours.style()}\n</style>"
    hatch = '<path class="{}" d="M-2 2L2 -2M0 8L8 0M6 10L10 6" stroke-width="2"/>'
    yield (
        "<defs>"
        f'<pattern id="{look.name}-hatch" width="8" height="8" patternUnits="userSpaceOnUse">{hatch.format("hatch")}</pattern>'
        f'<pattern id="{look.name}-back" width="8" height="8" patternUnits="userSpaceOnUse">{hatch.format("back")}</pattern>'
        f'<pattern id="{look.name}-gap" width="8" height="8" patternUnits="userSpaceOnUse">{hatch.format("bad")}</pattern>'
        f'<pattern id="{look.name}-own" width="7" height="7" patternUnits="userSpaceOnUse">'
        '<circle class="dot" cx="3.5" cy="3.5" r="1.6"/></pattern></defs>'
    )
    yield drawing.element("rect", class_="paper", width=frame.width, height=frame.height, rx=10)


def _legend(frame: _Frame) -> Iterator[str]:
    name, uses = frame.look.name, course.uses(frame.columns)
    marks = [(frame.look.stable, 'class="stable"'), (frame.look.candidate, 'class="candidate"')]
    fills = {"copies": f'fill="url(#{name}-hatch)"', "own requests": f'fill="url(#{name}-own)"', "cohort": 'class="cohort"'}
    fills["nobody answers"] = f'fill="url(#{name}-gap)"'
    words = {"copies": "copies, seen by no client", "own requests": "requests of our own"}
    marks += [(words.get(key, key), fills[key]) for key, used in uses.items() if used]
    x = LEFT
    for said, fill in marks:
        yield f'<rect {fill} x="{drawing.number(x)}" y="{drawing.number(LEGEND - 10)}" width="13" height="12" rx="2"/>'
        yield drawing.text(x + 18, LEGEND, said, "soft")
        x += 18 + drawing.width(said, SMALL) + 22


def _grid(frame: _Frame) -> Iterator[str]:
    right = frame.width - RIGHT
    for share, said in ((0.0, "0"), (0.5, "50%"), (1.0, "100%")):
        y = frame.bottom - share * HIGH
        yield drawing.element("line", class_="line", x1=LEFT, x2=right, y1=y, y2=y)
        yield drawing.text(LEFT - 8, y + 4, said, "tiny", text_anchor="end")
    for place, one in enumerate(frame.columns):
        yield drawing.text(frame.middle(place), TITLE, one.title, "title", text_anchor="middle")


def _seams(frame: _Frame) -> Iterator[str]:
    """Where one column ends and the next begins."""
    for place in range(1, len(frame.columns)):
        x = frame.left(place)
        yield drawing.element("line", class_="seam", x1=x, x2=x, y1=frame.top, y2=frame.bottom)


def _stable(frame: _Frame) -> Iterator[str]:
    """All that is served, whoever serves it: the candidate's area lies over it."""
    for first, last in _runs([not one.nobody for one in frame.columns]):
        x = frame.left(first)
        wide = frame.left(last + 1) - x
        yield drawing.element("rect", class_="stable", x=x, y=frame.top, width=wide, height=HIGH)


def _candidate(frame: _Frame) -> Iterator[str]:
    """Its share as an area, column by column, with a soft edge where it changes."""
    for first, last in _runs([one.candidate > 0 and not one.nobody for one in frame.columns]):
        begins = frame.left(first)
        tall = [_tall(frame.columns[place]) for place in range(first, last + 1)]
        after_gap = first > 0 and frame.columns[first - 1].nobody
        low = frame.bottom - (COHORT if first > 0 and frame.columns[first - 1].cohort else 0)
        path = [f"M{_point(begins, frame.bottom)}L{_point(begins, frame.bottom - tall[0])}"]
        if not after_gap:
            path = [f"M{_point(begins - SHIFT, frame.bottom)}L{_point(begins - SHIFT, low)}"]
            path.append(_bend(begins, low, frame.bottom - tall[0]))
        for place, (here, following) in enumerate(itertools.pairwise(tall), start=first + 1):
            path.append(f"L{_point(frame.left(place) - SHIFT, frame.bottom - here)}")
            path.append(_bend(frame.left(place), frame.bottom - here, frame.bottom - following))
        ends = frame.left(last + 1)
        if last + 1 < len(frame.columns):
            path.append(f"L{_point(ends - SHIFT, frame.bottom - tall[-1])}{_bend(ends, frame.bottom - tall[-1], frame.bottom)}Z")
        else:
            path.append(f"L{_point(ends, frame.bottom - tall[-1])}L{_point(ends, frame.bottom)}Z")
        yield drawing.element("path", class_="candidate", d="".join(path))


def _cohort(frame: _Frame) -> Iterator[str]:
    for first, last in _runs([one.cohort for one in frame.columns]):
        x, y = frame.left(first), frame.bottom - COHORT
        yield drawing.element("rect", class_="cohort", x=x, y=y, width=frame.left(last + 1) - x, height=COHORT)
        yield drawing.text(frame.middle(first), y - 6, "its cohort", "share", text_anchor="middle")


def _extras(frame: _Frame) -> Iterator[str]:
    for place, one in enumerate(frame.columns):
        if one.extra is course.Extra.NONE:
            continue
        copies = one.extra is course.Extra.COPIES
        tall = 8 + (BAND - 24) * one.extra_share / arms.BUCKETS if copies else 10.0
        kind = "own" if not copies else "back" if one.candidate == arms.BUCKETS else "hatch"
        fill = f"url(#{frame.look.name}-{kind})"
        x, y = frame.left(place) + 3, frame.top - 5 - tall
        yield drawing.element("rect", fill=fill, x=x, y=y, width=COLUMN - 6, height=tall, rx=2)
        said = f"{strategies.name(one.extra_share)} copied" if copies else f"{one.extra_share} of our own"
        yield drawing.text(frame.middle(place), y - 5, said, "soft", text_anchor="middle")


def _gaps(frame: _Frame) -> Iterator[str]:
    for place, one in enumerate(frame.columns):
        if one.nobody:
            box = {"x": frame.left(place), "y": frame.top, "width": COLUMN, "height": HIGH}
            yield drawing.element("rect", fill=f"url(#{frame.look.name}-gap)", opacity=0.35, **box)
            y = frame.top + HIGH / 2
            yield drawing.element("rect", class_="paper", x=frame.left(place) + 4, y=y - 14, width=COLUMN - 8, height=26, rx=4)
            yield drawing.text(frame.middle(place), y + 3, "nobody answers", "badly", text_anchor="middle")


def _shares(frame: _Frame) -> Iterator[str]:
    for place, one in enumerate(frame.columns):
        if not one.candidate or one.nobody:
            continue
        tall, said = _tall(one), strategies.name(one.candidate)
        inside = tall > HIGH - 24
        y = frame.bottom - tall + 18 if inside else frame.bottom - tall - 6
        yield drawing.text(frame.middle(place), y, said, "share on" if inside else "share", text_anchor="middle")


def _workers(frame: _Frame) -> Iterator[str]:
    top = frame.bottom + 14
    sides = (("candidate", frame.look.candidate), ("stable", frame.look.stable))
    for row, (side, name) in enumerate(sides):
        y = top + row * ROW
        yield drawing.text(LEFT - 8, y + 10, name, "tiny", text_anchor="end")
        for place, one in enumerate(frame.columns):
            fleet = one.candidate_up if side == "candidate" else one.stable_up
            yield from _fleet(frame.middle(place), y, fleet, side)


def _fleet(middle: float, y: float, fleet: course.Fleet, side: str) -> Iterator[str]:
    """Squares: those that stay or are up, filled; those that come or go in this column, dashed."""
    whole = fleet.up + fleet.going
    if whole > MANY:
        said = f"{fleet.up - fleet.coming}"
        said += f" + {fleet.coming}" if fleet.coming else ""
        said += f" - {fleet.going}" if fleet.going else ""
        yield drawing.text(middle, y + 10, said, "soft", text_anchor="middle")
        return
    size, gap = 10.0, 3.0
    x = middle - (whole * (size + gap) - gap) / 2
    for place in range(whole):
        steady = place < fleet.up - fleet.coming
        style = side if steady else f"hollow of-{side}"
        inset = 0.0 if steady else 0.5
        box = {"x": x + place * (size + gap) + inset, "y": y + 1 + inset, "width": size - 2 * inset, "height": size - 2 * inset}
        yield drawing.element("rect", class_=style, rx=2, **box)


def _words(frame: _Frame) -> Iterator[str]:
    top = frame.bottom + 2 * ROW + 36
    yield drawing.element("line", class_="line", x1=LEFT, x2=frame.width - RIGHT, y1=top - 18, y2=top - 18)
    yield drawing.text(LEFT - 8, top, "left on", "tiny", text_anchor="end")
    for place, said in enumerate(frame.words):
        yield drawing.lines(frame.middle(place), top, said, "soft", LEADING)


def _here(frame: _Frame) -> Iterator[str]:
    keys = [one.key for one in frame.columns]
    if frame.look.here not in keys:
        return
    place = keys.index(frame.look.here)
    x, y = frame.left(place) + 1.5, TITLE - 23
    box = {"x": x, "y": y, "width": COLUMN - 3, "height": frame.bottom - y + 4, "rx": 6}
    yield drawing.element("rect", class_="now", stroke_width=2, **box)
    wide = drawing.width(frame.look.state, 12) + 16
    middle = frame.middle(place)
    yield drawing.element("rect", class_="tag", x=middle - wide / 2, y=y - 9, width=wide, height=17, rx=8.5)
    yield drawing.text(middle, y + 3.5, frame.look.state, "tagged", text_anchor="middle")


def _tall(one: course.Column) -> float:
    """Height of the candidate's area, its cohort's strip included; what is not all is never drawn as all."""
    low = COHORT if one.cohort else 0.0
    if one.candidate >= arms.BUCKETS:
        return HIGH
    return min(max(low + LEAST, low + (HIGH - low) * one.candidate / arms.BUCKETS), HIGH - LEAST)


def _runs(held: list[bool]) -> Iterator[tuple[int, int]]:
    """First and last place of every run of true ones."""
    for true, run in itertools.groupby(enumerate(held), key=lambda one: one[1]):
        if true:
            places = [place for place, _ in run]
            yield places[0], places[-1]


def _point(x: float, y: float) -> str:
    return f"{drawing.number(x)} {drawing.number(y)}"


def _bend(x: float, before: float, after: float) -> str:
    """From one height to another around x, as an S."""
    return f"C{_point(x, before)} {_point(x, after)} {_point(x + SHIFT, after)}"
