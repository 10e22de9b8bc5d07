"""Values as text: canonical JSON, so that equal values have equal bytes and a hash over them means something.

JSON has no infinity and no not-a-number, which intervals and e-values do have: they are written as strings and read back
as numbers.
"""

import math
from typing import TypeVar

import msgspec

Kind = TypeVar("Kind")
_PLAIN = {int, str, bool}


def encode(value: object) -> str:
    """A struct, a mapping or anything msgspec knows, as JSON with sorted keys."""
    return msgspec.json.encode(_finite(msgspec.to_builtins(value)), order="sorted").decode()


def decode(text: str, kind: type[Kind]) -> Kind:
    """The value back. Raises msgspec.ValidationError when the text is not of this kind."""
    return msgspec.json.decode(text, type=kind, strict=False)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if set(map(type, value)) <= _PLAIN:
            return value  # long lists of counters are most of what is written
        return [_finite(item) for item in value]
    return value
