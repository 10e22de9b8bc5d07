"""A model converted to ONNX and held to its original, row by row; used only where the two answer alike.

Runs in the process that has just profiled the model. What it is held to: all rows of the data that came with the model, `probes`
between them, each row alone as well, and what the original refuses (missing numbers, unseen text): what it refuses, its compiled
form has to refuse too.
"""

import importlib.metadata
from collections.abc import Iterator
from typing import Any

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import agreement, batches, bundles
from tidegate.dataplane.models.loaders import arrayed, catalog
from tidegate.delivery.compiling import graphs, probes

FILE = "compiled.onnx"
"""Written beside the bundle's folder; moved into it when it is used."""
LISTED = 20
"""Disagreements that a report lists."""
ALONE = 20
"""Rows that are also asked one by one: what batches of one do to sums in another order."""
UNENDED = "the conversion did not come to an end"


class Disagreement(msgspec.Struct, frozen=True):
    """One answer that differs."""

    row: int
    """Of the data; from its end on, of the probes."""
    output: str
    original: Any
    compiled: Any


class Compiled(msgspec.Struct, frozen=True):
    """What came of it; without `loader` the original is used, for the reason given."""

    reason: str = ""
    loader: str = ""
    options: dict[str, str] = {}
    tried: tuple[tuple[str, str], ...] = ()
    """(what was tried, how it failed), in order."""
    graph: str = ""
    """What is used."""
    rows: int = 0
    probes: int = 0
    worst: float = 0.0
    """The largest difference, in tolerances: 1 is just allowed."""
    differing: int = 0
    disagreements: tuple[Disagreement, ...] = ()
    lock: tuple[str, ...] = ()


def compiled(bundle: bundles.Bundle, loaded: catalog.Model, batch: batches.Batch, tolerance: float) -> Compiled:
    """The model of a profiled bundle converted and compared over a batch of its own data. Raises nothing the model causes."""
    if bundle.manifest.loader == "onnx":
        return Compiled("it is ONNX already")
    original = loaded.original if isinstance(loaded, arrayed.Model) else None
    if original is None or type(original).__module__.partition(".")[0] not in graphs.CONVERTED:
        what = f"the loader {bundle.manifest.loader}" if original is None else f"a {type(original).__name__}"
        return Compiled(f"there is no converter for {what}")
    try:
        return _tried(bundle, original, _Original(bundle.manifest, loaded, batch), tolerance)
    except ModuleNotFoundError as absent:
        return Compiled(f"{absent.name} is not installed where the model runs (pip install 'tidegate[compile]')")
    except Exception as raised:
        return Compiled(f"the conversion failed: {graphs.words(raised)}")


def _tried(bundle: bundles.Bundle, original: Any, held: "_Original", tolerance: float) -> Compiled:
    failed: list[tuple[str, str]] = []
    nearest = Compiled()
    for name, graph, output in graphs.tried(original, bundle.manifest):
        if isinstance(graph, str):
            failed.append((name, graph))
            continue
        (bundle.folder.parent / FILE).write_bytes(graph)
        found = held.compare(_candidate(bundle, output), tolerance)
        if not found.reason:
            return msgspec.structs.replace(found, graph=name, tried=tuple(failed), lock=_packages())
        failed.append((name, found.reason))
        if found.rows and (not nearest.rows or found.differing < nearest.differing):
            nearest = found
    (bundle.folder.parent / FILE).unlink(missing_ok=True)
    return msgspec.structs.replace(nearest, reason=_why(failed), loader="", options={}, tried=tuple(failed))


def _why(failed: list[tuple[str, str]]) -> str:
    """One reason out of several: an answer that differs says more than a graph that could not be made."""
    reasons = [reason for _, reason in failed]
    return next((reason for reason in reasons if "answers differ" in reason), reasons[0] if reasons else "nothing to convert")


def _packages() -> tuple[str, ...]:
    """All that the compiled form needs."""
    return tuple(f"{name}=={importlib.metadata.version(name)}" for name in ("numpy", "onnxruntime"))


