"""Commands: control must live; submit; wait for its answer; raise what it refused with."""

import time
from typing import Any

from tidegate.control.store import commands
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import codes, errors, home, instances, tokens
from tidegate.interface.api import answers, asked, scopes, shelf

PATIENCE_SECONDS = 20.0
"""How long an answer is waited for. Control answers within a tick or two; it may be busy with another's."""
REVIVAL_SECONDS = 4.0
"""Control that died is started again by the keeper well within this."""
LOOK_SECONDS = 0.03
VERBS = ("promote", "pause", "resume", "abort", "retry", "rollback", "approve", "reject", "hold", "unhold", "rehearse")


def control_lives(place: home.Home) -> bool:
    """Whether a control process holds its lock: the one that decides, or one that stands by and will."""
    return any(instances.holder(place.instances, path.stem) for path in place.instances.glob("control*.lock"))


def carry_out(
    books: shelf.Shelf, kind: str, body: asked.Asked, holder: tokens.Token, payload: dict[str, Any], *, endpoint: str = ""
) -> answers.Done:
    """Have control carry out what the holder of a token asks for, and answer as it did.

    Raises what control refused with, ControlDown when it is not there or does not answer, StoreUnavailable.
    """
    _await_control(books.home)
    store = books.store()
    actor = scopes.actor(holder, body)
    command = commands.Command(books.environment, endpoint, kind, payload, actor, body.reason, time.time())
    identifier = store.submit(command)
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        answered = store.command(identifier)
        if answered is not None and answered.status != commands.PENDING:
            return _done(store, answered)
        time.sleep(LOOK_SECONDS)
    # Taken back, lest it is carried out once nobody expects it any more, perhaps after it was done in another way.
    answered = store.withdraw(identifier)
    if answered.status != commands.WITHDRAWN:
        return _done(store, answered)
    raise errors.ControlDown(
        f"control did not answer within {PATIENCE_SECONDS:g} s; the command was taken back, nothing came of it.",
        cure="`tidegate status` says how control is.",
    )


def _await_control(place: home.Home) -> None:
    until = time.monotonic() + REVIVAL_SECONDS
    while not control_lives(place):
        if time.monotonic() > until:
            raise errors.ControlDown()
        time.sleep(LOOK_SECONDS)


def _done(store: stores.Store, command: commands.Command) -> answers.Done:
    result: dict[str, Any] = command.result
    if command.status == commands.REFUSED or "error" in result:
        raise codes.by_code(str(result.get("code", "")))(str(result.get("error", "")))
    identifier = str(result.get("release", ""))
    candidate = store.release(identifier).candidate if identifier else None
    return answers.Done(
        release=identifier,
        phase=str(result.get("phase", "")),
        reason=str(result.get("reason", "")),
        version=candidate.name if candidate else "",
        digest=candidate.digest if candidate else "",
    )
