"""A model reference -> a bundle in HOME/bundles/<digest>. Everything happens in a staging folder; the last step is one rename.

The same input gives the same digest: nothing of the clock, the machine or the staging folder gets into the manifest.
"""

import contextlib
import dataclasses
import errno
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, home, manifests, profiles
from tidegate.dataplane.models import agreement, bundles
from tidegate.dataplane.models.loaders import trusted
from tidegate.dataplane.targets import frozen
from tidegate.delivery.describing import describing, examples, mlmodel
from tidegate.delivery.registry import adopting, choosing, predicates, profiling, reports
from tidegate.delivery.runtimes import locking, runtimes
from tidegate.delivery.sources import asking, children, sources
from tidegate.delivery.training import training

PROFILE_SECONDS = 600.0
MODEL = "model"
EXAMPLE = "example.json"
_STAGING = ".making-"
METHODS = ("sklearn", "xgboost", "onnx")
"""Loaders of models that can be asked in more than one way."""
_UNCOMPILED = "Mend what it names, raise `compile_tolerance`, or write `compile: auto` to release the model as it is."


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a bundle is to be made with, beside the model."""

    trust: str = ""
    example: pathlib.Path | None = None
    method: str = ""
    runtime: str = "auto"
    check: pathlib.Path | None = None
    """A Python file of the endpoint's, to go with the model; `predicates.look` has looked at it."""
    compile: str = "never"
    """auto, never or required: whether the model is converted to ONNX."""
    tolerance: float = agreement.TOLERANCE
    """How far its answers may then be off, relatively."""
    training: str = ""
    """The training data: a path or a URL. Empty: what the model's run names, where it can be read."""


def make(
    source: str,
    place: home.Home,
    *,
    trust: str = "",
    example: str | pathlib.Path | None = None,
    method: str = "",
    runtime: str = "auto",
) -> tuple[str, manifests.Manifest]:
    """The bundle of a model: (digest, manifest). Making it again finds it there already.

    `trust`: "pickle" accepts that loading runs code from the artifact. `example`: a CSV or JSON file of input rows, which a bare
    model file needs (its signature is read off it) and which replaces an MLflow model's own. `method`: what to call instead of
    what the model was logged with (predict, predict_proba). `runtime`: auto, own or shared; an own one is locked and built here.

    Runs the model, in a process without credentials. Raises ModelSourceInvalid, ModelUnknown, SignatureMissing, TrustRequired
    (before anything is loaded), LoaderMissing, RuntimeUnavailable, ModelLoadFailed, WarmupFailed, OutputInvalid, DiskFull;
    nothing then remains.
    """
    return fulfil(source, place, Wishes(trust, pathlib.Path(example) if example else None, method, runtime))


def fulfil(source: str, place: home.Home, wishes: Wishes) -> tuple[str, manifests.Manifest]:
    """The same, all wishes in one value. Raises CompileFailed too, where compiling is required and does not succeed."""
    parsed = sources.parse(source)
    try:
        with _staging(place.bundles) as staging:
            made = _make(parsed, place, staging, wishes)
    except OSError as failed:
        if failed.errno in (errno.ENOSPC, errno.EDQUOT):
            raise errors.DiskFull from failed
        raise errors.ModelSourceInvalid(f"{source}: {failed}") from failed
    runtimes.sweep(place)
    frozen.sweep(place)
    return made