def _candidate(bundle: bundles.Bundle, output: str) -> bundles.Bundle:
    kept = {key: value for key, value in bundle.manifest.options.items() if key in ("method", "positive", "classes")}
    changed = msgspec.structs.replace(bundle.manifest, loader="onnx", entry=FILE, options={**kept, "output": output}, trust="")
    return bundles.Bundle(bundle.folder.parent, changed)


class _Original:
    """What the original answers, asked once."""

    def __init__(self, manifest: manifests.Manifest, loaded: catalog.Model, batch: batches.Batch) -> None:
        self._outputs = manifest.signature.outputs
        table = probes.Table(manifest.signature, batch)
        probed = probes.rows(table)
        self._data, self._probed = (batch, loaded.predict(batch)), (probed, loaded.predict(probed))
        self._alone = [
            (table.batch([column[row : row + 1] for column in table.columns]), row) for row in range(min(ALONE, batch.rows))
        ]
        self._singles = [(single, _said(loaded, single.batch)) for single in probes.singles(table)]

    def compare(self, candidate: bundles.Bundle, tolerance: float) -> Compiled:
        """Whether a candidate answers alike, and with which options it does."""
        try:
            model = catalog.load(candidate)
            found = self._rows(model, tolerance)
        except Exception as raised:
            return Compiled(graphs.words(raised))
        if found.reason:
            return found
        finite = sorted({single.name for single, said in self._singles if said is None and single.value is None})
        options = {**candidate.manifest.options, **({"finite": msgspec.json.encode(finite).decode()} if finite else {})}
        proven = bundles.Bundle(candidate.folder, msgspec.structs.replace(candidate.manifest, options=options))
        reason = self._refusals(model.under(proven), tolerance)
        return msgspec.structs.replace(found, reason=reason, loader="onnx", options=options)

    def _rows(self, model: catalog.Model, tolerance: float) -> Compiled:
        worst, wrong = 0.0, []
        for (batch, expected), begin in ((self._data, 0), (self._probed, self._data[0].rows)):
            for one, distance in self._differences(expected, model.predict(batch), begin):
                worst = max(worst, distance / tolerance)
                wrong += [one] if distance > tolerance else []
        for batch, row in self._alone:
            expected = {name: entries[row : row + 1] for name, entries in self._data[1].items()}
            for one, distance in self._differences(expected, model.predict(batch), row):
                wrong += [one] if distance > tolerance else []
        rows, probed = self._data[0].rows, self._probed[0].rows
        rows_wrong = len({one.row for one in wrong})
        reason = f"its answers differ in {rows_wrong} of {rows + probed} rows" if wrong else ""
        return Compiled(
            reason, rows=rows, probes=probed, worst=min(worst, 1e300), differing=rows_wrong, disagreements=tuple(wrong[:LISTED])
        )

    def _differences(self, expected: batches.Values, got: batches.Values, begin: int) -> Iterator[tuple[Disagreement, float]]:
        for output in self._outputs:
            ours, theirs = batches.entries(expected[output.name]), batches.entries(got[output.name])
            for row, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                yield Disagreement(begin + row, output.name, one, other), agreement.apart(one, other)

    def _refusals(self, model: catalog.Model, tolerance: float) -> str:
        for single, said in self._singles:
            other = _said(model, single.batch)
            what = "a missing value" if single.value is None else "an unseen value"
            if said is None and other is not None:
                return f"the original refuses {what} in `{single.name}`, and its converted form does not"
            if said is not None and other is None:
                return f"the original takes {what} in `{single.name}`, and its converted form does not"
            if said is None or other is None:
                continue
            if any(distance > tolerance for _, distance in self._differences(said, other, 0)):
                return f"its answers differ for {what} in `{single.name}`"
        return ""


def _said(model: catalog.Model, batch: batches.Batch) -> batches.Values | None:
    """Its answer; None where it refuses."""
    try:
        return model.predict(batch)
    except Exception:
        return None
