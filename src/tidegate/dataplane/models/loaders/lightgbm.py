"""LightGBM boosters, from LightGBM's own text format. The format is data. (Its scikit-learn wrappers are pickles: `sklearn`.)

Columns are taken by their place, as LightGBM itself does; missing numbers are NaN.
"""

import re
from typing import Any

from tidegate.dataplane.models import bundles
from tidegate.dataplane.models.loaders import arrayed, arrays


class Model(arrayed.Model):
    """A booster."""

    classes: tuple[Any, ...] = ()

    def __init__(self, booster: Any, bundle: bundles.Bundle) -> None:
        super().__init__(booster, bundle)
        signature = bundle.manifest.signature
        self._read = arrays.matrix(signature) if arrays.numeric(signature) else arrays.reader(signature)
        self._call = lambda given: booster.predict(given, num_threads=1)
        names = tuple(map(str, booster.feature_name()))
        # LightGBM writes blanks in names as underscores.
        written = {re.sub(r"\s", "_", column.name): column.name for column in signature.inputs}
        self.columns: tuple[str, ...] = () if names[:1] == ("Column_0",) else tuple(written.get(name, name) for name in names)


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises whatever LightGBM says of a file that is not its own."""
    import lightgbm  # noqa: PLC0415 - the bundle's own package

    return Model(lightgbm.Booster(model_file=str(bundle.entry)), bundle)
