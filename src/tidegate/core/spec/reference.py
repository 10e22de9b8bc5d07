"""The table of keys in docs/file.md, written from the JSON Schema so that it cannot lie."""

import json
from typing import Any

from tidegate.core.spec import file


def table() -> str:
    """Markdown: every key with its default and its meaning, in the order of the file."""
    schema = file.json_schema()
    rows = ["| key | default | meaning |", "|---|---|---|"]
    return "\n".join([*rows, *_rows(schema, schema, "")]) + "\n"


def _rows(schema: dict[str, Any], block: dict[str, Any], prefix: str) -> list[str]:
    found: list[str] = []
    for name, key in block["properties"].items():
        inner = _blocks(schema, key)
        found.append(f"| `{prefix}{name}` | {_default(name, block, key)} | {key['description'].replace('|', '/')} |")
        for suffix, nested in inner:
            found += _rows(schema, nested, f"{prefix}{name}{suffix}.")
    return found


def _blocks(schema: dict[str, Any], key: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The blocks that a key holds: itself, or the items of its list."""
    items = key.get("items", {})
    found = [("", one) for one in key.get("anyOf", [])] + [("[]", one) for one in (items, *items.get("anyOf", []))]
    return [(suffix, schema["$defs"][one["$ref"].rpartition("/")[2]]) for suffix, one in found if one.get("$ref")]


def _default(name: str, block: dict[str, Any], key: dict[str, Any]) -> str:
    if name in block.get("required", []):
        return "needed"
    value = key.get("default")
    if value in (None, {}):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
