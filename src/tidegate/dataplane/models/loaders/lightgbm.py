"""LightGBM boosters, from LightGBM's own text format. The format is data. (Its scikit-learn wrappers are pickles: `sklearn`.)

Columns are taken by their place, as LightGBM itself does; missing numbers are NaN.
"""

import re
from typing import Any

from tidegate.dataplane.models import batches, bundles
from tidegate.dataplane.models.loaders import arrays


class Model:
    """A booster."""

    classes: tuple[Any, ...] = ()

    def __init__(self, booster: Any, bundle: bundles.Bundle) -> None:
        signature = bundle.manifest.signature
        self._booster, self._outputs = booster, signature.outputs
        self._read = arrays.matrix(signature) if arrays.numeric(signature) else arrays.reader(signature)
        names = tuple(map(str, booster.feature_name()))
        # LightGBM writes blanks in names as underscores.
        written = {re.sub(r"\s", "_", column.name): column.name for column in signature.inputs}
        self.columns: tuple[str, ...] = () if names[:1] == ("Column_0",) else tuple(written.get(name, name) for name in names)

    def given(self, batch: batches.Batch) -> Any:
        """What the model is asked with: an array or a frame, its columns in the order the model has them."""
        return self._read(batch)

    def answer(self, batch: batches.Batch) -> Any:
        """What the model says, untouched."""
        return self._booster.predict(self._read(batch), num_threads=1)

    def predict(self, batch: batches.Batch) -> batches.Values:
        """Values by output name."""
        return arrays.values(self.answer(batch), self._outputs)

    def under(self, bundle: bundles.Bundle) -> "Model":
        """The same booster under another manifest of the same files."""
        return Model(self._booster, bundle)

    @property
    def original(self) -> Any:
        """What was loaded, for whoever compiles it."""
        return self._booster


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises whatever LightGBM says of a file that is not its own."""
    import lightgbm  # noqa: PLC0415 - the bundle's own package

    return Model(lightgbm.Booster(model_file=str(bundle.entry)), bundle)
