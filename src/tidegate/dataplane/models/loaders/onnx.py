"""ONNX models, by ONNX Runtime on one thread. The format is data: loading it runs no code of the model's maker.

Options: `output` (the one output of the graph that is the answer; else all of them by name), `positive` (the class whose
probability is the answer), `finite` (JSON list of the columns in which the original refused a missing or infinite number; its
compiled form then does so too).
"""

from collections.abc import Callable
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, bundles
from tidegate.dataplane.models.loaders import arrays, sessions


class Model:
    """A session with what its signature makes of it."""

    columns: tuple[str, ...] = ()

    def __init__(self, session: Any, bundle: bundles.Bundle) -> None:
        """Raises ModelLoadFailed where signature or options do not fit the graph."""
        manifest = bundle.manifest
        self._session, self._run = session, session.run
        self._outputs = manifest.signature.outputs
        self._feed = _guarded(sessions.feeder(session, manifest.signature), manifest)
        there = [output.name for output in session.get_outputs()]
        chosen = manifest.options.get("output", "")
        if chosen and chosen not in there:
            raise errors.ModelLoadFailed(f"the ONNX model has no output {chosen}; it has {', '.join(there)}")
        self._names = [chosen] if chosen else _named(there, manifest)
        self._sole = len(self._names) == 1
        self._positive = arrays.positive(manifest)
        self.classes: tuple[Any, ...] = ()

    def answer(self, batch: batches.Batch) -> Any:
        """The array of the only output, or arrays by name."""
        said = [self._plain(one) for one in self._run(self._names, self._feed(batch))]
        return said[0] if self._sole else dict(zip(self._names, said, strict=True))

    def predict(self, batch: batches.Batch) -> batches.Values:
        """Values by output name; with a positive class, its probability."""
        if not self._sole:
            return arrays.values(self.answer(batch), self._outputs)
        answer = self._plain(self._run(self._names, self._feed(batch))[0])
        return arrays.values(answer, self._outputs, self._positive)

    def under(self, bundle: bundles.Bundle) -> "Model":
        """The same session under another manifest of the same files."""
        found = Model(self._session, bundle)
        found.classes = self.classes
        return found

    def _plain(self, said: Any) -> Any:
        """A ZipMap (a dict a row) as the array of its probabilities; everything else as it is."""
        if not isinstance(said, list) or not said or not isinstance(said[0], dict):
            return said
        import numpy as np  # noqa: PLC0415 - the bundle's own package

        self.classes = tuple(said[0])
        return np.array([[row[one] for one in self.classes] for row in said])


def _named(there: list[str], manifest: manifests.Manifest) -> list[str]:
    """The graph's outputs that the signature names; those of `predict_proba` are a classifier's last; else all there are."""
    if manifest.options.get("method") == "predict_proba":
        return there[-1:]
    declared = [output.name for output in manifest.signature.outputs]
    if declared and all(name in there for name in declared):
        return declared
    return there[: len(declared)] if declared else there


def _guarded(feed: sessions.Feed, manifest: manifests.Manifest) -> sessions.Feed:
    refusing = msgspec.json.decode(manifest.options.get("finite") or "[]", type=list[str])
    if not refusing:
        return feed
    import numpy as np  # noqa: PLC0415 - the bundle's own package

    names = [column.name for column in manifest.signature.inputs]
    places = [names.index(name) for name in refusing]
    everywhere = len(places) == len(names) or manifest.signature.kind == "tensor"
    check = _whole(np) if everywhere else _some(np, places, refusing)

    def guarded(batch: batches.Batch) -> dict[str, Any]:
        fed = feed(batch)
        check(fed)
        return fed

    return guarded


REFUSED = "the input has a missing or infinite number, which this model does not take"


def _whole(np: Any) -> Callable[[dict[str, Any]], None]:
    def check(fed: dict[str, Any]) -> None:
        for values in fed.values():
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ValueError(REFUSED)

    return check


def _some(np: Any, places: list[int], names: list[str]) -> Callable[[dict[str, Any]], None]:
    def check(fed: dict[str, Any]) -> None:
        for values in (fed[name] for name in names) if names[0] in fed else (next(iter(fed.values()))[:, places],):
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ValueError(REFUSED)

    return check


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises ModelLoadFailed."""
    return Model(sessions.opened(bundle.entry), bundle)
