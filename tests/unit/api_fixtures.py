"""The control API over a real store and home, asked without a socket; something that answers as control does."""

import asyncio
import contextlib
import functools
import pathlib
import shutil
import threading

import httpx
import pytest

from tidegate.control.store import database, endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import home, instances
from tidegate.interface.api import access, app, shelf

DIGEST = "a" * 64


@pytest.fixture
def place(tmp_path):
    found = home.Home(tmp_path / "home")
    for folder in (found.root, found.instances, found.bundles, found.sums):
        folder.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A store with one endpoint, made once: its migrations take longer than any test here."""
    path = tmp_path_factory.mktemp("made") / "store.db"
    with stores.Store(database.sqlite_url(path)) as opened:
        settings = specification.plain(specification.Settings("delay", "mlflow://delay/1"))
        opened.put_endpoint(endpoints.Endpoint("production", "delay", settings, stable=1))
        opened.add_version("production", "delay", DIGEST, "m" * 64, "mlflow://delay/1", 10.0)
    return path


@pytest.fixture
def store(place, made):
    shutil.copy(made, place.store)
    with stores.Store(database.sqlite_url(place.store)) as opened:
        yield opened


class Asked:
    """The application itself, asked without a socket."""

    def __init__(self, application):
        self._transport = httpx.ASGITransport(application, raise_app_exceptions=False)

    def request(self, method, path, token="secret", **body):
        async def once():
            headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
            base = "http://127.0.0.1:8081"
            async with httpx.AsyncClient(transport=self._transport, base_url=base, headers=headers) as client:
                return await client.request(method, path, **body)

        return asyncio.run(once())

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, **body):
        return self.request("POST", path, **body)


@functools.cache
def application():
    """The application and what it reads, made once: FastAPI takes longer over its paths than any test here."""
    books = shelf.Shelf(home.Home(pathlib.Path("nowhere")), "production")
    return app.app(books, hosts=access.own_hosts(8081), token="secret"), books


@pytest.fixture
def asked(place):
    made, books = application()
    books.home = place
    yield Asked(made)
    books.close()


@contextlib.contextmanager
def control(place, store, answer):
    """Something that holds control's lock and answers commands, as control does."""
    claim, stop = instances.Claim(place.instances, "control", "t"), threading.Event()

    def serve():
        while not stop.wait(0.005):
            for command in store.pending_commands("production"):
                answer(command)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        claim.release()
