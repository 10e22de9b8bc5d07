"""What an endpoint asks of an answer (`handling.Terms`): its rules are held against it, and its numbers rounded for the client.

A rule that is broken is told by its text and changes nothing: the gateway decides what becomes of the answer. The model is
asked in batches that know no terms; they apply to each request's own rows, after the batch has been cut apart.
"""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, handling, manifests
from tidegate.dataplane.models import batches, bins, checking, datatypes, outputs

CHECK = "check"
"""The name of a breach of the endpoint's own function."""
_decode = msgspec.msgpack.Decoder(handling.Terms).decode


class Asked:
    """Terms, made ready for one bundle."""

    def __init__(self, signature: manifests.Signature, given: handling.Terms, checks: checking.Checks) -> None:
        self.coerce, self.discreet = given.coerce, given.discreet
        self._decimals = given.round
        self._outputs = signature.outputs
        self._inputs = [column.name for column in signature.inputs]
        self._rules = [(rule, _about(rule, signature.outputs), _broken(rule)) for rule in given.rules]
        self._check = checks.find(given.check) if given.check else None
        self.plain = not self._rules and self._check is None and given.round < 0
        """Whether an answer goes out as the model gave it."""

    def breach(self, batch: batches.Batch, values: batches.Values) -> tuple[str, str]:
        """(the text of the first rule that a valid answer breaks, what broke it, for operators); both empty where none is."""
        for rule, names, broken in self._rules:
            if not names:
                return rule.text, f"this model has no output that the rule is about ({rule.output or rule.kind})"
            for name in names:
                for value in _leaves(batches.entries(values[name])):
                    if broken(value):
                        return rule.text, f"output `{name}` is {value!r}"[:200]
        return self._checked(batch, values) if self._check else ("", "")

    def _checked(self, batch: batches.Batch, values: batches.Values) -> tuple[str, str]:
        """The endpoint's own function: called with {name: values} of one request's inputs and outputs, both one entry a row."""
        assert self._check is not None
        inputs = {name: _by_row(batch, entries) for name, entries in batches.columns(batch, self._inputs).items()}
        try:
            held = self._check(inputs, {name: list(batches.entries(entries)) for name, entries in values.items()})
        except (Exception, SystemExit) as raised:
            return CHECK, f"the check raised {type(raised).__name__}: {raised}"[:2_000]
        return ("", "") if held else (CHECK, f"the check answered {held!r}"[:200])

    def shown(self, values: batches.Values) -> batches.Values:
        """The answer as clients see it."""
        return outputs.rounded(self._outputs, values, self._decimals) if self._decimals >= 0 else values


class Book:
    """The terms met so far, by their bytes: a call brings the same ones again and again."""

    def __init__(self, signature: manifests.Signature, checks: checking.Checks) -> None:
        self.plain = Asked(signature, handling.PLAIN, checks)
        self._read = functools.lru_cache(maxsize=64)(lambda raw: Asked(signature, _decode(raw), checks))

    def of(self, raw: bytes) -> Asked:
        """What these bytes ask for; plain where there are none. Raises FrameMalformed for what are no terms."""
        if not raw:
            return self.plain
        try:
            return self._read(raw)
        except ValueError as broken:
            raise errors.FrameMalformed(f"a call's terms cannot be read: {broken}") from broken


def _about(rule: handling.Rule, known: Sequence[manifests.Column]) -> list[str]:
    """The outputs that a rule is held against: those of numbers, or for classes those of anything else where there are any."""
    if rule.output:
        return [one.name for one in known if one.name == rule.output]
    numbers = [one.name for one in known if datatypes.of(one).family in ("number", "integer")]
    others = [one.name for one in known if datatypes.of(one).family != "number"]
    return numbers if rule.kind != "classes" else others or numbers


def _broken(rule: handling.Rule) -> Callable[[Any], bool]:
    """Whether one value breaks the rule. What is missing, and a rule that this worker does not know, is never fulfilled."""
    if rule.kind == "finite":
        return lambda value: not _number(value) or not math.isfinite(value)
    if rule.kind == "range":
        low = -math.inf if rule.low is None else rule.low
        high = math.inf if rule.high is None else rule.high
        return lambda value: not _number(value) or not low <= value <= high
    classes = frozenset(rule.classes) if rule.kind == "classes" else frozenset()
    return lambda value: bins.said(value) not in classes


def _number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _leaves(entries: Iterable[Any]) -> Iterable[Any]:
    for entry in entries:
        if type(entry) is list:
            yield from _leaves(entry)
        else:
            yield entry


def _by_row(batch: batches.Batch, values: Any) -> list[Any]:
    """An input with one entry a row: a tensor's rows as flat lists."""
    listed = batches.entries(values)
    width = len(listed) // batch.rows
    return list(listed) if width == 1 else [listed[begin : begin + width] for begin in range(0, len(listed), width)]
