"""What docs/sinks.md shows is so: its file loads, its check of a signature holds, its query runs over files of two hosts."""

import pathlib
import re
import time

import duckdb
import msgspec

from tidegate.core.spec import file, reference
from tidegate.core.vocabulary import keeping
from tidegate.dataplane.sinks import checks, opening, webhook

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "sinks.md").read_text()


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_its_file_has_three_sinks() -> None:
    found = file.resolve(file.load(block("yaml"))).log.sinks
    assert found[:2] == (keeping.Sink("env:LOG_KAFKA"), keeping.Sink("env:LOG_LAKE", outcomes=True, behind_seconds=900.0))
    assert found[2].sign == "env:LOG_SIGNATURE"
    assert "log.sinks[].behind" in reference.table()


def test_its_check_knows_what_is_genuine() -> None:
    names: dict[str, object] = {}
    exec(block("python"), names)
    genuine = names["genuine"]
    assert callable(genuine)
    key, body, now = b"secret", b'{"id": 1}\n', int(time.time())
    assert genuine(key, body, webhook.signature(key, body, now))
    assert not genuine(key, body + b" ", webhook.signature(key, body, now))
    assert not genuine(b"other", body, webhook.signature(key, body, now))
    assert not genuine(key, body, webhook.signature(key, body, now - 3_600))


def test_its_query_finds_the_gaps_of_each_host(tmp_path: pathlib.Path) -> None:
    made = opening.opened((tmp_path / "lake").as_uri())
    for host, numbers in (("one", ((0, 2), (3, 2))), ("two", ((0, 4),))):
        for begin, count in numbers:
            rows = checks.parcel(begin, count).rows.append_column("host", [[host] * count])
            made.deliver(msgspec.structs.replace(checks.parcel(begin, count), name=f"{host}-{begin}", rows=rows))
    query = block("sql").replace("'lake/", f"'{tmp_path}/lake/")
    with duckdb.connect() as connection:
        found = {host: missing for host, _, missing in connection.execute(query).fetchall()}
    assert found == {"one": 1, "two": 0}
