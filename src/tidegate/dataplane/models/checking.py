"""The endpoint's own function (`Terms.check`), from the bundle that brought it: CHECKS/MODULE.py, run from its bytes.

Nothing is looked up on the path and no bytecode is written: what runs is the file that the digest is over, and nothing else
comes into its folder. A bundle that was made before there was such a check has no file of it, and is not held to it: otherwise
a new check would shut the stable version that knows nothing of it. A file that cannot be run is another matter: nothing is then
given out unchecked.
"""

import logging
import pathlib
import sys
import types
from collections.abc import Callable
from typing import Any

from tidegate.core.vocabulary import manifests

Columns = dict[str, list[Any]]
Check = Callable[[Columns, Columns], object]
"""(inputs, outputs) of one request by name, an entry a row; what it returns other than true is a breach."""
_log = logging.getLogger(__name__)


class Checks:
    """The checks that one bundle brought."""

    def __init__(self, manifest: manifests.Manifest, folder: pathlib.Path | None) -> None:
        self._folder = folder
        self._files = {blob.path for blob in manifest.files}

    def find(self, named: str) -> Check | None:
        """MODULE:FUNCTION; None where the bundle has no such file. One that cannot be had is a check that raises."""
        module, _, function = named.partition(":")
        path = file(module)
        if self._folder is None or path not in self._files:
            _log.warning("the bundle was made before this check, and is not held to it", extra={"check": named})
            return None
        try:
            return _function(self._folder / path, module, function)
        except (Exception, SystemExit) as absent:
            said = f"{named} cannot be had: {type(absent).__name__}: {absent}"

        def refuse(inputs: Columns, outputs: Columns) -> object:
            raise ImportError(f"{said} ({len(inputs)} inputs, {len(outputs)} outputs unchecked)")

        return refuse


def file(module: str) -> str:
    """Where in a bundle a check's module is."""
    return f"{manifests.CHECKS}/{module}.py"


def _function(path: pathlib.Path, module: str, function: str) -> Check:
    name = f"_tidegate_check_{module}"
    made = types.ModuleType(name)
    made.__file__ = str(path)
    sys.modules[name] = made  # dataclasses and the like look their module up
    exec(compile(path.read_bytes(), str(path), "exec"), made.__dict__)  # noqa: S102 - the operator's own code
    found: Check = getattr(made, function)
    return found
