"""`tidegate migrated`."""

from typing import Annotated

import typer

from tidegate.interface.api import client
from tidegate.interface.cli import options, reaching, screen


def migrated(
    endpoint: Annotated[str, typer.Argument(help="The endpoint.")],
    name: Annotated[str, typer.Argument(help="The contract migration, as `migrations` in tidegate.yaml names it.")],
    reason: options.Reason = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Say that a contract migration is done, or about to be: no version before the one it came with can come back.

    From then on these versions get no traffic and are kept warm no more, and every rollback to them is refused. Refused itself
    until the release that names the migration is promoted.
    """
    with client.Client(options.place(home)) as api:
        done = api.migrated(endpoint, name, reason=reason, actor=reaching.actor())
    if as_json:
        screen.document(done)
    else:
        screen.line(f"{endpoint}: {name} is recorded as done; `tidegate rollback` goes to no version before it any more.")
