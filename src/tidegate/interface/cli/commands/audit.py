"""`tidegate audit verify`."""

from typing import Annotated

import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.interface.api import audit as verifying
from tidegate.interface.cli import options, screen


def audit(
    action: Annotated[str, typer.Argument(help="verify.", show_default=False)],
    *,
    witness: Annotated[
        str, typer.Option("--witness", help="NUMBER:HASH of an event, as the last line of a notification tells them.")
    ] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Recompute the hash of every event over the one before, so that a changed, missing or cut event shows. Reads the store, so
    it works with everything down. Ends with 3 when the event log was changed.
    """
    if action != "verify":
        raise errors.BodyMalformed(f"{action!r} is nothing to do with the event log.", cure="tidegate audit verify")
    with stores.Store(location.url(options.place(home)), create=False) as store:
        found = verifying.verify(store, witness)
    if as_json:
        screen.document(found.model_dump(mode="json"))
        return
    screen.line(f"{found.events:,} events, each as it was written; the last has the hash {found.hash}")
    if witness:
        screen.line(f"event {witness} is the one that was told outside")
