"""The model loaded once and asked its example: what its outputs are, which classes it tells apart, how its answers spread.

Runs foreign code, so only ever in the process that `children` starts for it, which has no credentials in its environment.
"""

import pathlib
import platform
from collections.abc import Iterator
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests, profiles
from tidegate.dataplane.models import agreement, batches, bins, bundles, model, signature
from tidegate.dataplane.models.loaders import catalog
from tidegate.dataplane.wire import frames
from tidegate.delivery.compiling import converting
from tidegate.delivery.describing import examples
from tidegate.delivery.registry import dependence, outputs
from tidegate.delivery.runtimes import packages

_UNIFORM = tuple(place / bins.MOST for place in range(1, bins.MOST))
_FEW = 64
"""Rows below which quantiles of probabilities say less than even steps from 0 to 1."""


class Asked(msgspec.Struct, frozen=True):
    """What the process is to look at."""

    folder: str
    manifest: manifests.Manifest
    """Its outputs are what was declared; a column without a name has none yet."""
    rows: list[Any]
    exact: bool
    compile: bool = False
    tolerance: float = agreement.TOLERANCE
    sample: list[dict[str, Any]] = []
    """Rows of the training data, which are answered for the baseline profile instead of the example's."""


class Profiled(msgspec.Struct, frozen=True):
    """What it found."""

    signature: manifests.Signature
    options: dict[str, str]
    profile: manifests.Profile
    rows: list[Any]
    """The example rows to keep."""
    lock: tuple[str, ...]
    """Versions of the packages it was loaded with here."""
    python: str
    compiled: converting.Compiled | None = None
    answers: list[float | str | None] = []
    """To the rows that were given, where they are many enough for a baseline profile."""
    outputs: dict[str, list[float | str | None]] = {}
    """Likewise what its outputs say beside these, by series (`models.series`)."""
    importances: dict[str, float] = {}
    """By input column, how much the answers depend on it (`dependence`); the mean is 1."""


def profile(asked: Asked) -> Iterator[Profiled]:
    """Load the model and ask it; then once more with what came of compiling it, where that is asked for.

    A converter may end the process: what was found before has been said by then.
    Raises what loading raises, WarmupFailed, OutputInvalid, or ModelSourceInvalid for an example that lacks columns.
    """
    bundle, loaded, rows = _loaded(asked)
    given = rows or examples.made_up(bundle.manifest.signature)
    batch = _batch(bundle.manifest, given)
    proven = bundles.Bundle(bundle.folder, _with_outputs(bundle.manifest, loaded, batch, made_up=not rows))
    kept = given[: examples.KEPT]
    (proven.folder / proven.manifest.example).write_bytes(examples.body(kept))
    answering = loaded.under(proven)
    ready = model.Model(proven, answering)
    ready.warm_up()
    values = ready.codec.checked(ready.predict(batch), batch.rows)
    if classes := outputs.classes(proven.manifest, values, answering.classes):
        proven = bundles.Bundle(proven.folder, _with_options(proven.manifest, classes=msgspec.json.encode(classes).decode()))
        ready = model.Model(proven, answering)
    if asked.sample:
        rows, values = _answered(ready, _fitting(ready, asked.sample))
    found = msgspec.structs.replace(_profiled(ready, loaded.classes, rows, values), rows=kept)
    if not asked.compile:
        yield found
        return
    yield msgspec.structs.replace(found, compiled=converting.Compiled(converting.UNENDED))
    outcome = converting.compiled(proven, answering, batch, asked.tolerance)
    yield msgspec.structs.replace(found, compiled=outcome)


def _loaded(asked: Asked) -> tuple[bundles.Bundle, catalog.Model, list[Any]]:
    """The model, and the rows of its example: where these may have more, with the columns that it was trained with."""
    bundle = bundles.Bundle(pathlib.Path(asked.folder), asked.manifest)
    loaded = catalog.load(bundle)
    if asked.exact or not (names := loaded.columns):
        return bundle, loaded, asked.rows
    manifest = msgspec.structs.replace(asked.manifest, signature=_restricted(asked.manifest.signature, names))
    bundle = bundles.Bundle(bundle.folder, manifest)
    return bundle, loaded.under(bundle), [{name: row.get(name) for name in names} for row in asked.rows]


def _with_outputs(
    manifest: manifests.Manifest, loaded: catalog.Model, batch: batches.Batch, *, made_up: bool
) -> manifests.Manifest:
    """The manifest with the outputs that an answer to this batch shows. Raises WarmupFailed, OutputInvalid."""
    try:
        answer = loaded.answer(batch)
    except (Exception, SystemExit) as raised:
        raise _unanswered(raised, made_up=made_up) from raised
    columns, options = outputs.of(answer, manifest, loaded.classes)
    found = msgspec.structs.replace(manifest, signature=msgspec.structs.replace(manifest.signature, outputs=columns))
    return _with_options(found, **options)


def _with_options(manifest: manifests.Manifest, **more: str) -> manifests.Manifest:
    return msgspec.structs.replace(manifest, options={**manifest.options, **more})


