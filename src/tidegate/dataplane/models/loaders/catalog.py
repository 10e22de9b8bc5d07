"""Which loader reads which format, and the one door to all of them."""

from collections.abc import Callable
from typing import Any, Protocol

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import batches, bundles
from tidegate.dataplane.models.loaders import lightgbm, onnx, pyfunc, python, sklearn, torch, xgboost


class Model(Protocol):
    """What a loader returns."""

    @property
    def classes(self) -> tuple[Any, ...]:
        """What a classifier tells apart, in the order of its probabilities; empty for others."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names it was trained with, in their order; empty where it does not say."""

    def answer(self, batch: batches.Batch) -> Any:
        """What the model says, untouched: for whoever makes the manifest. Raises whatever the model raises."""

    def predict(self, batch: batches.Batch) -> batches.Values:
        """The model's values by output name, one entry a row. Raises whatever the model raises."""

    def under(self, bundle: bundles.Bundle) -> "Model":
        """The same loaded model under another manifest of the same files."""


LOADERS: dict[str, Callable[[bundles.Bundle], Model]] = {
    "sklearn": sklearn.load,
    "onnx": onnx.load,
    "lightgbm": lightgbm.load,
    "xgboost": xgboost.load,
    "torch": torch.load,
    "python": python.load,
    "pyfunc": pyfunc.load,
}


def load(bundle: bundles.Bundle) -> Model:
    """The model in a verified bundle. Raises LoaderMissing, TrustRequired, or ModelLoadFailed with the model's own words."""
    loader = LOADERS.get(bundle.manifest.loader)
    if loader is None:
        raise errors.LoaderMissing(f"no loader is called {bundle.manifest.loader!r}; there are {', '.join(LOADERS)}")
    try:
        return loader(bundle)
    except errors.TidegateError:
        raise
    except ModuleNotFoundError as absent:
        raise errors.ModelLoadFailed(
            f"the model needs the package {absent.name}, which is not installed here",
            cure="Install what the model's requirements.txt lists.",
        ) from absent
    except (Exception, SystemExit) as raised:
        raise errors.ModelLoadFailed(f"{type(raised).__name__}: {raised}"[:2_000]) from raised
