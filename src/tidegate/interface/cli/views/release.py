"""A release in one line while it runs, and in one sentence once it has ended."""

from typing import Any

from rich import text

from tidegate.interface.cli import words
from tidegate.interface.cli.views import status

Json = dict[str, Any]
_ENDS = {
    "succeeded": ("has all traffic", "green"),
    "probation": ("has all traffic, in probation", "green"),
    "rolled_back": ("rolled back: {stable} serves {endpoint}", "bold yellow"),
    "aborted": ("aborted: {stable} serves {endpoint}", "yellow"),
    "concluded": ("done: {stable} serves {endpoint}", "green"),
    "failed": ("failed, and got no traffic", "bold red"),
    "paused": ("paused: it waits for a person", "yellow"),
    "halted": ("halted: it waits for a person", "bold red"),
    "awaiting_approval": ("waits for approval", "yellow"),
}


def line(release: Json, now: float) -> text.Text:
    """Phase, step, evidence, waiting: what matters now, left to right."""
    said = text.Text.assemble(
        (f"{release['endpoint']} {release['candidate']['name']}", "bold"),
        "  ",
        (release["phase"].replace("_", " "), status.STYLES.get(release["phase"], "")),
        f" {words.lasting(now - release['since'])}",
    )
    stage = release["stage"]
    if stage and release["stable"] and release["phase"] in {"running", "paused"}:
        said.append(f"  step {stage['index'] + 1}/{stage['of']} at {words.percent(stage['weight'])}")
    verdict = release["verdict"]
    if verdict and release["phase"] in {"running", "paused", "probation"}:
        said.append(f"  {verdict['result']}: {verdict['sentence']}")
    if release["waiting"]:
        said.append("  ")
        said.append_text(status.waiting(release["waiting"]))
    return said


def ended(release: Json) -> text.Text:
    """How it ended, why, and what it cost."""
    words_, style = _ENDS.get(release["phase"], ("{candidate} is " + release["phase"].replace("_", " "), ""))
    stable = release["stable"]["name"] if release["stable"] else "nothing"
    sentence = words_.format(candidate=release["candidate"]["name"], endpoint=release["endpoint"], stable=stable)
    said = text.Text.assemble((f"{release['endpoint']} {release['candidate']['name']} ", "bold"), (sentence, style))
    if release["reason"]:
        said.append(f". {release['reason']}")
    if release["gap_seconds"]:
        said.append(f" (nobody answered for {release['gap_seconds']:.1f} s)")
    elif release["rollback_seconds"]:
        said.append(f" (traffic was back after {release['rollback_seconds']:.2f} s)")
    for fact in status.harmed(release, only_if_any=True):
        said.append(f"\n{fact.plain}")
    return said
