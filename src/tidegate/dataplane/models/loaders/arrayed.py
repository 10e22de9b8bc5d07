"""Models that are asked with an array or a frame of their columns: what `sklearn`, `xgboost` and `lightgbm` share."""

from collections.abc import Callable
from typing import Any, Self

from tidegate.dataplane.models import batches, bundles
from tidegate.dataplane.models.loaders import arrays


class Model:
    """One that was loaded. Its loader says how it is read for and called."""

    _read: arrays.Reader
    _call: Callable[[Any], Any]

    def __init__(self, original: Any, bundle: bundles.Bundle) -> None:
        self.original = original
        """What was loaded, for whoever compiles it."""
        self._outputs = bundle.manifest.signature.outputs
        self._positive = arrays.positive(bundle.manifest)

    def given(self, batch: batches.Batch) -> Any:
        """What the model is asked with: an array or a frame, its columns in the order the model has them."""
        return self._read(batch)

    def answer(self, batch: batches.Batch) -> Any:
        """What the model says, untouched."""
        return self._call(self._read(batch))

    def predict(self, batch: batches.Batch) -> batches.Values:
        """Values by output name; with a positive class, its probability."""
        return arrays.values(self.answer(batch), self._outputs, self._positive)

    def under(self, bundle: bundles.Bundle) -> Self:
        """The same model under another manifest of the same files."""
        return type(self)(self.original, bundle)
