"""The endpoint's own check on its way into a bundle: looked at before anything is made, then copied. It is not run here."""

import ast
import pathlib
import shutil

from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import bundles, checking


def look(settings: specification.Settings) -> None:
    """Raises SpecInvalid, with file and line, for a check whose file cannot be read or has no such function."""
    if not settings.check or not settings.terms.check:
        return
    path, function = pathlib.Path(settings.check), settings.terms.check.partition(":")[2]
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except OSError as gone:
        raise errors.SpecInvalid(
            f"`guard.check`: {path} cannot be read: {gone.strerror or gone}.", cure="It is looked for beside tidegate.yaml."
        ) from gone
    except (SyntaxError, ValueError) as broken:
        line = getattr(broken, "lineno", None) or 1
        raise errors.SpecInvalid(f"`guard.check`: {broken}.", cure="Mend the file.", where=f"{path.name}:{line}") from broken
    if function not in _names(tree):
        raise errors.SpecInvalid(
            f"`guard.check`: there is no function {function}.",
            cure=f"Write `def {function}(inputs, outputs): ...`.",
            where=path.name,
        )


def copied(path: pathlib.Path | None, folder: pathlib.Path) -> tuple[manifests.Blob, ...]:
    """The check as a file of the bundle in `folder`; none where there is none."""
    if path is None:
        return ()
    name = checking.file(path.stem)
    (folder / name).parent.mkdir(exist_ok=True)
    shutil.copyfile(path, folder / name)
    return (bundles.measure(folder, name),)


def _names(tree: ast.Module) -> set[str]:
    """What a module's own lines give names to, imports included."""
    found: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {one.id for one in targets if isinstance(one, ast.Name)}
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {(one.asname or one.name).partition(".")[0] for one in names}
    return found
