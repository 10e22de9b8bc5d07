"""Alarms: what is wrong in the first line of each, then what is known of it, a fact a line."""

from collections.abc import Iterator
from typing import Any

from rich import text

from tidegate.interface.api import moments
from tidegate.interface.cli import words

Json = dict[str, Any]
EXAMPLES = 5
"""Predictions that are named at most."""
_STYLES = {"critical": "bold red", "warning": "yellow", "info": ""}
_LABEL = 11


def lines(found: list[Json], now: float) -> list[text.Text]:
    """All of them, as they come."""
    if not found:
        return [text.Text("nothing is wrong")]
    shown: list[text.Text] = []
    for one in found:
        shown += [*([text.Text("")] if shown else []), *_alarm(one, now)]
    return shown


def name(one: Json) -> str:
    """What `tidegate ack` takes: drift, drift:age."""
    return f"{one['kind']}:{one['subject']}" if one["subject"] else str(one["kind"])


def _alarm(one: Json, now: float) -> Iterator[text.Text]:
    whose, over = one["endpoint"] or "-", one["ended_at"]
    style = "dim" if over else _STYLES.get(one["severity"], "")
    yield text.Text.assemble(
        (f"{whose} {name(one)}", "bold"), "  ", ("over" if over else one["severity"], style), f"  {one['words']}"
    )
    until = f" until {moments.local(over)}" if over else f", {words.ago(one['since'], now)}"
    often = f"; came {one['times']} times" if one["times"] > 1 else ""
    quiet = f", quiet for {words.lasting(now - one['quiet_since'])}" if one["quiet_since"] and not over else ""
    yield _line("since", f"{moments.local(one['since'])}{until}{often}{quiet}")
    for moved in one["moved"]:
        yield _line("moved", moved)
    if one["examples"]:
        more = len(one["examples"]) - EXAMPLES
        yield _line("predictions", ", ".join(one["examples"][:EXAMPLES]) + (f" and {more} more" if more > 0 else ""))
    if one["action"] != "notify" and not one["deeds"]:
        yield _line("does", one["action"])
    for deed in one["deeds"]:
        yield _line("done", f"{moments.local(deed['at'])} {deed['words']}")
    yield from _people(one, now)
    if not over:
        following = one["next"] or f"tidegate status {one['endpoint']}"
        yield _line("next", f"`{following.strip('` ')}`{_ack(one)}")


def _people(one: Json, now: float) -> Iterator[text.Text]:
    has, snoozed = one["acknowledged"], one["snoozed"]
    if has:
        why = f": {has['reason']}" if has["reason"] else ""
        yield _line(
            "has it", f"{has['actor']}, since {moments.local(has['at'])}{why}{'; releases go on' if has['go_on'] else ''}"
        )
    if snoozed and snoozed["until"] > now and not one["ended_at"]:
        why = f": {snoozed['reason']}" if snoozed["reason"] else ""
        yield _line("silent", f"until {moments.local(snoozed['until'])}, by {snoozed['actor']}{why}")


def _ack(one: Json) -> str:
    return "" if one["acknowledged"] else f'; `tidegate ack {one["endpoint"] or "-"} {name(one)} --reason "..."`'


def _line(label: str, said: str) -> text.Text:
    return text.Text.assemble((f"  {label:<{_LABEL}}  ", "dim"), said)
