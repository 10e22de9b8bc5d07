"""The codec of one manifest: a client's body -> a valid request, and a model's values -> a checked answer as bytes.

This is where the contract is kept: nothing reaches the model that its signature does not allow, and nothing leaves it either.
"""

import functools
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import (
    batches,
    bins,
    categories,
    checking,
    datatypes,
    description,
    forms,
    openapi,
    outputs,
    series,
    terms,
)
from tidegate.dataplane.wire import frames

ANSWER_LETTERS = 200
"""Letters of a text answer that travel in the reply's head."""
Answers = tuple[float | str | None, ...]
DESCRIPTIONS = frozenset({int(frames.Content.METADATA), int(frames.Content.CONFIG), int(frames.Content.OPENAPI)})
"""Contents without a body: the model itself is asked about."""


class Codec:
    """Both ways, for every content."""

    def __init__(self, manifest: manifests.Manifest, example: bytes = b"", folder: pathlib.Path | None = None) -> None:
        """`example`: the bundle's own, shown to people. `folder`: where the bundle is, for its endpoint's check.

        Raises SignatureMissing for a signature that cannot be served: no inputs, no outputs, an unknown type.
        """
        if not manifest.signature.inputs or not manifest.signature.outputs:
            raise errors.SignatureMissing
        self.manifest = manifest
        self._example = example
        self._outputs = manifest.signature.outputs
        self._strict = forms.Forms(manifest.signature)
        self._categories = (
            categories.Categories(manifest.signature) if any(one.categories for one in manifest.signature.inputs) else None
        )
        self._bins = bins.Bins(manifest.profile)
        classes = manifest.options.get("classes", "")
        self._classes: list[str] = msgspec.json.decode(classes) if classes else []
        self.series = series.Series(manifest)
        """What is logged of an answer beside its first output."""
        self.terms = terms.Book(manifest.signature, checking.Checks(manifest, folder))
        """What endpoints ask of answers, by the bytes that calls bring."""
        for output in self._outputs:
            datatypes.of(output)

    @functools.cached_property
    def _coercing(self) -> forms.Forms:
        return forms.Forms(self.manifest.signature, coerce=True)

    def decode(self, body: bytes, content: int, json_bytes: int = -1, coerce: bool = False) -> batches.Request:
        """The request in a body. `json_bytes`: how much of it is JSON, where tensors' bytes follow (-1: all of it).

        Raises BodyMalformed (not JSON, CSV or protobuf) or InputInvalid (which column, which row, what was expected).
        """
        try:
            request = (self._coercing if coerce else self._strict).decode(body, content, json_bytes)
        except RecursionError as deep:
            raise errors.BodyMalformed("the body is nested too deeply") from deep
        except (msgspec.DecodeError, UnicodeDecodeError) as broken:
            raise _malformed(body, content, broken) from broken
        if request.batch.rows > batches.MOST_ROWS:
            batches.bounded(request.batch.rows)
        if self._categories is not None:
            self._categories.check(request.batch)
        return request

    def opened(self, body: bytes) -> list[Any]:
        """The rows of plain records, coerced, as `gathered` takes them: those of many requests cost far less together.

        Raises ValueError or RecursionError for what are none.
        """
        return self._coercing.rows.opened(body)

    def gathered(self, opened: list[Any]) -> batches.Batch:
        """Opened rows, of one request or many, as one valid batch. Raises InputInvalid where any of them is not."""
        batch = self._coercing.rows.gathered(opened)
        if self._categories is not None:
            self._categories.check(batch)
        return batch

    def checked(self, values: batches.Values, count: int) -> batches.Values:
        """The answer to `count` rows with optional NaN as None. Raises OutputInvalid when it breaks the contract."""
        values = outputs.nulled(self._outputs, values)
        if wrong := outputs.problem(self._outputs, values, count):
            raise errors.OutputInvalid(where=wrong)
        return values

    def encode(self, request: batches.Request, values: batches.Values, identity: tuple[str, str, str]) -> tuple[bytes, int]:
        """(the response body, how much of it is JSON where tensors' bytes follow: -1 all of it).

        `identity`: endpoint, version, prediction id. Raises InputInvalid where the form asked for cannot carry this answer.
        """
        return self._strict.encode(request, values, identity)

    def describe(self, content: int, endpoint: str, version: str) -> bytes:
        """The model's v2 metadata, its configuration, or its OpenAPI document, as JSON."""
        if content == frames.Content.METADATA:
            return description.metadata(self.manifest, endpoint, version)
        if content == frames.Content.CONFIG:
            return description.configuration(self.manifest, endpoint, batches.MOST_ROWS)
        return openapi.document(self.manifest, self._example, endpoint, version)

    def answers(self, values: batches.Values) -> Answers:
        """One value a row, of the first output: what is logged, joined with outcomes and binned. Of probabilities the class."""
        first = self._outputs[0]
        if len(self.series.apart) > 2:
            each = [batches.entries(values[name]) for name in self.series.apart]
            return tuple([self._likeliest(row) for row in zip(*each, strict=True)])
        entries = batches.entries(values[first.name])
        if len(first.shape) <= 1:
            return tuple(map(_plain, entries))
        if len(first.shape) == 2 and len(self._classes) == first.shape[1]:
            return tuple([self._likeliest(entry) for entry in entries])
        return (None,) * len(entries)

    def _likeliest(self, row: Sequence[float]) -> str:
        return self._classes[max(range(len(row)), key=row.__getitem__)]

    def bin(self, answers: Answers) -> int:
        """The prediction bin of row 0; -1: none."""
        return self._bins.of(answers[0]) if answers else -1


def _malformed(body: bytes, content: int, broken: Exception) -> errors.BodyMalformed:
    if content == frames.Content.CSV:
        return errors.BodyMalformed("the body is not UTF-8.", cure="Save the CSV as UTF-8.")
    cure = "JSON has no NaN and no Infinity; send null for a missing number." if _NUMBERS.search(body) else ""
    return errors.BodyMalformed(f"the body is not JSON: {broken}{'.' if cure else ''}", cure=cure)


_NUMBERS = re.compile(rb"[\[:,]\s*-?(NaN|Infinity)\b")


def _plain(entry: float | str | None) -> float | str | None:
    if type(entry) is float or entry is None:
        return entry
    return entry[:ANSWER_LETTERS] if isinstance(entry, str) else float(entry)
