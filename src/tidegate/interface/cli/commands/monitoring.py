"""`tidegate monitoring`."""

import json
import pathlib
from typing import Annotated

import typer
import yaml

from tidegate.core.vocabulary import errors
from tidegate.interface.api import addresses
from tidegate.interface.cli import options, screen
from tidegate.observability.metrics import dashboard, rules


def monitoring(
    folder: Annotated[pathlib.Path, typer.Argument(help="Where the files go; made where it is missing.", metavar="DIR")],
    *,
    credentials: Annotated[
        str, typer.Option("--credentials", help="The file with the token that Prometheus shows, as its configuration names it.")
    ] = "tidegate.token",
    home: options.Home = "",
) -> None:
    """Write what a Prometheus and a Grafana of one's own need: alert rules, a dashboard, and a configuration that scrapes
    this Tidegate.

    `tidegate token create prometheus --scope read` makes the token; its file is not written here.
    """
    place = options.place(home)
    address = addresses.read(place).get("api", "http://127.0.0.1:8081").rpartition("/")[2]
    written = {
        "tidegate-rules.yml": yaml.safe_dump(rules.document(), sort_keys=False, width=1_000),
        "tidegate-dashboard.json": json.dumps(dashboard.document(), indent=2) + "\n",
        "prometheus.yml": yaml.safe_dump(rules.scraping(address, credentials), sort_keys=False),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (folder / name).write_text(text)
    except OSError as failed:
        raise errors.ProcessError(f"it cannot be written: {failed.strerror}.", where=str(folder)) from failed
    screen.line(f"{', '.join(written)} are in {folder}")
    screen.line(
        f"next: put what `tidegate token create prometheus --scope read` prints into {credentials}, where Prometheus looks"
    )