def _profiled(ready: model.Model, classes: tuple[Any, ...], rows: list[Any], values: batches.Values) -> Profiled:
    """What the answers to these rows say; of a made-up row, nothing of how they spread."""
    manifest, said = ready.codec.manifest, ready.codec.answers(values)
    found = Profiled(
        signature=manifest.signature,
        options=manifest.options,
        profile=_spread(said if rows else (), manifest, classes),
        rows=[],
        lock=packages.here(manifest.loader),
        python=platform.python_version(),
    )
    if len(rows) < profiles.FEWEST or manifest.signature.kind != "columns":
        return found
    return msgspec.structs.replace(
        found,
        answers=list(said),
        outputs=ready.codec.series.unpacked(values, len(rows)),
        importances=dependence.importances(ready, rows, said),
    )


def _fitting(ready: model.Model, sample: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that the signature allows, as requests have to. Raises ModelSourceInvalid for columns that are not there, or where
    too few are left.
    """
    names = [column.name for column in ready.codec.manifest.signature.inputs if column.required]
    if sample and (lacking := [name for name in names if name not in sample[0]]):
        raise errors.ModelSourceInvalid(f"the training data lacks columns that the model takes: {', '.join(lacking)}.")
    known = {column.name for column in ready.codec.manifest.signature.inputs}
    rows = [{name: value for name, value in row.items() if name in known} for row in sample]
    try:
        ready.codec.decode(examples.body(rows), frames.Content.RECORDS)
    except errors.RequestError:
        rows = [row for row in rows if _fits(ready, row)]
        if len(rows) < profiles.FEWEST:
            raise errors.ModelSourceInvalid(
                f"of {len(sample):,} rows of the training data the model's signature allows {len(rows):,}.",
                cure="See whether its columns are those that the model takes, and which of them may be missing.",
            ) from None
    return rows


def _fits(ready: model.Model, row: dict[str, Any]) -> bool:
    try:
        ready.codec.decode(examples.body([row]), frames.Content.RECORDS)
    except errors.RequestError:
        return False
    return True


def _answered(ready: model.Model, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], batches.Values]:
    """Rows that the model answers, and its answers: all, else those without a missing value, which training may have dropped.

    Raises OutputInvalid, WarmupFailed.
    """
    whole = [row for row in rows if None not in row.values()]
    try:
        return rows, _said(ready, rows)
    except errors.ModelError:
        if not profiles.FEWEST <= len(whole) < len(rows):
            raise
    return whole, _said(ready, whole)


def _said(ready: model.Model, rows: list[dict[str, Any]]) -> batches.Values:
    batch = ready.codec.decode(examples.body(rows), frames.Content.RECORDS).batch
    try:
        return ready.codec.checked(ready.predict(batch), batch.rows)
    except errors.TidegateError:
        raise
    except (Exception, SystemExit) as raised:
        raise errors.WarmupFailed(f"the model raised on its training data: {model.words(raised)}") from raised


def _restricted(seen: manifests.Signature, names: tuple[str, ...]) -> manifests.Signature:
    """The example's columns that the model was trained with, in its own order."""
    by_name = {column.name: column for column in seen.inputs}
    if absent := [name for name in names if name not in by_name]:
        raise errors.ModelSourceInvalid(f"the example lacks columns that the model was trained with: {', '.join(absent)}.")
    return msgspec.structs.replace(seen, inputs=tuple(by_name[name] for name in names))


def _batch(manifest: manifests.Manifest, rows: list[Any]) -> batches.Batch:
    # A codec needs outputs; what they are is not known yet, and no answer is encoded with this one.
    draft = msgspec.structs.replace(manifest.signature, outputs=(manifests.Column("unknown", "double"),))
    codec = signature.Codec(msgspec.structs.replace(manifest, signature=draft))
    try:
        return codec.decode(examples.body(rows), frames.Content.RECORDS).batch
    except errors.RequestError as wrong:
        raise errors.WarmupFailed(f"the example does not fit the model's own signature: {wrong}") from wrong


def _unanswered(raised: BaseException, *, made_up: bool) -> errors.WarmupFailed:
    if not made_up:
        return errors.WarmupFailed(f"the model raised on its example: {model.words(raised)}")
    cure = "Log it with input_example=X[:20], or give --example rows.csv."
    return errors.WarmupFailed(
        f"the model has no input example, and a made-up one it did not answer: {model.words(raised)}.", cure=cure
    )


def _spread(said: signature.Answers, manifest: manifests.Manifest, classes: tuple[Any, ...]) -> manifests.Profile:
    """The baseline profile: classes where the answer is one, else edges with about equally many answers between them."""
    options = manifest.options
    if options.get("positive"):
        numbers = [value for value in said if isinstance(value, float)]
        return manifests.Profile(len(said), bins.edges(numbers) if len(numbers) >= _FEW else _UNIFORM)
    if classes and (options.get("classes") or options.get("method", "predict") == "predict"):
        return manifests.Profile(len(said), classes=tuple(bins.said(one) for one in classes[: bins.OTHER]))
    if any(isinstance(value, str) for value in said):
        return manifests.Profile(len(said), classes=tuple(sorted({str(value) for value in said})[: bins.OTHER]))
    return manifests.Profile(len(said), bins.edges([value for value in said if isinstance(value, float)]))
