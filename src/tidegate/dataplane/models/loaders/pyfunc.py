"""Any other flavour of MLflow, by its own `pyfunc`. The only loader that needs MLflow in the runtime.

Options: `trust_needed` (why the flavour runs code from the artifact; without it, it runs none).
"""

import os
import sys
from typing import Any

from tidegate.dataplane.models import batches, bundles
from tidegate.dataplane.models.loaders import arrays, trusted


class Model:
    """An MLflow model behind its pyfunc."""

    classes: tuple[Any, ...] = ()
    columns: tuple[str, ...] = ()

    def __init__(self, loaded: Any, bundle: bundles.Bundle) -> None:
        self._loaded = loaded
        self._read = arrays.reader(bundle.manifest.signature)
        self._outputs = bundle.manifest.signature.outputs

    def answer(self, batch: batches.Batch) -> Any:
        """What the model says, untouched."""
        return self._loaded.predict(self._read(batch))

    def predict(self, batch: batches.Batch) -> batches.Values:
        """Values by output name."""
        return arrays.values(self.answer(batch), self._outputs)

    def under(self, bundle: bundles.Bundle) -> "Model":
        """The same model under another manifest of the same files."""
        return Model(self._loaded, bundle)


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises TrustRequired before anything is read when its flavour runs code and nobody has trusted it."""
    if why := bundle.manifest.options.get("trust_needed"):
        trusted.demand(bundle, why)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.pyfunc  # noqa: PLC0415 - the bundle's own package, and a heavy one

    sys.dont_write_bytecode = True  # a bundle's folder stays as its digest says
    return Model(mlflow.pyfunc.load_model(str(bundle.entry)), bundle)
