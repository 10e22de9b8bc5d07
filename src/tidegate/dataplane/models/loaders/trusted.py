"""Models that bring code: it runs while they load, so somebody has to have trusted its author when the bundle was made."""

import pathlib
import sys

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import bundles

CURE = "If you trust its author, write `trust: pickle` in tidegate.yaml."


def demand(bundle: bundles.Bundle, why: str) -> None:
    """Raises TrustRequired unless the manifest says so. `why`: a clause, such as "model.pkl is a pickle"."""
    if bundle.manifest.trust != "pickle":
        raise errors.TrustRequired(f"{why}: loading it runs code.", cure=CURE)


def put_on_path(folder: pathlib.Path) -> None:
    """Let modules of a bundle be imported. Nothing is written beside them: its folder stays as its digest says."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
