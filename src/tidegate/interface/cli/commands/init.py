"""`tidegate init`."""

import pathlib
import re
import sys
from typing import Annotated, Any

import typer
from rich import status as spinner

from tidegate.core.spec import file as spec
from tidegate.core.vocabulary import errors, ids, manifests
from tidegate.core.vocabulary import home as homes
from tidegate.delivery.registry import making
from tidegate.delivery.sources import asking
from tidegate.interface.cli import options, project, screen, starting

_OLD_STORE = "mlruns"
_WAY_OUT = (
    "./mlruns is an old MLflow file store, which MLflow itself no longer reads. The way out, once: "
    "mlflow migrate-filestore --source . --target sqlite:///mlflow.db"
)


def init(
    model: Annotated[
        str, typer.Argument(help="mlflow://NAME@ALIAS, mlflow://NAME/VERSION, or a model file or folder.", show_default=False)
    ] = "",
    *,
    name: Annotated[str, typer.Option("--name", help="The endpoint's name; else the model's.")] = "",
    example: Annotated[
        str, typer.Option("--example", help="Input rows (CSV or JSON), for a model file that has no signature.")
    ] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Accept that loading this model may run code inside it.")] = False,
    method: Annotated[
        str, typer.Option("--method", help="What to call instead of predict: predict_proba answers probabilities.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over the tidegate.yaml that is there.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Try the model out and write a commented tidegate.yaml for it, with its signature. Without MODEL: what is registered.

    The model is loaded and has to answer its own example; nothing is written when it does not.
    """
    if not model:
        _list(as_json)
        return
    target = pathlib.Path.cwd() / spec.NAME
    if target.exists() and not force:
        raise errors.SpecInvalid("it is there already.", where=spec.NAME, cure="Edit it, or write over it with --force.")
    if example and not pathlib.Path(example).is_file():
        raise errors.ModelSourceInvalid(f"there is no example at {example}.", cure="Give a CSV file with a header.")
    starting.prepare(options.place(home))
    digest, manifest, trusted = _make(options.place(home), model, (example, method), trust)
    endpoint = named(name or manifest.name)
    written = spec.template(
        *(endpoint, _relative(model), manifest),
        trust="pickle" if trusted else "",
        example=_relative(example),
        method=method,
    )
    target.write_text(written)
    if as_json:
        screen.document({"file": str(target), "endpoint": endpoint, "model": manifest.provenance.source, "digest": digest})
        return
    inputs = ", ".join(column.name for column in manifest.signature.inputs[:6])
    more = f", and {len(manifest.signature.inputs) - 6} more" if len(manifest.signature.inputs) > 6 else ""
    screen.line(f"{manifest.provenance.source} answers its example (bundle {digest[:12]}); it takes {inputs}{more}")
    if manifest.options.get("method") == "predict" and manifest.profile.classes:
        screen.line("it answers classes; --method predict_proba has it answer probabilities, where it can")
    screen.line(f"wrote {spec.NAME} for the endpoint {endpoint}")
    screen.line("next: `tidegate plan` shows what it comes to, `tidegate up` serves it")


def _make(place: homes.Home, model: str, wished: tuple[str, str], trusted: bool) -> tuple[str, manifests.Manifest, bool]:
    """The bundle, asking once for trust where somebody is there to be asked. `wished`: an example, and a method."""
    example, method = wished
    source = project.absolute(model, pathlib.Path.cwd())
    try:
        with spinner.Status(f"trying {model}", console=screen.err()):
            digest, manifest = making.make(
                source, place, trust="pickle" if trusted else "", example=example or None, method=method
            )
    except errors.TrustRequired as asked:
        if trusted or not (sys.stdin.isatty() and sys.stderr.isatty()):
            asked.cure = "If you trust its author, say so with --trust."
            raise
        if not typer.confirm(f"{asked.message} Do you trust its author?", err=True):
            raise
        return _make(place, model, wished, trusted=True)
    except errors.ModelSourceInvalid as wrong:
        _point_out_old_store(wrong)
        raise
    return digest, manifest, manifest.trust == "pickle"


def _list(as_json: bool) -> None:
    try:
        found = asking.available()
    except errors.ModelSourceInvalid as wrong:
        _point_out_old_store(wrong)
        raise
    if as_json:
        screen.document({"models": list(found)})
        return
    if not found:
        screen.line("MLflow has no registered models yet; a model file works too: tidegate init model.joblib --example rows.csv")
        return
    for reference in found:
        screen.line(reference)
    screen.line(f"next: tidegate init {found[0]}")


def _point_out_old_store(wrong: errors.ModelSourceInvalid) -> None:
    """Somebody with an old file store gets the way out, whatever else was wrong."""
    if pathlib.Path(_OLD_STORE).is_dir() and not pathlib.Path("mlflow.db").exists() and "mlruns" not in str(wrong):
        screen.note(_WAY_OUT)


def named(wanted: str) -> str:
    """An endpoint's name from a model's: lower case, hyphens. Raises SpecInvalid where nothing of it can be used."""
    made: Any = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:63].strip("-")
    if not ids.is_name(made):
        raise errors.SpecInvalid(f"{wanted!r} cannot be an endpoint's name.", cure="Give one with --name.")
    return str(made)


def _relative(path: str) -> str:
    """A path as the file should say it: from where the file is."""
    if not path or "://" in path:
        return path
    try:
        return str(pathlib.Path(path).expanduser().resolve().relative_to(pathlib.Path.cwd().resolve()))
    except ValueError:
        return str(pathlib.Path(path).expanduser().resolve())
