"""A log line as the kind of line it is: its message with what differs each time masked. Only warnings and errors have one."""

import hashlib
import json
import re
from typing import Any, NamedTuple

LONGEST = 300
"""Letters of a masked message that are kept."""
READ = 4_000
"""Letters of one that are looked at."""
LEVELS = ("warning", "error", "critical")
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\bw-[a-z0-9-]+"), "<worker>"),
    (re.compile(r"(?:[a-z]+:)?/[^\s'\"`,;:)]+"), "<path>"),
    (re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""), "<text>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b"), "<hex>"),
    (re.compile(r"\d+(?:[.,:]\d+)*(?:e[+-]?\d+)?"), "#"),
)
_OPEN = re.compile(r"['\"].*$")
_RAISED = re.compile(
    r"^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b|^Fatal Python error|^Segmentation fault"
)
_BESIDE = ("code", "detail", "why", "error")
"""Fields that say what kind of trouble it is."""


class Template(NamedTuple):
    """The kind of a line."""

    key: str
    """Ten hexadecimal digits."""
    level: str
    words: str
    """The masked message."""


class Line(NamedTuple):
    """One line that complains."""

    template: Template
    at: str
    """ISO 8601; empty where the line has none."""
    logger: str
    endpoint: str
    prediction: str


def read(raw: str) -> Line | None:
    """What a line complains of; None for one that does not. One that is no JSON does where an exception's name begins it."""
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "event" not in found:
        return _plain(raw)
    level = str(found.get("level", ""))
    if level not in LEVELS:
        return None
    beside = [str(found[name]) for name in _BESIDE if found.get(name)]
    said = " ".join(": ".join((str(found["event"]), *beside)).split())
    logger = str(found.get("logger", ""))
    template = _template(level, logger, said)
    return Line(template, str(found.get("at", "")), logger, _text(found, "endpoint"), _text(found, "prediction_id"))


def masked(message: str) -> str:
    """Without what differs each time: ids, workers, paths, quoted texts, numbers."""
    for pattern, name in _MASKS:
        message = pattern.sub(name, message)
    return message


def _plain(raw: str) -> Line | None:
    if not _RAISED.match(raw):
        return None
    return Line(_template("error", "", raw), "", "", "", "")


def _template(level: str, logger: str, said: str) -> Template:
    words = masked(said[:READ])
    words = (_OPEN.sub("<text>", words) if len(said) > READ else words)[:LONGEST]  # a text that the cut has left open
    digest = hashlib.sha256(f"{level}\0{logger}\0{words}".encode()).hexdigest()
    return Template(digest[:10], level, words)


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name, "")
    return value if isinstance(value, str) else ""
