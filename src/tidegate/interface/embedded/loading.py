"""`tidegate.load`: what a program names -> a verified bundle -> a model in this process."""

import contextlib
import dataclasses
import pathlib
import re
import tempfile
import weakref
from typing import TypedDict, Unpack

from tidegate.core.vocabulary import errors, ids, manifests, tables
from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import tablefile
from tidegate.delivery.registry import making
from tidegate.delivery.runtimes import requirements
from tidegate.interface.embedded import following, journal, model

_DIGEST = re.compile(r"[0-9a-f]{12,64}")


class Making(TypedDict, total=False):
    """How a bundle is made of a model reference that has none yet."""

    trust: str
    """pickle, to accept that loading the model runs code from it."""
    example: str | pathlib.Path
    """A CSV or JSON file with input rows, which a bare model file needs."""
    method: str
    """predict, predict_proba: instead of what the model was logged with."""
    compile: str
    """auto (the default), never or required: whether it is converted to ONNX."""


def load(
    source: str | pathlib.Path = "",
    *,
    endpoint: str = "",
    follow: bool = False,
    home: str | pathlib.Path = "",
    **made: Unpack[Making],
) -> model.Embedded:
    """A model in this process, with the validation, the prediction ids and the records of a served one.

    `source`: the digest of a bundle in the home (12 digits do), the folder of a bundle, or a model reference as in
    tidegate.yaml: mlflow://NAME@ALIAS, mlflow://NAME/3, a path. Without one: the stable version of `endpoint`.
    `endpoint`: whose records they are; else the model's own name. `follow`: change over to each new stable of the endpoint.
    `home`: where bundles, table and log are; else TIDEGATE_HOME, else the nearest `.tidegate` here or above. Without any, a
    reference is made into a bundle for this process alone, and predictions are not recorded (`recording` says so).

    Raises BundleMissing, DigestMismatch, ModelSourceInvalid, ModelUnknown, TrustRequired, ModelLoadFailed, WarmupFailed,
    EndpointUnknown, RuntimeUnavailable where this interpreter lacks what the model needs; SpecInvalid for no or two models named.
    """
    place = _home(home)
    if not source and not endpoint:
        raise errors.SpecInvalid("no model is named.", cure="Give a bundle, a model reference, or endpoint=NAME.")
    if follow and source:
        raise errors.SpecInvalid("only an endpoint can be followed.", cure="Give endpoint=NAME alone.")
    if not source:
        return _of_endpoint(place, endpoint, follow)
    kept = contextlib.ExitStack()
    bundle = _bundle(str(source), place, made, kept)
    embedded = model.Embedded(model.Loaded.of(_fitting(bundle), _role(place, bundle, endpoint)), _journal(place))
    weakref.finalize(embedded, kept.close)
    return embedded


def _home(given: str | pathlib.Path) -> homes.Home | None:
    found = homes.find(str(given))
    return found if given or found.root.is_dir() else None


def _journal(place: homes.Home | None) -> journal.Journal | None:
    return journal.Journal(place) if place else None


def _of_endpoint(place: homes.Home | None, endpoint: str, follow: bool) -> model.Embedded:
    if place is None:
        raise errors.EndpointUnknown(f"there is no home here that has {endpoint}.", cure="Give home=PATH, or set TIDEGATE_HOME.")

    def load_stable(route: tables.Route) -> model.Loaded:
        return model.Loaded.of(_fitting(bundles.read(place.bundles, route.stable.digest)), model.Role.of(route))

    embedded = model.Embedded(load_stable(following.stable(place, endpoint)), journal.Journal(place))
    if follow:
        following.begin(place, embedded, endpoint, load_stable)
    return embedded


def _bundle(source: str, place: homes.Home | None, made: Making, kept: contextlib.ExitStack) -> bundles.Bundle:
    """The bundle, every byte verified. `kept` holds what has to stay as long as the model does."""
    if _DIGEST.fullmatch(source):
        return _of_digest(source, place)
    folder = pathlib.Path(source)
    if "://" not in source and (folder / bundles.MANIFEST).is_file():
        manifest = bundles.read_manifest(folder)
        bundles.verify(folder, manifest)
        return bundles.Bundle(folder, manifest)
    shelf = place or homes.Home(pathlib.Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-"))))
    example = made.get("example")
    wishes = making.Wishes(
        trust=made.get("trust", ""),
        example=pathlib.Path(example) if example else None,
        method=made.get("method", ""),
        runtime="shared",
        compile=made.get("compile", "auto"),
    )
    return bundles.read(shelf.bundles, making.fulfil(source, shelf, wishes)[0])


def _of_digest(digest: str, place: homes.Home | None) -> bundles.Bundle:
    if place is None:
        raise errors.BundleMissing(f"there is no home here that has bundle {digest[:12]}.", cure="Give home=PATH.")
    found = sorted(path.name for path in place.bundles.glob(f"{digest}*"))
    if len(found) != 1:
        cure = f"{len(found)} bundles begin so: give more digits." if found else "`tidegate release` makes bundles."
        raise errors.BundleMissing(f"there is no one bundle {digest} in {place.root}.", cure=cure)
    return bundles.read(place.bundles, found[0])


def _fitting(bundle: bundles.Bundle) -> bundles.Bundle:
    """The bundle, if this interpreter has what its model needs: one with a runtime of its own may not find it here."""
    manifest = bundle.manifest
    if manifest.runtime and (why := requirements.unmet(manifest.lock, manifest.python)):
        cure = "Install that here, or ask its endpoint."
        raise errors.RuntimeUnavailable(f"the model runs in an environment of its own: {why}.", cure=cure)
    return bundle


def _role(place: homes.Home | None, bundle: bundles.Bundle, endpoint: str) -> model.Role:
    """As the version that the endpoint's table knows this bundle as; else of no version."""
    name = endpoint or _name(bundle.manifest)
    if not ids.is_name(name):
        raise errors.SpecInvalid(f"{name!r} cannot be an endpoint's name.", cure="Use 1 to 63 of a-z, 0-9 and inner hyphens.")
    with contextlib.suppress(errors.StateError):
        route = tablefile.read(place.table).routes.get(name) if place else None
        if route is not None:
            ordinal = next((one.ordinal for one in route.versions if one.digest == bundle.manifest.digest), 0)
            return dataclasses.replace(model.Role.of(route), ordinal=ordinal)
    return model.Role(name)


def _name(manifest: manifests.Manifest) -> str:
    """The model's own name, as an endpoint could be called."""
    plain = re.sub(r"[^a-z0-9]+", "-", manifest.name.lower()).strip("-")[:63].strip("-")
    return plain or "embedded"
