"""YAML to plain values, with the line on which each stands. A YAML 1.2 reading: `on`, `no` and 2013-01-01 are plain words."""

import dataclasses
import math
import re
from typing import Any

import yaml

from tidegate.core.vocabulary import errors

Path = tuple[str | int, ...]
_MOST_NODES = 20_000
_DEEPEST = 50


@dataclasses.dataclass(frozen=True)
class Document:
    """A file's content and where everything in it is."""

    name: str
    value: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of a key or item; of the nearest thing around it where it has none of its own."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def where(self, path: Path) -> str:
        """What errors say: tidegate.yaml:12."""
        return f"{self.name}:{self.line(path)}"


class _Loader(yaml.SafeLoader):
    """Resolves true/false, null and decimal numbers, and nothing else."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), [*_first, *([""] if _tag == "null" else [])]
    )


def read(text: str, name: str) -> Document:
    """The one YAML document in `text`; `name` is what errors call it. Raises SpecInvalid with the line."""
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as broken:
        raise _unreadable(broken, name) from broken
    finally:
        if loader is not None:
            loader.dispose()
    reader = _Reader(name)
    value = None if node is None else reader.value(node, ())
    return Document(name, value, reader.lines)


def _unreadable(broken: yaml.YAMLError, name: str) -> errors.SpecInvalid:
    mark = getattr(broken, "problem_mark", None) or getattr(broken, "context_mark", None)
    problem = str(getattr(broken, "problem", None) or getattr(broken, "reason", None) or broken)
    cure = (
        "Indent with spaces, not tabs."
        if "'\\t'" in problem
        else "Check the indentation, the colons and the quotes on and above this line."
    )
    return errors.SpecInvalid(f"this is not YAML: {problem}.", cure=cure, where=f"{name}:{mark.line + 1 if mark else 1}")


class _Reader:
    """Turns nodes into values and notes their lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self.nodes = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.nodes += 1
        if self.nodes > _MOST_NODES or len(path) > _DEEPEST:
            raise self.invalid(
                node, "the file is nested too deeply or too large.", "Write aliases (*name) out, or take them away."
            )
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.invalid(key_node, "a key has to be a word.", "Write `key: value`.")
            key = str(key_node.value)
            if key in found:
                first = self.lines[(*path, key)]
                raise self.invalid(key_node, f"`{key}` is there twice, first on line {first}.", "Keep one of them.")
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, (*path, key))
        return found

    def scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return text
            case "int" if text.lstrip("+-").startswith("0") and text.lstrip("+-") != "0":
                number = int(text)
                raise self.invalid(node, f"{text} would be read as {number}.", f'Write "{text}" where it is a word, or {number}.')
            case "int":
                return int(text)
            case "float" if math.isfinite(float(text)):
                return float(text)
            case "bool":
                return text.lower() == "true"
            case "null":
                return None
        raise self.invalid(node, f"{text[:40]!r} ({node.tag}) cannot be used here.", "Write a plain value.")

    def invalid(self, node: yaml.Node, message: str, cure: str) -> errors.SpecInvalid:
        return errors.SpecInvalid(message, cure=cure, where=f"{self.name}:{node.start_mark.line + 1}")
