"""The reasons of an answer in plain words, as those are told who were turned down by it. Pure.

Reasons are contributions, the largest first; with each stands what the answer would have been with the typical value and all else
as it was, which the model was asked.
"""

from typing import Any

from tidegate.core.vocabulary import amounts, explanations

MOST = 4
"""Reasons that are told, unless asked for more: what notices of adverse action give at most as a rule."""
_SMALL = 0.005
"""Of all contributions together: below this a reason is none."""


def said(one: explanations.Explanation, most: int = MOST, *, adverse: bool = False) -> str:
    """A sentence or two. `adverse`: only what took the answer the way that it went from the typical one."""
    found = one.explained
    lower = found.score < found.base
    whole = sum(abs(each.contribution) for each in found.contributions)
    chosen = [
        each
        for each in found.contributions
        if abs(each.contribution) > _SMALL * whole and (not adverse or (each.contribution < 0) == lower)
    ][:most]
    if not chosen:
        return f"Nothing sets this case apart: {found.subject} is {amounts.figure(found.score)}, as in typical cases."
    head = ""
    if adverse:
        way = "lower" if lower else "higher"
        typical = f"{way} than in typical cases ({amounts.figure(found.base)})"
        head = f"{_capital(found.subject)} is {amounts.figure(found.score)}, {typical}. "
    reasons = [_reason(each, found, whole, first=not place) for place, each in enumerate(chosen)]
    noun = "The main reason was" if len(reasons) == 1 else "The main reasons were"
    return f"{head}{noun}: {'; '.join(reasons)}."


def _reason(one: explanations.Contribution, found: explanations.Explained, whole: float, *, first: bool) -> str:
    """`whole`: all contributions together, without their signs."""
    subject = found.subject if first else "it"
    verb = "lowers" if one.contribution < 0 else "raises"
    compared = " compared with a typical case" if first else ""
    words = f"{one.name} ({value(one.value)}) {verb} {subject} by {amounts.figure(abs(one.contribution))}{compared}"
    if one.instead is None or value(one.typical) == value(one.value):
        return words
    if abs(one.instead - found.score) <= _SMALL * whole:
        return f"{words} (not by itself: with {value(one.typical)}, as is typical, and all else as it is, it would stay)"
    return f"{words} (with {value(one.typical)}, as is typical, it would be {amounts.figure(one.instead)})"


def value(given: Any) -> str:
    """A value of an input as people write it."""
    if given is None:
        return "missing"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float) and abs(given) < 1e15:
        whole = given == int(given)
        return f"{int(given):,}" if whole else f"{given:,.2f}" if abs(given) >= 1_000 else f"{given:.4g}"
    if isinstance(given, float):
        return f"{given:.4g}"
    return str(given)[:80]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
