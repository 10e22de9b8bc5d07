"""The model loaded once and asked its example: what its outputs are, which classes it tells apart, how its answers spread.

Runs foreign code, so only ever in the process that `children` starts for it, which has no credentials in its environment.
"""

import pathlib
import platform
from collections.abc import Iterator
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests, profiles
from tidegate.dataplane.models import agreement, batches, bins, bundles, datatypes, model, signature
from tidegate.dataplane.models.loaders import catalog
from tidegate.dataplane.wire import frames
from tidegate.delivery.registry import compiling, dependence, examples, packages

_UNIFORM = tuple(place / bins.MOST for place in range(1, bins.MOST))
_FEW = 64
"""Rows below which quantiles of probabilities say less than even steps from 0 to 1."""
_ROUNDING = 1e-3
"""By how much probabilities in FP16 may add up to something else than 1."""
_KINDS = {"f": "double", "i": "long", "u": "long", "b": "boolean", "M": "datetime"}
_TENSORS = {"f": "FP64", "i": "INT64", "u": "INT64", "b": "BOOL"}


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
    compiled: compiling.Compiled | None = None
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
    folder = pathlib.Path(asked.folder)
    bundle = bundles.Bundle(folder, asked.manifest)
    loaded = catalog.load(bundle)
    rows = asked.rows
    if not asked.exact and (names := loaded.columns):
        manifest = msgspec.structs.replace(asked.manifest, signature=_restricted(asked.manifest.signature, names))
        bundle, rows = bundles.Bundle(folder, manifest), [{name: row.get(name) for name in names} for row in rows]
        loaded = loaded.under(bundle)
    given = rows or examples.made_up(bundle.manifest.signature)
    batch = _batch(bundle.manifest, given)
    try:
        answer = loaded.answer(batch)
    except (Exception, SystemExit) as raised:
        raise _unanswered(rows, raised) from raised
    outputs, options = _outputs(answer, bundle.manifest, loaded.classes)
    final = msgspec.structs.replace(
        bundle.manifest,
        options={**bundle.manifest.options, **options},
        signature=msgspec.structs.replace(bundle.manifest.signature, outputs=outputs),
    )
    kept = given[: examples.KEPT]
    (folder / final.example).write_bytes(examples.body(kept))
    proven = bundles.Bundle(folder, final)
    answering = loaded.under(proven)
    ready = model.Model(proven, answering)
    ready.warm_up()
    values = ready.codec.checked(ready.predict(batch), batch.rows)
    if classes := _told_apart(final, values, answering.classes):
        final = msgspec.structs.replace(final, options={**final.options, "classes": msgspec.json.encode(classes).decode()})
        proven = bundles.Bundle(folder, final)
        ready = model.Model(proven, answering)
    if asked.sample:
        rows, values = _answered(ready, _fitting(ready, asked.sample))
    said = ready.codec.answers(values)
    spread = _spread(said if rows else (), final, loaded.classes)
    found = Profiled(final.signature, final.options, spread, kept, packages.here(final.loader), platform.python_version())
    if len(rows) >= profiles.FEWEST and final.signature.kind == "columns":
        importances = dependence.importances(ready, rows, said)
        beside = ready.codec.series.unpacked(values, len(rows))
        found = msgspec.structs.replace(found, answers=list(said), importances=importances, outputs=beside)
    if not asked.compile:
        yield found
        return
    yield msgspec.structs.replace(found, compiled=compiling.Compiled(compiling.UNENDED))
    outcome = compiling.compiled(proven, answering, batch, asked.tolerance)
    yield msgspec.structs.replace(found, compiled=outcome)


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


def _unanswered(rows: list[Any], raised: BaseException) -> errors.WarmupFailed:
    if rows:
        return errors.WarmupFailed(f"the model raised on its example: {model.words(raised)}")
    cure = "Log it with input_example=X[:20], or give --example rows.csv."
    return errors.WarmupFailed(
        f"the model has no input example, and a made-up one it did not answer: {model.words(raised)}.", cure=cure
    )


