"""`tidegate reproduce`."""

import dataclasses
import pathlib
import re
from typing import Annotated

import msgspec
import typer

from tidegate.control.batch import recipe as recipes
from tidegate.control.batch import remaking
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.models import bundles
from tidegate.delivery.registry import making
from tidegate.interface.cli import logged, options, screen
from tidegate.interface.cli.views import recipe as view

_DIGEST = re.compile("[0-9a-f]{6,64}")


def reproduce(
    of: Annotated[str, typer.Argument(help="The version, or the digest of a bundle, or how it begins.", metavar="ENDPOINT/vN")],
    *,
    to: Annotated[
        str, typer.Option("--to", help="A folder for the recipe, which must not be there yet; else it is printed.")
    ] = "",
    check: Annotated[
        str,
        typer.Option("--check", help="What was made again (mlflow://NAME/VERSION or a path): is it the same?", metavar="MODEL"),
    ] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Accept that loading that model may run code inside it.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """How a version's model was made, so that it can be made again: code revision and repository, packages with hashes, data with
    digests and sources, parameters, the command; and what it answers to its example, to check the result by. What nobody noted is
    said.

    Ends with 3 where `--check` finds another model than the recipe's.
    """
    place = options.place(home)
    digest, named = _meant(place, of)
    recipe = recipes.of(place, digest)
    if check:
        _check(place, recipe, named, (check, trust, as_json))
    elif to:
        folder = _written(pathlib.Path(to), view.files(recipe, named))
        screen.line(f"{folder}: {', '.join(sorted(view.files(recipe, named)))}")
        screen.note(
            f"{len(recipe.unknown)} things are not known; README.md lists them." if recipe.unknown else "Nothing is missing."
        )
    elif as_json:
        screen.document(msgspec.to_builtins(recipe))
    else:
        for line in view.readme(recipe, named):
            screen.line(line)


def _meant(place: homes.Home, of: str) -> tuple[str, str]:
    """(digest, what to call it). Raises EndpointUnknown, VersionUnknown, BundleMissing."""
    if _DIGEST.fullmatch(of):
        there = [path.name for path in place.bundles.glob(f"{of}*") if len(path.name) == 64]
        if len(there) == 1:
            return there[0], there[0][:12]
        if len(of) == 64 or len(there) > 1:
            raise errors.BundleMissing(
                f"{len(there) or 'no'} bundles here begin with {of}", cure="Give more digits, or ENDPOINT/vN."
            )
    endpoint, _, version = of.partition("/")
    with stores.Store(location.url(place), create=False) as store:
        row = logged.row(store, endpoint)
        ordinal = options.ordinal(version) or row.stable
        found = store.version(row.environment, row.name, ordinal) if ordinal else None
    if found is None:
        shown = f"v{ordinal}" if ordinal else "version that serves"
        raise errors.VersionUnknown(f"{row.name} has no {shown}.", cure="`tidegate history` lists its releases.")
    return found.digest, f"{row.name}/{found.name}"


def _written(folder: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    """All of them, or none. Raises BodyMalformed for a folder that is there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise errors.BodyMalformed(f"{folder} is there already.", cure="Name a folder that is not.") from None
    except OSError as failed:
        raise errors.BodyMalformed(f"{folder} cannot be made: {failed.strerror}.", cure="Name another folder.") from failed
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def _check(place: homes.Home, recipe: recipes.Recipe, named: str, asked: tuple[str, bool, bool]) -> None:
    model, trust, as_json = asked
    source = model if "://" in model else str(pathlib.Path(model).absolute())
    digest = _made(source, place, _wishes(place, recipe, "pickle" if trust else ""))
    found = remaking.compare(place, recipe, digest)
    if as_json:
        screen.document(msgspec.to_builtins(found) | {"good": found.good})
    else:
        for line in view.compared(found, named):
            screen.line(line)
    if not found.good:
        raise typer.Exit(3)


def _made(source: str, place: homes.Home, wishes: making.Wishes) -> str:
    """The bundle of what was made again. Training data that can be read no more stops nobody from comparing answers."""
    try:
        return making.fulfil(source, place, wishes)[0]
    except errors.ModelSourceInvalid as unread:
        if not wishes.training:
            raise
        digest, _ = making.fulfil(source, place, dataclasses.replace(wishes, training=""))
        screen.note(f"The baseline profile is not made again: {unread.message}")
        return digest


def _wishes(place: homes.Home, recipe: recipes.Recipe, trust: str) -> making.Wishes:
    """To be made as the recipe's bundle was, profile and all. A bare model file needs an example: the bundle's own."""
    manifest = bundles.read_manifest(place.bundles / recipe.digest)
    example = place.bundles / recipe.digest / manifest.example if manifest.example else None
    loader = recipe.compiled_from.partition(" ")[0] or manifest.loader
    method = manifest.options.get("method", "") if loader in making.METHODS else ""
    runtime = "own" if manifest.runtime else "auto"
    compiled = "auto" if recipe.compiled_from else "never"
    training = recipe.baseline.data if recipe.baseline.wanted else ""
    return making.Wishes(trust, example, method, runtime, compile=compiled, training=training)
