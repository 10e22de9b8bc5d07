"""The codec of one manifest: a client's body -> a valid request, and a model's values -> a checked answer as bytes.

This is where the contract is kept: nothing reaches the model that its signature does not allow, and nothing leaves it either.
"""

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, bins, infer, outputs, rows
from tidegate.dataplane.wire import frames

MOST_ROWS = 50_000
"""Rows of one request: each row's answer travels in the reply's head, which has a limit of its own."""
ANSWER_LETTERS = 200
"""Letters of a text answer that travel in the reply's head."""
Answers = tuple[float | str | None, ...]


class Codec:
    """Both ways, for both contents."""

    def __init__(self, manifest: manifests.Manifest) -> None:
        """Raises SignatureMissing for a signature that cannot be served: no inputs, no outputs, an unknown type."""
        if not manifest.signature.inputs or not manifest.signature.outputs:
            raise errors.SignatureMissing
        self._outputs = manifest.signature.outputs
        self._loader = manifest.loader
        self._infer = infer.Infer(manifest.signature)
        self._rows = rows.Rows(manifest.signature)
        self._bins = bins.Bins(manifest.profile)
        classes = manifest.options.get("classes", "")
        self._classes: list[str] = msgspec.json.decode(classes) if classes else []

    def decode(self, body: bytes, content: int) -> batches.Request:
        """The request in a body. Raises BodyMalformed (not JSON) or InputInvalid (which column, which row, what was expected)."""
        try:
            if content == frames.Content.INFER:
                batch, identity, wanted = self._infer.decode(body)
                request = batches.Request(batch, content, identity, wanted)
            elif content == frames.Content.RECORDS:
                request = batches.Request(self._rows.decode(body), content)
            else:
                raise errors.ProtocolMismatch(f"content {content} is not known to this worker")
        except RecursionError as deep:
            raise errors.BodyMalformed("the body is nested too deeply") from deep
        except (msgspec.DecodeError, UnicodeDecodeError) as broken:
            raise errors.BodyMalformed(f"the body is not JSON: {broken}") from broken
        if request.batch.rows > MOST_ROWS:
            raise errors.InputInvalid(f"{request.batch.rows} rows are too many for one request; send at most {MOST_ROWS}")
        return request

    def checked(self, values: batches.Values, count: int) -> batches.Values:
        """The answer to `count` rows with optional NaN as None. Raises OutputInvalid when it breaks the contract."""
        values = outputs.nulled(self._outputs, values)
        if wrong := outputs.problem(self._outputs, values, count):
            raise errors.OutputInvalid(where=wrong)
        return values

    def encode(self, request: batches.Request, values: batches.Values, identity: tuple[str, str, str]) -> bytes:
        """The response body. `identity`: endpoint, version, prediction id."""
        if request.content == frames.Content.INFER:
            return self._infer.encode(request, values, identity)
        return self._rows.encode(values, identity[1], identity[2])

    def metadata(self, endpoint: str, version: str) -> bytes:
        """The model's v2 metadata."""
        return self._infer.metadata(endpoint, version, self._loader)

    def answers(self, values: batches.Values) -> Answers:
        """One value a row, of the first output: what is logged, joined with outcomes and binned."""
        first = self._outputs[0]
        entries = values[first.name]
        if len(first.shape) == 1 or not first.shape:
            return tuple(map(_plain, entries))
        if len(first.shape) == 2 and len(self._classes) == first.shape[1]:
            return tuple(self._classes[max(range(len(entry)), key=entry.__getitem__)] for entry in entries)
        return (None,) * len(entries)

    def bin(self, answers: Answers) -> int:
        """The prediction bin of row 0; -1: none."""
        return self._bins.of(answers[0]) if answers else -1


def _plain(entry: float | str | None) -> float | str | None:
    if type(entry) is float or entry is None:
        return entry
    return entry[:ANSWER_LETTERS] if isinstance(entry, str) else float(entry)
