"""XGBoost models, from XGBoost's own JSON or UBJSON: boosters and the scikit-learn wrappers. The format is data.

Options: `class` (XGBClassifier, XGBRegressor, ...; without it a Booster), `method` (predict, predict_proba), `positive`.
"""

import re
from collections.abc import Callable
from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import bundles
from tidegate.dataplane.models.loaders import arrayed, arrays, estimators

WRAPPER = re.compile(r"XGB[A-Za-z]*")


class Model(arrayed.Model):
    """A booster or one of XGBoost's estimators."""

    def __init__(self, loaded: Any, bundle: bundles.Bundle) -> None:
        """Raises ModelLoadFailed when it has no such method as the manifest names."""
        super().__init__(loaded, bundle)
        manifest = bundle.manifest
        numeric = arrays.numeric(manifest.signature)
        self._read = self._ordered(manifest.signature) if numeric else arrays.reader(manifest.signature)
        self._call = self._method(manifest.options.get("method", "predict"), numeric)

    def _ordered(self, signature: manifests.Signature) -> arrays.Reader:
        """A matrix of the columns as the model was trained with them, which may be another order than the signature's."""
        read = arrays.matrix(signature)
        given = tuple(column.name for column in signature.inputs)
        trained = self.columns
        if signature.kind == "tensor" or trained == given or set(trained) != set(given):
            return read
        order = [given.index(name) for name in trained]
        return lambda batch: read(batch)[:, order]

    def _method(self, method: str, numeric: bool) -> Callable[[Any], Any]:
        if hasattr(self.original, "get_xgb_params"):
            if not hasattr(self.original, method):
                raise errors.ModelLoadFailed(f"a {type(self.original).__name__} has no method {method}")
            found: Callable[[Any], Any] = getattr(self.original, method)
            return found
        if numeric:
            # Straight from the array: a DMatrix is made, and checked, for each call otherwise.
            return lambda given: self.original.inplace_predict(given, validate_features=False)
        import xgboost  # noqa: PLC0415 - the bundle's own package

        return lambda given: self.original.predict(xgboost.DMatrix(given))

    @property
    def classes(self) -> tuple[Any, ...]:
        """What a classifier tells apart; empty for others."""
        return estimators.classes(self.original)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names it was trained with, in their order; empty where it does not say."""
        booster = self.original.get_booster() if hasattr(self.original, "get_booster") else self.original
        return tuple(map(str, booster.feature_names or ()))


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises ModelLoadFailed for a class that is not XGBoost's own."""
    import xgboost  # noqa: PLC0415 - the bundle's own package

    name = bundle.manifest.options.get("class", "")
    if name and not (WRAPPER.fullmatch(name) and hasattr(xgboost, name)):
        raise errors.ModelLoadFailed(f"xgboost {xgboost.__version__} has no estimator {name}")
    loaded: Any = getattr(xgboost, name)() if name else xgboost.Booster()
    loaded.load_model(str(bundle.entry))
    if name:
        loaded.set_params(n_jobs=1)
    else:
        loaded.set_param({"nthread": 1})
    return Model(loaded, bundle)
