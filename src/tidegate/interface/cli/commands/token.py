"""`tidegate token create | list | revoke`."""

from typing import Annotated, Any

import typer
from rich import table

from tidegate.core.vocabulary import errors, tokens
from tidegate.interface.api import client, moments
from tidegate.interface.cli import options, reaching, screen

ACTIONS = ("create", "list", "revoke")


def token(
    action: Annotated[str, typer.Argument(help="create, list or revoke.", show_default=False)],
    name: Annotated[
        str, typer.Argument(help="Whose token it is: what logs, limits and the event log call it.", show_default=False)
    ] = "",
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help=f"What it is good for, again for each: {', '.join(tokens.SCOPES)}.", show_default=False),
    ] = None,
    endpoint: Annotated[
        list[str] | None, typer.Option("--endpoint", help="Good for this endpoint only; again for each.", show_default=False)
    ] = None,
    rate: Annotated[float, typer.Option("--rate", help="Predictions a second; 0: the endpoint's own limit.", min=0)] = 0.0,
    daily: Annotated[int, typer.Option("--daily", help="Predictions a day (UTC); 0: the endpoint's own limit.", min=0)] = 0,
    reason: options.Reason = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Make a token, which is shown this once; list those there are; or revoke one, which then means nothing within a second."""
    if action not in ACTIONS or (action == "list") == bool(name):
        raise errors.BodyMalformed(
            "write create NAME, list or revoke NAME.", cure="tidegate token create shop --scope predict --scope feedback"
        )
    with client.Client(options.place(home)) as api:
        if action == "list":
            _list(api.tokens(), as_json)
        elif action == "revoke":
            api.revoke_token(name, reason=reason, actor=reaching.actor())
            _said(f"{name} is revoked", {"revoked": name}, as_json)
        else:
            limits = {"scopes": scope or [], "endpoints": endpoint or [], "rate": rate, "daily": daily}
            _show(api.create_token(name, reason=reason, actor=reaching.actor(), **limits), as_json)


def _show(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        screen.document(made)
        return
    screen.line(made["token"])
    screen.note(f"This is the only time that {made['name']}'s token is shown. Clients send it as `Authorization: Bearer TOKEN`.")


def _list(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        screen.document(found)
        return
    if not found:
        screen.line("no token yet: `tidegate token create NAME --scope predict` makes one")
        return
    shown = table.Table(box=None, pad_edge=False)
    for heading in ("name", "scopes", "endpoints", "a second", "a day", "made"):
        shown.add_column(heading)
    for one in found:
        limits = (f"{one['rate']:g}" if one["rate"] else "-", f"{one['daily']:,}" if one["daily"] else "-")
        made = f"{moments.local(one['at'])} by {one['actor']}"
        shown.add_row(one["name"], ", ".join(one["scopes"]), ", ".join(one["endpoints"]) or "all", *limits, made)
    screen.out().print(shown)


def _said(text: str, facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        screen.document(facts)
    else:
        screen.line(text)
