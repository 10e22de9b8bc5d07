"""What a version depends on, asked for: services that answer or not, tables and their versions, and passwords kept quiet."""

import http.server
import sqlite3
import threading

import pytest

from tidegate.core.vocabulary import dependencies
from tidegate.delivery.gates import requirements, secrets, services, tables


class Handler(http.server.BaseHTTPRequestHandler):
    """/200 answers 200; /to/PATH redirects to /PATH, /away to another host, /round to itself; /slow never answers."""

    def do_GET(self):
        head = self.path.split("?")[0].strip("/")
        if head == "slow":
            self.server.hold.wait()
        leads = {"away": "http://elsewhere.invalid/200?key=hush", "round": "/round"}.get(head)
        leads = f"/{head[3:]}" if head.startswith("to/") else leads
        self.send_response(302 if leads else int(head) if head.isdigit() else 200)
        if leads:
            self.send_header("location", leads)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hold = threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def look(kind, name, **more):
    (found,) = requirements.met([dependencies.Requirement(kind, name, **more)])
    return found


@pytest.mark.parametrize("path", ["/200", "/204", "/to/200", "/to/to/200"])
def test_a_service_that_answers_below_400_is_there(service, path):
    found = look("service", service + path)
    assert found.passed, found.words
    assert "answered 20" in found.words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/404", "answered 404"),
        ("/503", "answered 503"),
        ("/away", "sends elsewhere, to http://elsewhere.invalid"),
        ("/round", "again"),
    ],
)
def test_a_service_that_does_not_is_refused(service, path, words):
    found = look("service", service + path)
    assert (found.passed, found.code) == (False, "requirement-missing")
    assert words in found.words
    assert "hush" not in found.words


def test_a_service_that_is_silent_is_waited_for_only_so_long(service, monkeypatch):
    monkeypatch.setattr(services, "SECONDS", 0.2)
    found = look("service", f"{service}/slow")
    assert not found.passed
    assert "did not answer within 0.2 s" in found.words


@pytest.mark.parametrize("address", ["http://user:hush@127.0.0.1:1/x?token=hush", "ftp://user:hush@host/", "http://:hush@[bad"])
def test_a_services_password_is_never_said(address):
    found = look("service", address)
    assert not found.passed
    assert "hush" not in found.words


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as made:
        made.execute("create table customers (id integer, version integer)")
        made.execute("insert into customers values (1, 2), (2, 3)")
        made.execute("create table schema_versions (name text, version text)")
        made.execute("insert into schema_versions values ('customers', 'v4')")
    made.close()
    monkeypatch.setenv("SHOP", f"sqlite:///{path}")
    return "env:SHOP"


def test_a_table_that_is_there_is_found_by_its_name(database):
    assert look("table", "customers", url=database).passed
    found = look("table", "clients", url=database)
    assert (found.passed, found.code) == (False, "requirement-missing")
    assert "no such table" in found.words


@pytest.mark.parametrize("version", ["3", "v3", "V3"])
def test_without_a_query_its_version_is_the_greatest_of_its_column_version(database, version):
    assert look("table", "customers", url=database, version=version).passed


def test_another_version_is_named(database):
    found = look("table", "customers", url=database, version="v4")
    assert not found.passed
    assert "at version 3, and the model needs v4" in found.words


def test_a_query_of_ones_own_says_the_version(database):
    query = "select version from schema_versions where name = 'customers'"
    assert look("table", "customers", url=database, version="4", query=query).passed
    found = look("table", "customers", url=database, version="4", query="select version from schema_versions where name = 'x'")
    assert not found.passed
    assert "no version" in found.words


def test_a_query_that_fails_is_told_in_the_databases_words(database):
    found = look("table", "customers", url=database, version="4", query="select v from customers")
    assert not found.passed
    assert "no such column" in found.words


def test_probing_makes_no_database(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP", f"sqlite:///{tmp_path}/none.db")
    assert not look("table", "customers", url="env:SHOP").passed
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_silent_is_waited_for_only_so_long(database, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(tables, "SECONDS", 0.05)
    monkeypatch.setattr(tables, "_look", lambda *_: release.wait())
    found = look("table", "customers", url=database)
    release.set()
    assert not found.passed
    assert "did not answer within" in found.words


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:hu%40sh@127.0.0.1:1/shop?sslpassword=hu@sh",
        "nosuch://ann:hu@sh@host/shop",
        "hu@sh",
        "sqlite:////nowhere/hu@sh/shop.db?x=hu@sh",
    ],
)
def test_a_databases_password_is_never_said(monkeypatch, address):
    monkeypatch.setenv("SHOP", address)
    found = look("table", "customers", url="env:SHOP")
    assert not found.passed
    assert "hu@sh" not in found.words
    assert "hu%40sh" not in found.words


def test_an_address_that_is_nowhere_is_named_by_its_place(tmp_path):
    (tmp_path / "address").write_text("sqlite:///:memory:\n")
    assert "env:NOTHING" in look("table", "t", url="env:NOTHING").words
    assert str(tmp_path / "none") in look("table", "t", url=f"file:{tmp_path / 'none'}").words
    assert "no such table" in look("table", "t", url=f"file:{tmp_path / 'address'}").words
    assert "never written" in look("table", "t", url="sqlite:///x").words


def test_a_kind_that_nobody_can_probe_is_refused():
    found = look("queue", "orders")
    assert not found.passed
    assert "service or table" in found.words


def test_what_is_hidden_is_hidden_in_every_spelling():
    assert secrets.plain("no: p%40ss, p@ss, p%40ss\nand more", ["p@ss", ""]) == "no: ***, ***, ***"
    assert secrets.shown("https://ann:x@h:9/a?k=1#f") == "https://h:9/a"
    assert secrets.shown("https://ann:x@[::1]:9/a") == "https://[::1]:9/a"
