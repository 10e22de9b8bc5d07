"""`tidegate send` where requests stick: as real clients', and the log says whose they were."""

import json

from tests.process import living
from tidegate.core.vocabulary import assignment
from tidegate.dataplane.predlog import reader

FULL = {"strategy": "full", "stages": (), "probation_seconds": 0.0}
STICKY = {"sticky": {"by": "header", "name": "x-user"}}


def keys(system: living.Living) -> set[bytes]:
    found = reader.arrived(system.home, living.ENDPOINT, bytes(16), b"\xff" * 16)
    return {one.key_hash for one in reader.predictions(system.home.log, found)}


def test_requests_come_from_made_up_clients_or_from_those_in_a_column(tmp_path, models):
    with living.alive(tmp_path, models) as system:
        system.release("v2", **FULL, **STICKY)
        system.await_phase("succeeded")
        sent = json.loads(system.run("send", "--rate", "100", "--for", "1s", "--json"))
        made_up = {assignment.digest(f"client-{number}".encode()) for number in range(sent["sent"])}
        living.wait(lambda: made_up <= keys(system), what="all requests to be in the log")
        header, *rows = (models / "example.csv").read_text().splitlines()
        people = "\n".join([f"{header},who", *(f"{row},{who}" for row, who in zip(rows, ("ada", "bob", "eve"), strict=False))])
        (tmp_path / "people.csv").write_text(people)
        sent = json.loads(system.run("send", "--from", "people.csv", "--unit", "who", "--rate", "50", "--for", "1s", "--json"))
        assert (sent["failed"], sent["answered"]) == (0, sent["sent"])
        wanted = {assignment.digest(who) for who in (b"ada", b"bob", b"eve")}
        living.wait(lambda: wanted <= keys(system), what="whose they were")
        assert keys(system) - made_up <= wanted | {b""}
