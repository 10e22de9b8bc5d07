"""The page as HTML: templates in, escaped text out. A part for each endpoint and one for the whole; what changes goes alone."""

import functools
import hashlib
import math
import time
from collections.abc import Callable
from typing import Any

import jinja2

from tidegate.core.decide import sentences, strategies
from tidegate.core.vocabulary import amounts, phases
from tidegate.interface.api import board, judged, moments, troubles
from tidegate.observability.report import colours, course, markup, picture

TOP = "top"
"""Id of the part that is about the whole; an endpoint's is `endpoint-NAME`."""
Parts = dict[str, str]
"""HTML by id, in the order of the page."""
_STATES = {
    phases.Phase.PAUSED: "paused",
    phases.Phase.HALTED: "halted",
    phases.Phase.ROLLING_BACK: "going back",
    phases.Phase.WARMING: "loading",
    phases.Phase.AWAITING_APPROVAL: "approval",
}
_MARKS = {
    "succeeded": "good",
    "probation": "good",
    "concluded": "good",
    "paused": "care",
    "rolled_back": "care",
    "aborted": "care",
}
_MARKS |= {"awaiting_approval": "care", "halted": "bad", "rolling_back": "bad", "failed": "bad"}
_VERDICTS = {"pass": "good", "fail": "bad", "unsure": "plain", "error": "care"}


def card(one: board.Shown, now: float) -> str:
    """The part of one endpoint."""
    return _environment().get_template("card.html").render(one=one, endpoint=one.endpoint, told=one.endpoint.release, now=now)


def top(seen: board.Board) -> str:
    """The part about the whole: what is wrong first, then who is waited for."""
    wrong = list(troubles.lines(seen.status.model_dump()))
    return _environment().get_template("top.html").render(seen=seen, wrong=wrong, waited=waited(seen))


def page(parts: Parts, *, nonce: str, environment: str) -> str:
    """The whole document. It reads without a script; the one in it, allowed by `nonce`, keeps the parts current."""
    shown = {"nonce": nonce, "environment": environment, "seen": digest(parts), "colours": colours, "style": colours.style()}
    return _environment().get_template("page.html").render(parts=parts, **shown)


def closed(words: str, *, nonce: str) -> str:
    """What somebody sees who may see nothing: how to come in."""
    return _environment().get_template("closed.html").render(words=words, nonce=nonce, colours=colours)


def waited(seen: board.Board) -> list[board.Shown]:
    """Endpoints whose release waits for a person."""
    return [one for one in seen.shown if one.endpoint.release and not one.endpoint.release.ended and _of_person(one)]


def identity(endpoint: str) -> str:
    """Id of an endpoint's part."""
    return f"endpoint-{endpoint}"


def digest(parts: Parts) -> str:
    """The same for the same page."""
    sealed = hashlib.sha256()
    for name, html in parts.items():
        sealed.update(f"{name}\0{html}\0".encode())
    return sealed.hexdigest()[:16]


def _of_person(one: board.Shown) -> bool:
    waiting = one.endpoint.release.waiting if one.endpoint.release else None
    return waiting is not None and waiting.who in {"operator", "approver"}


def _drawn(one: board.Shown) -> str:
    """The picture of a release under way; empty for an endpoint's first, whose strategy is skipped."""
    release = one.release
    if release is None or release.stable is None or not one.under_way:
        return ""
    look = picture.Look(
        name=f"picture-{release.endpoint}",
        words=f"{release.endpoint}: {release.strategy}, {release.phase}",
        stable=release.stable.name,
        candidate=release.candidate.name,
        here=course.here(release),
        state=_STATES.get(release.phase, "now"),
        style=False,
    )
    return picture.draw(course.of(release), look)


def _missing(one: board.Shown) -> str:
    """Which approvals a release still waits for."""
    asked = one.release.approval if one.release else None
    if asked is None or one.release is None or one.release.phase is not phases.Phase.AWAITING_APPROVAL:
        return ""
    count = one.endpoint.release.approvals_wanted if one.endpoint.release else 0
    whose = f" of {', '.join(asked.by)}" if asked.by else ""
    return f"{count} more {'approval' if count == 1 else 'approvals'}{whose}"


def _ago(then: float, now: float) -> str:
    return "just now" if now - then < 2 else f"{amounts.span(now - then)} ago"


def _difference(one: judged.Effect) -> str:
    low, high = one.interval
    interval = (-math.inf if low is None else low, math.inf if high is None else high)
    return sentences.difference(one.difference, interval, one.relative)


def _until(at: float) -> str:
    """A moment to come, where there is one."""
    return f"until {moments.local(at)}" if at > time.time() else ""


@functools.cache
def _environment() -> jinja2.Environment:
    filters: dict[str, Callable[..., Any]] = {
        "span": amounts.span,
        "percent": strategies.name,
        "rate": amounts.rate,
        "moment": moments.local,
        "until": _until,
        "drawn": _drawn,
        "missing": _missing,
        "difference": _difference,
        "identity": identity,
        "spaced": lambda word: word.replace("_", " "),
        "marked": lambda word: _MARKS.get(word, "plain"),
        "judged": lambda word: _VERDICTS.get(word, "plain"),
    }
    made = markup.environment("tidegate.interface.api", filters)
    made.globals["ago"] = _ago
    return made
