"""What a process of the bundle's runtime is asked: requests to compute once more, and to explain; and what it answers."""

import pathlib
from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import errors, explanations
from tidegate.dataplane.models import batches, bundles, model, signature
from tidegate.dataplane.models.explaining import cases, explainer, originals
from tidegate.dataplane.models.loaders import catalog
from tidegate.dataplane.wire import frames, samples


class Question(msgspec.Struct, frozen=True):
    """One row of one logged request."""

    sample: samples.Sample
    row: int
    identity: tuple[str, str, str]
    """Endpoint, version and prediction id: what its response names."""
    seed: int
    explain: bool = True


class Asked(msgspec.Struct, frozen=True):
    """All that one process is asked."""

    bundles: str
    digest: str
    questions: tuple[Question, ...]
    background: tuple[samples.Sample, ...]
    """Logged requests, the newest first; where they have too few rows the bundle's example is taken."""
    seconds: float = explainer.SECONDS
    """For each explanation that draws."""
    originals: str = ""
    """Where models are from which bundles were compiled."""


class Answer(msgspec.Struct, frozen=True):
    """What came of one question."""

    trouble: str = ""
    """Why it cannot be computed or explained; what could be is here all the same."""
    answers: signature.Answers = ()
    """By row, as the log has them."""
    output: bytes = b""
    """The response's body."""
    explained: explanations.Explained | None = None


class Answered(msgspec.Struct, frozen=True):
    """What came of all of them, in their order."""

    answers: tuple[Answer, ...]
    logged: bool
    """Whether the background is of logged requests; else it is the bundle's example."""


FEWEST = 20
"""Logged rows from which on they are the background."""


def answer(asked: Asked) -> Answered:
    """Load the bundle, every byte checked, and answer. Raises what loading does, and NotExplainable without any cases."""
    bundle = bundles.read(pathlib.Path(asked.bundles), asked.digest)
    explaining = any(one.explain for one in asked.questions)
    if explaining:
        cases.demand(bundle.manifest.signature)
    loaded = catalog.load(bundle)
    answering = model.Model(bundle, loaded)
    background, logged = _background(answering.codec, bundle, asked.background) if explaining else (None, False)
    original = originals.found(asked.originals, bundle.manifest) if explaining else originals.NONE
    taken_apart = explainer.Explainer(bundle, loaded, answering.codec, asked.seconds, original)
    found = [_one(answering, taken_apart, one, background) for one in asked.questions]
    return Answered(tuple(found), logged)


def _one(answering: model.Model, taken_apart: explainer.Explainer, one: Question, background: batches.Batch | None) -> Answer:
    codec = answering.codec
    try:
        request = decoded(codec, one.sample)
    except errors.RequestError as wrong:
        return Answer(f"its logged input does not fit the model's signature: {wrong.message}")
    if one.row >= request.batch.rows:
        rows = request.batch.rows
        return Answer(f"it has no row {one.row}: its request had {rows} row{'' if rows == 1 else 's'}, counted from 0.")
    try:
        values = codec.checked(answering.predict(request.batch), request.batch.rows)
        answers = codec.answers(values)
        output, _ = codec.encode(request, values, one.identity)
    except errors.TidegateError as wrong:
        return Answer(f"the model does not answer it now: {wrong}")
    except (Exception, SystemExit) as raised:
        return Answer(f"the model does not answer it now: {model.words(raised)[:300]}")
    if not one.explain or background is None:
        return Answer("", answers, output)
    try:
        return Answer("", answers, output, taken_apart.explain(request.batch, one.row, background, one.seed))
    except errors.NotExplainable as wrong:
        return Answer(wrong.message, answers, output)


def decoded(codec: signature.Codec, sample: samples.Sample) -> batches.Request:
    """A logged request. The log does not say whether its endpoint took "3" for 3 then: what is refused is tried so."""
    try:
        return codec.decode(sample.body, sample.content, sample.json_bytes)
    except errors.InputInvalid:
        return codec.decode(sample.body, sample.content, sample.json_bytes, coerce=True)


def _background(codec: signature.Codec, bundle: bundles.Bundle, logged: Sequence[samples.Sample]) -> tuple[batches.Batch, bool]:
    """Typical cases: rows of logged requests where there are enough, else the bundle's example."""
    found: list[batches.Batch] = []
    rows = 0
    for sample in logged:
        if rows >= cases.MOST_BACKGROUND:
            break
        try:
            batch = decoded(codec, sample).batch
        except errors.RequestError:
            continue  # redacted, or of a version with another signature
        if not found or batch.key == found[0].key:
            found.append(batch)
            rows += batch.rows
    if rows >= FEWEST:
        return batches.joined(found), True
    example = bundle.example()
    if not example and not found:
        raise errors.NotExplainable(
            "there are no typical cases to hold it against: no logged inputs, and no example in the bundle."
        )
    if not example:
        return batches.joined(found), True
    return codec.decode(example, frames.Content.RECORDS).batch, False
