"""The table file: one writer at a time, each on top of what it has read; readers see whole tables only."""

import msgspec
import pytest

from tidegate.core.vocabulary import errors, tables
from tidegate.dataplane.wire import tablefile

STABLE = tables.Deployed(1, "d" * 64, "m")


def put(**change):
    def apply(current):
        route = msgspec.structs.replace(tables.Route("a", "production", STABLE), **change)
        return msgspec.structs.replace(current, routes={**current.routes, "a": route})

    return apply


def test_no_file_is_the_empty_table(tmp_path):
    assert tablefile.read(tmp_path / "table.json") == tables.EMPTY


def test_who_looks_often_reads_what_is_new_and_only_that(tmp_path):
    path = tmp_path / "table.json"
    often = tablefile.Reading(path)
    assert often.read() == tables.EMPTY
    tablefile.write(path, put())
    first = often.read()
    assert first.generation == 1
    assert often.read() is first
    tablefile.write(path, put(weight=100))
    assert often.read().generation == 2
    scratch = tmp_path / "new"
    scratch.write_bytes(b"{")
    scratch.replace(path)
    for _ in range(2):
        with pytest.raises(errors.TableUnreadable):
            often.read()
    path.unlink()
    assert often.read() == tables.EMPTY


def test_every_write_is_the_next_generation_of_its_parent(tmp_path):
    path = tmp_path / "table.json"
    first = tablefile.write(path, put())
    second = tablefile.write(path, put(weight=100), parent=first.generation)
    assert (first.generation, second.generation, second.parent) == (1, 2, 1)
    assert tablefile.read(path) == second
    assert tablefile.read(tmp_path / "table.json.last") == first


def test_a_writer_that_was_overtaken_is_refused(tmp_path):
    path = tmp_path / "table.json"
    tablefile.write(path, put())
    with pytest.raises(errors.ParentStale):
        tablefile.write(path, put(weight=100), parent=0)
    assert tablefile.read(path).generation == 1


def test_a_route_keeps_its_generation_while_the_draw_does(tmp_path):
    path = tmp_path / "table.json"
    tablefile.write(path, put(weight=500))
    same = tablefile.write(path, put(weight=500, inputs="none"))
    other = tablefile.write(path, put(weight=2500))
    assert same.routes["a"].generation == 1
    assert other.routes["a"].generation == 3


def test_changing_nothing_writes_nothing(tmp_path):
    path = tmp_path / "table.json"
    tablefile.write(path, put())
    assert tablefile.write(path, lambda _: None).generation == 1


def test_a_damaged_table_is_an_error_with_the_way_out(tmp_path):
    path = tmp_path / "table.json"
    path.write_text('{"generation": ')
    with pytest.raises(errors.TableUnreadable, match=r"table\.json\.last"):
        tablefile.read(path)


def test_a_table_from_too_far_ahead_is_refused(tmp_path):
    path = tmp_path / "table.json"
    path.write_bytes(msgspec.json.encode(tables.Table(1, 0, {}, protocol=tables.PROTOCOL + 2)))
    with pytest.raises(errors.ProtocolMismatch):
        tablefile.read(path)
