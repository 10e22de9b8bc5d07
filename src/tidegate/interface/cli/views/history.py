"""The past of an endpoint: a release takes two lines, an event one."""

from typing import Any

from rich import text

from tidegate.core.vocabulary import urls
from tidegate.interface.api import moments
from tidegate.interface.cli.views import status

Json = dict[str, Any]


def releases(history: Json) -> list[text.Text]:
    """Newest first."""
    if not history["releases"]:
        return [text.Text("nothing was released yet")]
    return [line for one in history["releases"] for line in _release(one)]


def events(history: Json) -> list[text.Text]:
    """Newest first."""
    return [event(one) for one in reversed(history["events"])]


def served(found: Json) -> list[text.Text]:
    """Who served at a moment, for how long, and why."""
    until = moments.local(found["until"]) if found["until"] else "now"
    shown = [text.Text.assemble(f"{found['endpoint']} at ", (moments.local(found["at"]), "bold"))]
    shown += [line for one in found["servers"] for line in _server(one)]
    if not found["servers"]:
        shown.append(text.Text("  nobody answered: one version was stopped before the other was started", style="yellow"))
    if found["mirror"]:
        shown.append(text.Text(f"  copies of {found['mirror']:.4g} of the requests went to the other version"))
    if found["cohort"]:
        shown.append(text.Text("  a chosen group was on the candidate, besides"))
    shown.append(text.Text(f"  so from {moments.local(found['since'])} until {until}, since:"))
    shown.append(event(found["why"]))
    if found["release"]:
        stage = f", stage {found['stage']}" if found["stage"] else ""
        shown.append(text.Text(f"  release under way then: {found['release']}, {found['phase']}{stage}", style="dim"))
    return shown


def _server(one: Json) -> list[text.Text]:
    head = text.Text.assemble("  ", (f"{one['name']:<5}", "bold"), f"{one['share'] * 100:g} %  {urls.model(one['model'])}")
    brought = one["brought"]
    if brought is None:
        return [head]
    said = f": {brought['said']}" if brought["said"] else ""
    return [
        head,
        text.Text(f"         released {moments.local(brought['at'])} by {brought['actor']}{said} ({brought['strategy']})"),
        text.Text(f"         model {one['model_digest'][:16]}, bundle {one['digest'][:16]}, {brought['release']}", style="dim"),
    ]


def _release(one: Json) -> list[text.Text]:
    phase = (one["outcome"] or one["phase"]).replace("_", " ")
    phase = "back" if (one["strategy"], one["phase"]) == ("rollback", "succeeded") else phase
    head = text.Text.assemble(
        (moments.local(one["created_at"]), "dim"),
        "  ",
        (f"{one['candidate']['name']:<5}", "bold"),
        (f"{phase:<12}", status.STYLES.get(one["phase"], "")),
        f"  {one['strategy']}  {urls.model(one['candidate']['model'])}  by {one['actor']}",
    )
    shown = [head]
    if one["reason"]:
        shown.append(text.Text(f"{'':21}{one['reason']}"))
    hurt = status.harmed(one, only_if_any=True)
    shown += [text.Text(f"{'':21}{' '.join(fact.plain.split())}", style="yellow") for fact in hurt]
    shown.append(text.Text(f"{'':21}{one['id']}", style="dim"))
    return shown


def event(one: Json) -> text.Text:
    """One event in one line."""
    moved = f"{one['phase_before']} -> {one['phase_after']}" if one["phase_before"] != one["phase_after"] else one["phase_after"]
    said = text.Text.assemble((f"{one['sequence']:>6}  {moments.local(one['at'])}  ", "dim"), f"{one['kind']:<14}")
    if moved:
        said.append(f"{moved}  ", style=status.STYLES.get(one["phase_after"], ""))
    spoken = f": {one['said']}" if one["said"] and one["said"] not in one["reason"] else ""
    said.append(f"{one['reason']}{spoken}  " if one["reason"] else f"{one['said']}  ")
    said.append(f"by {one['actor']}", style="dim")
    return said
