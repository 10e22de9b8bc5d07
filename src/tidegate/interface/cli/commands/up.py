"""`tidegate up`."""

import os
from typing import Annotated

import typer

from tidegate.control.loop.keeper import process, renewal
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.api import client
from tidegate.interface.cli import doors, housing, narrator, options, project, screen, starting

HOST = "127.0.0.1"


def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Run behind; return once it answers.")] = False,
    port: Annotated[
        int, typer.Option("--port", help="Where predictions are asked for; 0: any free port.", min=0, max=65535)
    ] = 8080,
    api_port: Annotated[
        int,
        typer.Option(
            "--api-port", help="The control API's; else the one after --port, 0: any.", min=-1, max=65535, show_default=False
        ),
    ] = -1,
    grpc_port: Annotated[
        int, typer.Option("--grpc-port", help="Where gRPC is spoken; 0: any free port.", min=-1, max=65535, show_default=False)
    ] = -1,
    host: Annotated[
        str,
        typer.Option("--host", help="The predictions' address; one that other machines reach only if endpoints ask for tokens."),
    ] = HOST,
    tls_cert: Annotated[
        str, typer.Option("--tls-cert", help="Predictions by TLS alone: the certificate chain (PEM). A renewed one is followed.")
    ] = "",
    tls_key: Annotated[str, typer.Option("--tls-key", help="Its key (PEM, no passphrase).")] = "",
    gateways: Annotated[int, typer.Option("--gateways", help="Gateway processes.", min=1, max=64)] = 1,
    controls: Annotated[
        int, typer.Option("--controls", help="Control processes: one decides, the others stand by for it.", min=1, max=8)
    ] = 1,
    store: Annotated[
        str,
        typer.Option(
            "--store",
            help="postgresql://USER@HOST/DATABASE, without a password; else TIDEGATE_STORE, else as before.",
            show_default=False,
        ),
    ] = "",
    file: Annotated[str, typer.Option("--file", help="The tidegate.yaml; else the nearest here or above.")] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Start Tidegate here and keep it running; Ctrl-C answers what is under way, then stops it.

    Where tidegate.yaml has an endpoint that serves nothing yet, its model is released. After a crash, `up` takes over
    whatever still runs.
    """
    place = options.place(home)
    if renewal.under_way():  # what the file says now is for the next release; a fault in it must not end the keeper
        given = None
    else:
        given = project.load(file) if file or project.find() else None
        tls_cert, tls_key = doors.certificate(tls_cert, tls_key)
        starting.prepare(place)
        housing.settle(place, store, screen.note)
        doors.check_exposure(host, place, given)
        os.environ[homes.ENVIRONMENT] = starting.environment(given)
    wanted = process.Up(
        http=doors.address(host, port),
        api=doors.address(HOST, _api(port, api_port)),
        gateways=gateways,
        grpc=doors.grpc(host, grpc_port),
        chain=tls_cert,
        key=tls_key,
        controls=controls,
    )
    if detach or as_json:
        _behind(place, wanted, given, as_json=as_json)
        return
    told = narrator.Narrator(place, given)
    try:
        process.run(place, wanted, told.start)
    finally:
        told.stop()
    screen.line("stopped; `tidegate up` goes on where it was")


def _behind(place: homes.Home, wanted: process.Up, given: project.Project | None, *, as_json: bool) -> None:
    addresses = process.detach(place, wanted)
    with client.Client(place) as api:
        api.await_ready(starting.READY_SECONDS)
        endpoint = None
        try:
            endpoint = starting.first_release(api, given, screen.note) if given else None
        except errors.TidegateError:
            screen.note("tidegate stays up without it; once mended: `tidegate release`; `tidegate down` ends it")
            raise
    if as_json:
        screen.document({"home": str(place.root), "addresses": addresses, "endpoint": endpoint})
        return
    screen.line(doors.line(place, addresses))
    if endpoint:
        screen.line(starting.ready_line(place, endpoint))
    screen.line("`tidegate status` shows it, `tidegate down` ends it")


def _api(port: int, api_port: int) -> int:
    if api_port >= 0:
        return api_port
    return port + 1 if 0 < port < 65535 else 0
