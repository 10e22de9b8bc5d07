"""Any other flavour of MLflow, by its own `pyfunc`. The only loader that needs MLflow in the runtime.

Options: `trust_needed` (yes when the flavour runs code from the artifact).
"""

import os
import sys
from typing import Any

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import batches, bundles
from tidegate.dataplane.models.loaders import arrays


class Model:
    """An MLflow model behind its pyfunc."""

    def __init__(self, loaded: Any, bundle: bundles.Bundle) -> None:
        self._predict = loaded.predict
        self._read = arrays.reader(bundle.manifest.signature)
        self._outputs = bundle.manifest.signature.outputs

    def predict(self, batch: batches.Batch) -> batches.Values:
        """Values by output name."""
        return arrays.values(self._predict(self._read(batch)), self._outputs)


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises TrustRequired before anything is read when its flavour runs code and nobody has trusted it."""
    if bundle.manifest.options.get("trust_needed") and bundle.manifest.trust != "pickle":
        raise errors.TrustRequired(
            f"{bundle.manifest.options['trust_needed']}: loading it runs code.",
            cure="If you trust its author, write `trust: pickle` in tidegate.yaml.",
        )
    sys.dont_write_bytecode = True  # a bundle's folder stays as its digest says
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.pyfunc  # noqa: PLC0415 - the bundle's own package, and a heavy one

    return Model(mlflow.pyfunc.load_model(str(bundle.entry)), bundle)
