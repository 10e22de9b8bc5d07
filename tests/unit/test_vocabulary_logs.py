"""Log lines are JSON, whatever is logged."""

import json
import logging
import sys

from tidegate.core.vocabulary import logs


def _line(**extra):
    record = logging.getLogger("room").makeRecord(
        "room", logging.INFO, __file__, 1, "bundle %s read", ("ab12",), None, extra=extra
    )
    return json.loads(logs.Lines("w-1").format(record))


def test_a_line_has_the_five_fields_and_the_extra():
    line = _line(rows=3)
    assert {key: line[key] for key in ("level", "logger", "instance", "event", "rows")} == {
        "level": "info",
        "logger": "room",
        "instance": "w-1",
        "event": "bundle ab12 read",
        "rows": 3,
    }
    assert line["at"].endswith("+00:00")


def test_a_value_that_json_does_not_know_is_written_as_text():
    assert _line(where={1})["where"] == "{1}"


def test_an_extra_cannot_hide_a_field_of_the_line():
    assert _line(instance="other")["instance"] == "w-1"


def test_a_message_is_not_there_once_more_for_terminals():
    assert "color_message" not in _line(color_message="bundle %s read")


def test_an_exception_keeps_its_stack():
    try:
        raise ValueError("no such column")
    except ValueError:
        record = logging.getLogger("room").makeRecord("room", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    assert "ValueError: no such column" in json.loads(logs.Lines("w-1").format(record))["stack"]


def test_libraries_that_write_every_address_they_ask_are_silent(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    logs.start("shipper", "debug")
    for name in ("httpx", "httpcore.http11"):
        logging.getLogger(name).info("HTTP Request: POST https://hooks.example.org/secret")
    logging.getLogger("alembic.runtime.plugins").info("setup plugin secret")
    logging.getLogger("room").info("shipped")
    said = capsys.readouterr().err
    assert "shipped" in said
    assert "secret" not in said