def _make(
    source: sources.Registered | sources.Local, place: home.Home, staging: pathlib.Path, wishes: Wishes
) -> tuple[str, manifests.Manifest]:
    trust, example, method = wishes.trust, wishes.example, wishes.method
    name, origin, provenance = describing.fetched(source, staging / "source")
    draft = describing.draft(source, origin, example)
    if draft.needs_trust and trust != "pickle":
        raise errors.TrustRequired(f"{draft.needs_trust}: loading it runs code.", cure=trusted.CURE)
    if method and draft.loader not in METHODS:
        raise errors.ModelSourceInvalid(
            f"a model of the kind {draft.loader} is asked in one way only.", cure="Take `method` away."
        )
    folder = staging / "bundle"
    choice = choosing.choose(wishes.runtime, draft)
    blobs = (*_copied(origin, draft, folder), *predicates.copied(wishes.check, folder))
    python, scrubbed = sys.executable, children.bare_environment(staging)
    if choice.own:
        (folder / manifests.RUNTIME).write_bytes(locking.lock(place, choice.lines, choice.python))
        blobs = (*blobs, bundles.measure(folder, manifests.RUNTIME))
        python = str(runtimes.ensure(place, (folder / manifests.RUNTIME).read_bytes()))
        scrubbed = children.bare_environment(staging, str(frozen.copy(place)))
    options = {**draft.options, **({"method": method} if method else {})}
    if code := options.get("code"):
        options["code"] = f"{MODEL}/{code}"
    begun = manifests.Manifest(
        name=name,
        loader=draft.loader,
        entry=f"{MODEL}/{draft.entry}" if draft.entry else MODEL,
        signature=draft.signature,
        files=blobs,
        options=options,
        trust=trust if draft.needs_trust or trust == "pickle" else "",
        provenance=provenance,
        example=EXAMPLE,
    )
    rows = examples.read(example) if example else draft.rows
    data = training.look(wishes.training, provenance, draft)
    asked = profiling.Asked(str(folder), begun, rows, draft.exact, wishes.compile != "never", wishes.tolerance)

    def profile(sample: list[dict[str, Any]]) -> profiling.Profiled:
        whole = msgspec.structs.replace(asked, sample=sample)
        return children.run("profile", whole, profiling.Profiled, env=scrubbed, seconds=PROFILE_SECONDS, python=python)

    profiled, data = _profiled(profile, data)
    (folder / EXAMPLE).write_bytes(examples.body(profiled.rows))
    blobs = (*blobs, *_baseline(folder, profiled, rows, data))
    manifest = msgspec.structs.replace(
        begun,
        signature=profiled.signature,
        options=profiled.options,
        provenance=training.noted(provenance, data),
        profile=profiled.profile,
        files=tuple(sorted((*blobs, bundles.measure(folder, EXAMPLE)), key=lambda blob: blob.path)),
        lock=choice.lines or profiled.lock,
        python=draft.python or profiled.python,
    )
    bundles.verify(folder, manifest)  # the model has run in the meantime: its files are still what was copied
    if profiled.compiled is None:
        return adopting.placed(folder, staging.parent, manifest), manifest
    if not profiled.compiled.loader and wishes.compile == "required":
        raise errors.CompileFailed(f"the file says `compile: required`, and {profiled.compiled.reason}.", cure=_UNCOMPILED)
    used = manifest
    if profiled.compiled.loader:
        adopting.keep(folder, manifest, place)
        used = adopting.adopted(folder, manifest, profiled.compiled)
    reports.write(place, used.digest, profiled.compiled, manifest, wishes.tolerance)
    return adopting.placed(folder, staging.parent, used), used


def _profiled(
    profile: Callable[[list[dict[str, Any]]], profiling.Profiled], data: training.Found
) -> tuple[profiling.Profiled, training.Found]:
    """With the model's answers to the training data, where there is some that it answers. Raises as `make` does."""
    if data.surveyed is None:
        return profile([]), data
    try:
        return profile(data.surveyed.sample), data
    except errors.ModelError as failed:
        if data.wanted:
            raise
        return profile([]), data.without(failed.message)


def _baseline(
    folder: pathlib.Path, profiled: profiling.Profiled, rows: list[Any], data: training.Found
) -> tuple[manifests.Blob, ...]:
    """The baseline profile of the training data, else of the example, where it is enough to say anything of it."""
    if not profiled.answers and not data.note:
        return ()
    from tidegate.core.stats import counting  # noqa: PLC0415 - numpy, which making a bundle does without

    names = [column.name for column in profiled.signature.inputs] if profiled.answers else []
    answers = {profiles.PREDICTION: profiled.answers, **profiled.outputs} if profiled.answers else {}
    if data.surveyed is None:
        columns = {name: [row.get(name) for row in rows] for name in names}
        told = msgspec.structs.replace(counting.baseline({**columns, **answers}, profiled.importances), note=data.note)
    else:
        known = {name: one for name, one in data.surveyed.columns.items() if name in names}
        known |= {name: counting.known(values) for name, values in answers.items()}
        source = data.dataset.source if data.dataset else ""
        told = profiles.Baseline(data.surveyed.rows, known, profiled.importances, data=source, wanted=data.wanted)
    (folder / manifests.BASELINE).write_bytes(msgspec.json.encode(told, order="deterministic"))
    return (bundles.measure(folder, manifests.BASELINE),)


def _copied(origin: pathlib.Path, draft: mlmodel.Draft, folder: pathlib.Path) -> tuple[manifests.Blob, ...]:
    blobs: list[manifests.Blob] = []
    for path in draft.files:
        target = folder / MODEL / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path == mlmodel.FILE:
            target.write_bytes(mlmodel.normalised(origin))
        else:
            shutil.copyfile(origin / path if origin.is_dir() else origin, target)
        blobs.append(bundles.measure(folder, f"{MODEL}/{path}"))
    return tuple(blobs)


@contextlib.contextmanager
def _staging(shelf: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder beside the bundles, gone afterwards whatever happens; leftovers of killed makers go too."""
    shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in shelf.glob(f"{_STAGING}*"):
        if time.time() - old.stat().st_mtime > asking.FETCH_SECONDS + runtimes.SECONDS + training.SECONDS + PROFILE_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=_STAGING, dir=shelf))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
