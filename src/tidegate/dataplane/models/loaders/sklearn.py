"""scikit-learn models, from skops (data, no code) or, where the manifest trusts them, pickle, cloudpickle and joblib.

Options: `format` (skops, pickle, cloudpickle, joblib), `method` (predict, predict_proba, ...), `positive` (the class whose
probability is the answer), `code` (a folder of modules to put on the path), `types` (JSON list of types beyond skops' own).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import bundles
from tidegate.dataplane.models.loaders import arrayed, arrays, estimators, trusted

SAFE = ("sklearn.", "numpy.dtype")
"""Types that skops asks about and that run nothing: tree nodes, losses and the like. Others are code to be trusted."""


class Model(arrayed.Model):
    """An estimator or pipeline."""

    def __init__(self, estimator: Any, bundle: bundles.Bundle) -> None:
        """Raises ModelLoadFailed when the estimator has no such method as the manifest names."""
        super().__init__(estimator, bundle)
        options, signature = bundle.manifest.options, bundle.manifest.signature
        method = options.get("method", "predict")
        if not hasattr(estimator, method):
            raise errors.ModelLoadFailed(f"a {type(estimator).__name__} has no method {method}")
        self.columns = estimators.names(estimator)
        """The names it was trained with, in their order; empty where it was trained on an array."""
        by_place = self._by_place(signature)
        self._read = arrays.matrix(signature) if by_place else arrays.reader(signature)
        self._call = estimators.nameless(estimator, method) if by_place else getattr(estimator, method)

    def _by_place(self, signature: manifests.Signature) -> bool:
        given = tuple(column.name for column in signature.inputs)
        in_order = signature.kind == "tensor" or self.columns in ((), given)
        return in_order and arrays.numeric(signature) and estimators.by_place(self.original)

    @property
    def classes(self) -> tuple[Any, ...]:
        """What a classifier tells apart, in the order of its probabilities; empty for others."""
        return estimators.classes(self.original)


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises TrustRequired before anything is read when its format runs code and nobody has trusted it."""
    options = bundle.manifest.options
    if code := options.get("code", ""):
        trusted.demand(bundle, f"{code}/ holds the model's own code")
        trusted.put_on_path(bundle.folder / code)
    if options.get("format") == "skops":
        return Model(_skops(bundle, msgspec.json.decode(options.get("types") or "[]", type=list[str])), bundle)
    trusted.demand(bundle, f"{bundle.manifest.entry} is a {options.get('format', 'pickle')}")
    return Model(_pickle(bundle, options.get("format", "pickle")), bundle)


def unsafe(types: Sequence[str]) -> list[str]:
    """Of the types a skops file needs beyond skops' own, those that have to be trusted like a pickle."""
    return sorted(name for name in types if not name.startswith(SAFE))


def _skops(bundle: bundles.Bundle, declared: Sequence[str]) -> Any:
    """The estimator. The model's own list of trusted types is not proof: a crafted model would list what it needs."""
    import skops.io  # noqa: PLC0415 - the bundle's own package

    needed = skops.io.get_untrusted_types(file=bundle.entry)
    if risky := unsafe(needed):
        trusted.demand(bundle, f"{bundle.manifest.entry} holds {', '.join(risky)}")
    return skops.io.load(bundle.entry, trusted=sorted({*needed, *declared}))


def _pickle(bundle: bundles.Bundle, form: str) -> Any:
    if form == "joblib":
        import joblib  # type: ignore[import-untyped] # noqa: PLC0415 - the bundle's own package

        return joblib.load(bundle.entry)
    if form == "cloudpickle":
        import cloudpickle  # type: ignore[import-untyped] # noqa: PLC0415 - the bundle's own package

        with bundle.entry.open("rb") as file:
            return cloudpickle.load(file)
    import pickle  # noqa: PLC0415 - only ever reached with the manifest's trust

    with bundle.entry.open("rb") as file:
        return pickle.load(file)  # noqa: S301 - trusted above, digest verified before