def _outputs(
    answer: Any, manifest: manifests.Manifest, classes: tuple[Any, ...]
) -> tuple[tuple[manifests.Column, ...], dict[str, str]]:
    """The outputs, and what the loader has to know of them: declared names are kept, the model's own answer decides the rest."""
    declared = manifest.signature.outputs
    shape = tuple(getattr(answer, "shape", ()))
    if manifest.options.get("method") == "predict_proba" and not hasattr(answer, "columns"):
        if len(shape) != 2:
            raise errors.OutputInvalid("the model answers probabilities for several outputs at once, which cannot be served.")
        listed = msgspec.json.encode([bins.said(one) for one in classes]).decode()
        if len(declared) == shape[1] > 1 and all(column.name for column in declared):
            return declared, {"classes": listed} if len(classes) == len(declared) else {}
        name = declared[0].name if len(declared) == 1 else ""
        if shape[1] == 2:
            return (manifests.Column(name or "probability", "double"),), {"positive": "1"}
        return (manifests.Column(name or "probabilities", "FP64", shape=(-1, shape[1])),), {"classes": listed}
    if declared:
        unnamed = "prediction" if len(declared) == 1 else "prediction_{}"
        return tuple(
            column if column.name else msgspec.structs.replace(column, name=unnamed.format(place))
            for place, column in enumerate(declared)
        ), {}
    return _inferred(answer), {}


def _inferred(answer: Any) -> tuple[manifests.Column, ...]:
    """Outputs as the answer itself shows them: a frame's columns, a dict's entries, or one called prediction."""
    import numpy as np  # noqa: PLC0415 - the model's own package

    if hasattr(answer, "columns"):
        return tuple(manifests.Column(str(name), _KINDS.get(answer[name].dtype.kind, "string")) for name in answer.columns)
    if isinstance(answer, dict) and answer:
        return tuple(_shown(str(name), np.asarray(entries)) for name, entries in answer.items())
    if isinstance(answer, list) or hasattr(answer, "dtype"):
        return (_shown("prediction", np.asarray(answer)),)
    raise errors.OutputInvalid(
        f"the model answers a {type(answer).__name__}, and its signature says no outputs.",
        cure="Log it with signature=infer_signature(X, model.predict(X)).",
    )


def _shown(name: str, entries: Any) -> manifests.Column:
    kind, shape = entries.dtype.kind, entries.shape
    if len(shape) < 2 or shape[1:] == (1,):
        return manifests.Column(name, _KINDS.get(kind, "string"))
    return manifests.Column(name, _TENSORS.get(kind, "BYTES"), shape=(-1, *shape[1:]))


def _told_apart(manifest: manifests.Manifest, values: batches.Values, classes: tuple[Any, ...]) -> list[str]:
    """The classes whose probabilities an output is, where nothing has said so: each row of it adds up to 1.

    By the model's own names where it has as many; else by the label that it answers beside them, where that always is the
    likeliest one's; else by their places, from 0. Empty where no output is probabilities.
    """
    outputs = manifest.signature.outputs
    wide = [one for one in outputs if len(one.shape) == 2 and one.shape[1] > 1 and datatypes.of(one).family == "number"]
    found = next((one for one in wide if _are_probabilities(batches.entries(values[one.name]))), None)
    if found is None or manifest.options.get("classes"):
        return []
    if len(classes) == found.shape[1]:
        return [bins.said(one) for one in classes]
    names = [str(place) for place in range(found.shape[1])]
    if len(outputs[0].shape) <= 1:
        labels = batches.entries(values[outputs[0].name])
        places = [max(range(len(row)), key=row.__getitem__) for row in batches.entries(values[found.name])]
        told = {place: bins.said(label) for place, label in zip(places, labels, strict=True)}
        if len(told) == len(names) and all(told[place] == bins.said(label) for place, label in zip(places, labels, strict=True)):
            return [told[place] for place in range(len(names))]
    return names


def _are_probabilities(table: list[list[float]]) -> bool:
    return all(None not in row and min(row) >= 0 and abs(sum(row) - 1) <= _ROUNDING for row in table)


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
