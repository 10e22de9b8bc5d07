"""Who served when, as the event log tells it: read history/*.txt; they are the specification.

A line that begins with ">" happened then, in the order in which control heard of it; one with "?" asks who served at that
time, at the end of it all (500s). What is indented is the answer. `hand` is a table written without control, which control
hears of at `import`. TIDEGATE_WRITE=1 writes the transcripts anew, for review in the diff.
"""

import os
import pathlib
import re

import msgspec
import pytest

from tidegate.control.loop import overrides, served, transitions
from tidegate.control.store import database, endpoints, store
from tidegate.core.spec import settings, units
from tidegate.core.vocabulary import decisions, errors, releases, tables
from tidegate.core.vocabulary.decisions import Kind

FOLDER = pathlib.Path(__file__).parent / "history"
ENV, NAME, END = "production", "delay", 500.0
LINE = re.compile(
    r"> (?P<at>\S+) (?P<verb>\w+)(?: (?P<version>v\d))?(?: taken from (?P<left>v\d))?(?: by (?P<who>\w+))?(?:: (?P<why>.+))?"
)
STAGES = (releases.Stage("5 %", 500), releases.Stage("50 %", 5_000))


class Play:
    """One endpoint with three versions, and a table that control did not write."""

    def __init__(self, books: store.Store) -> None:
        self.books = books
        self.settings = settings.Settings(NAME, "mlflow://delay", stages=STAGES, keep=2, probation=None, probation_seconds=0.0)
        books.put_endpoint(endpoints.Endpoint(ENV, NAME, settings.plain(self.settings)))
        self.versions = [releases.Version(NAME, n, f"{n}" * 64, f"m{n}" * 32, f"mlflow://delay/{n}") for n in (1, 2, 3)]
        self.begun = 0
        self.desk = transitions.Desk(books, ENV, self.mint)
        self.table = tables.EMPTY

    def mint(self) -> str:
        self.begun += 1
        return f"r{self.begun}"

    def happen(self, line: str) -> None:
        found = LINE.fullmatch(line)
        assert found, line
        now, actor, why = units.duration(found["at"]), found["who"] or "system", found["why"] or ""
        if found["verb"] == "release":
            event = decisions.Event(Kind.TICK, actor=actor, reason=why)
            begun = self.desk.begin(self.settings, self.versions[int(found["version"][1]) - 1], event, now, "")
            for _ in range(2):  # queued, then checking
                begun = self.desk.tell(begun, decisions.Event(Kind.TICK), now).release
        elif found["verb"] == "hand":
            self.write(found["version"], found["left"], (actor, why, now))
        elif found["verb"] == "import":
            overrides.settle(self.desk, self.table, now)
            overrides.settle(self.desk, self.table, now + 0.1)  # control died before it published
        else:
            under_way = self.desk.active(NAME)
            assert under_way is not None, line
            self.desk.tell(under_way, decisions.Event(Kind(found["verb"]), actor=actor, reason=why), now)

    def write(self, version: str, left: str, signed: tuple[str, str, float]) -> None:
        to, off = (self.versions[int(name[1]) - 1] for name in (version, left))
        route = tables.Route(NAME, ENV, tables.Deployed(to.ordinal, to.digest, to.model))
        actor, why, now = signed
        override = tables.Override(actor, why, NAME, off.digest, now, before=self.table.override)
        self.table = msgspec.structs.replace(self.table, routes={NAME: route}, override=override)

    def ask(self, line: str) -> list[str]:
        try:
            return said(served.at(self.books, ENV, NAME, units.duration(line.removeprefix("? ")), END))
        except errors.MomentInvalid as refused:
            return [f"    refused: {refused}"]


def said(found: served.Served) -> list[str]:
    shares = ", ".join(f"{one.name} {one.share:.0%}" for one in found.servers) or "nobody"
    under_way = f"; {found.release} {found.phase} {found.stage}".rstrip() if found.release else ""
    until = f" until {found.until:g}s" if found.until else ""
    lines = [f"    {shares}, since {found.since:g}s{until}{under_way}"]
    lines += [
        f"        {one.name}: {one.brought.strategy} by {one.brought.actor}, {one.brought.said}"
        for one in found.servers
        if one.brought
    ]
    words = " / ".join(word for word in (found.why.reason, found.why.said) if word)
    return [*lines, f"        because ({found.why.kind}, {found.why.actor}): {words}"]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_the_event_log_tells_who_served(path, tmp_path):
    written = path.read_text()
    given = [line for line in written.splitlines() if not line.startswith(" ")]
    lines = []
    with store.Store(database.sqlite_url(tmp_path / "store.db")) as books:
        play = Play(books)
        for line in given:
            lines.append(line)
            if line.startswith(">"):
                play.happen(line)
            elif line.startswith("?"):
                lines += play.ask(line)
        by_hand = [one for one in books.events(ENV) if one.kind == served.BY_HAND]
        assert len(by_hand) == sum(" hand v" in line for line in given), "each table is imported once"
        books.verify()
    told = "\n".join(lines) + "\n"
    if os.environ.get("TIDEGATE_WRITE"):
        path.write_text(told)
    assert told == path.read_text()
