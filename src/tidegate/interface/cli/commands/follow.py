"""`tidegate follow`."""

from typing import Annotated

import typer

from tidegate.core.spec import settings
from tidegate.interface.api import client
from tidegate.interface.cli import options, project, reaching, screen


def follow(
    endpoint: options.Endpoint = "",
    *,
    off: Annotated[bool, typer.Option("--off", help="Do not follow any more.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Release by itself whatever the endpoint's model reference comes to mean: an alias that moves, a file that is replaced.

    An endpoint that is new here is taken from tidegate.yaml; a model that is not there yet is waited for.
    """
    place = options.place(home)
    written = project.load() if project.find() else None
    named = endpoint or (written.settings.endpoint if written else reaching.only_endpoint(place, ""))
    with client.Client(place) as api:
        known = {one["name"] for one in api.status()["endpoints"]}
        fresh = settings.plain(written.settings) if written and written.settings.endpoint == named and named not in known else {}
        api.follow(named, fresh, follow=not off, actor=reaching.actor())
        seen = api.endpoint(named)
    if as_json:
        screen.document(seen)
    else:
        screen.line(f"{named} follows {seen['follows']}" if seen["follows"] else f"{named} does not follow its model any more")
