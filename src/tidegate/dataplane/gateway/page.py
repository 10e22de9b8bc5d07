"""A page about one endpoint for people: what it takes, what it answers, and a call to paste. It loads nothing from anywhere.

Drawn from the endpoint's OpenAPI document, which a worker makes from the model's signature.
"""

import html
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

RECORD = "Record"
"""The schema of one row of a model with columns, in the document."""
LINES = (
    b"content-type: text/html; charset=utf-8\r\n"
    b"content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n"
    b"x-content-type-options: nosniff\r\n"
)
_COLUMNS = ("type", "format", "enum", "minimum", "maximum", "nullable", "description")
_DEPTH = 4
_STYLE = """
:root{color-scheme:light dark;--ink:#16202a;--soft:#5b6b7a;--line:#d9e0e6;--back:#fbfcfd;--card:#fff;--mark:#0b6e75}
@media(prefers-color-scheme:dark){:root{--ink:#e4ebf1;--soft:#93a3b2;--line:#2b3742;--back:#11181f;--card:#18212a;--mark:#5cc4cb}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:54rem;margin:0 auto;padding:3rem 1.25rem 4rem}
h1{font-size:1.9rem;margin:0;letter-spacing:-.02em}
h2{font-size:1.05rem;margin:2.2rem 0 .5rem}
p{margin:.4rem 0;color:var(--soft)}
code,pre{font:.86rem/1.5 ui-monospace,monospace}
pre{margin:.4rem 0;padding:.9rem 1.1rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem;overflow-x:auto}
table{width:100%;margin-top:1.2rem;border-collapse:collapse;background:var(--card);border:1px solid var(--line)}
th,td{text-align:left;padding:.4rem .9rem;border-top:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);border-top:0;font-size:.85rem}
h2 b{color:var(--mark);font:600 .8rem ui-monospace,monospace;margin-right:.5rem}
a{color:var(--mark)}
p.end{margin-top:2.5rem}
"""


class Page:
    """The page of `endpoint`, reached at `address` (http://host:port)."""

    def __init__(self, endpoint: str, address: str, *, needs_token: bool) -> None:
        self._endpoint, self._address, self._needs_token = endpoint, address, needs_token

    def show(self, document: bytes) -> tuple[bytes, bytes]:
        """(header lines, the page) from an OpenAPI document in JSON. Raises msgspec.DecodeError for what is none."""
        given = msgspec.json.decode(document, type=dict[str, Any])
        title = html.escape(str(_at(given, "info", "title") or self._endpoint))
        words = html.escape(f"{_at(given, 'info', 'description') or ''} {_at(given, 'info', 'version') or ''}".strip())
        link = html.escape(f"/endpoints/{urllib.parse.quote(self._endpoint)}/openapi.json")
        parts = [
            f"<h1>{title}</h1><p>{words}</p>",
            _table(_mapping(_at(given, "components", "schemas", RECORD))),
            *(self._operation(given, *one) for one in _operations(given)),
            f'<p class="end">For programs: <a href="{link}">{link}</a></p>',
        ]
        head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
        main = f"<body><main>{''.join(parts)}</main></body>"
        return LINES, f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head>{main}</html>'.encode()

    def _operation(self, document: Mapping[str, Any], path: str, verb: str, operation: Mapping[str, Any]) -> str:
        said = html.escape(str(operation.get("summary") or operation.get("description") or ""))
        parts = [f"<h2><b>{html.escape(verb.upper())}</b><code>{html.escape(path)}</code></h2><p>{said}</p>"]
        example = _example(document, _json(_resolved(document, operation.get("requestBody"))))
        if example is not None:
            parts.append(f"<pre>{html.escape(self._call(path, verb, example))}</pre>")
        answer = _example(document, _json(_resolved(document, _at(operation, "responses", "200"))))
        if answer is not None:
            parts.append(f"<p>It answers like this:</p><pre>{html.escape(_pretty(answer))}</pre>")
        return "".join(parts)

    def _call(self, path: str, verb: str, example: object) -> str:
        """A command line that works as it stands."""
        address = self._address + path
        token = " -H 'authorization: Bearer '\"$TOKEN\"" if self._needs_token else ""
        data = msgspec.json.encode(example).decode().replace("'", "'\\''")
        return f"curl -X {verb.upper()} {address} \\\n  -H 'content-type: application/json'{token} \\\n  -d '{data}'"


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Those with a body first: they are what the page is for."""
    found = [
        (path, verb, operation)
        for path, item in _mapping(document.get("paths")).items()
        for verb, operation in _mapping(item).items()
        if isinstance(operation, dict)
    ]
    return iter(sorted(found, key=lambda one: "requestBody" not in one[2]))


def _table(record: Mapping[str, Any]) -> str:
    """What a record has, a row a column; empty for a model without columns."""
    required = record.get("required") or ()
    rows = []
    for name, one in _mapping(record.get("properties")).items():
        told = _mapping(one)
        said = ", ".join(_said(key, told[key]) for key in _COLUMNS if key in told)
        needed = "required" if name in required else "optional"
        rows.append(f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(said)}</td><td>{needed}</td></tr>")
    return f"<table><tr><th>column</th><th>values</th><th></th></tr>{''.join(rows)}</table>" if rows else ""


def _said(key: str, value: object) -> str:
    if key == "type":
        return " or ".join(map(str, value)) if isinstance(value, list) else str(value)
    return str(value) if key == "description" else f"{key} {_pretty(value, 0)}"


def _json(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON form of a body or answer."""
    return _mapping(_at(body, "content", "application/json"))


def _example(document: Mapping[str, Any], media: Mapping[str, Any]) -> object:
    if "example" in media:
        return media["example"]
    for one in _mapping(media.get("examples")).values():
        return _resolved(document, one).get("value")
    schema = _resolved(document, media.get("schema"))
    examples = schema.get("examples")
    return schema.get("example", examples[0] if isinstance(examples, list) and examples else None)


def _resolved(document: Mapping[str, Any], part: object) -> Mapping[str, Any]:
    """The part itself, or what its $ref within the document leads to."""
    for _ in range(_DEPTH):
        reference = _mapping(part).get("$ref")
        if not isinstance(reference, str):
            break
        part = _at(document, *(step.replace("~1", "/").replace("~0", "~") for step in reference.removeprefix("#/").split("/")))
    return _mapping(part)


def _at(part: object, *steps: str) -> object:
    for step in steps:
        part = _mapping(part).get(step)
    return part


def _mapping(part: object) -> Mapping[str, Any]:
    return part if isinstance(part, dict) else {}


def _pretty(value: object, indent: int = 2) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=indent).decode()
