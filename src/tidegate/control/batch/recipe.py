"""How the model of a bundle was made, as far as anybody noted it, so that it can be made again: and what is not known.

Code and parameters come from the bundle, how the run was started from the registry while it still knows, packages from the
bundle's own lock. What the model answers to the bundle's example is computed in a process of its runtime: what was made again is
held against that (`remaking`).
"""

import contextlib
from collections.abc import Iterator

import msgspec

from tidegate.control.batch import recomputing
from tidegate.core.vocabulary import errors, home, manifests
from tidegate.dataplane.models import bundles
from tidegate.dataplane.models.explaining import questions
from tidegate.dataplane.wire import frames, samples
from tidegate.delivery.registry import reports
from tidegate.delivery.runtimes import locking
from tidegate.delivery.sources import asking, runs
from tidegate.delivery.training import basis


class Packages(msgspec.Struct, frozen=True):
    """The environment."""

    python: str
    lock: str
    """Requirements, one a line; with hashes where the version has a runtime of its own."""
    hashed: bool


class Expected(msgspec.Struct, frozen=True):
    """What the model answers to the bundle's example."""

    request: str
    """The body, in JSON records form."""
    answers: tuple[float | str | None, ...]
    """The first output, by row."""


class Recipe(msgspec.Struct, frozen=True):
    """All of it."""

    name: str
    digest: str
    model_digest: str
    model: str
    """The resolved reference."""
    loader: str
    run_id: str
    code_revision: str
    training: runs.Training
    packages: Packages
    parameters: dict[str, str]
    metrics: dict[str, float]
    data: tuple[manifests.Dataset, ...]
    files: tuple[manifests.Blob, ...]
    compiled_from: str
    """Loader and bundle digest of the original, where the bundle has the model compiled to ONNX; else empty."""
    expected: Expected | None
    unknown: tuple[str, ...]
    """What nobody noted, in words."""
    baseline: basis.Basis = basis.Basis()
    """What the bundle's baseline profile is of."""


def of(place: home.Home, digest: str) -> Recipe:
    """The recipe of a bundle. Raises BundleMissing, DigestMismatch."""
    bundle = bundles.read(place.bundles, digest)
    manifest = bundle.manifest
    origin = manifest.provenance
    unknown: list[str] = []
    training = _training(origin, unknown) if origin.run_id else runs.Training()
    packages = _packages(place, bundle, unknown)
    expected = _expected(place, bundle, unknown)
    unknown += lacking(origin)
    unknown += [f"where the {one.role or 'data'} data {one.name} came from" for one in origin.data if not one.source]
    unknown += [f"the sha256 of the {one.role or 'data'} data {one.name}" for one in origin.data if not one.sha256]
    return Recipe(
        manifest.name,
        digest,
        manifest.model_digest,
        origin.source,
        manifest.loader,
        origin.run_id,
        origin.code_revision,
        training,
        packages,
        origin.parameters,
        origin.metrics,
        origin.data,
        manifest.files,
        manifest.options.get(manifests.COMPILED_FROM, ""),
        expected,
        tuple(unknown),
        basis.of(place, digest),
    )


def lacking(origin: manifests.Provenance) -> Iterator[str]:
    """What a bundle's provenance does not say of its making, in words."""
    if not origin.run_id:
        yield "the code, the command and the parameters: the model names no run that made it"
        if not origin.data:
            yield "the data: tidegate.yaml names none (`training`)"
        return
    if not origin.code_revision:
        yield "the code's revision: the run has no tag `mlflow.source.git.commit` or `tidegate.code_revision`"
    if not origin.parameters:
        yield "its parameters: the run logged none"
    if not origin.data:
        yield "the data: the run logged no data set and no `training_data_sha256`"


def _training(origin: manifests.Provenance, unknown: list[str]) -> runs.Training:
    """How the run was started, if the registry says."""
    try:
        found = asking.training(origin.source)
    except errors.TidegateError as failed:
        unknown.append(f"repository and command: the registry cannot be asked ({failed.message})")
        return runs.Training()
    if not found.repository:
        unknown.append("the code's repository: the run has no tag `mlflow.source.git.repoURL`")
    if not found.command:
        unknown.append("the command with its arguments: the run has no tag `tidegate.command`")
    return found


def _packages(place: home.Home, bundle: bundles.Bundle, unknown: list[str]) -> Packages:
    manifest = bundle.manifest
    if manifest.runtime:
        lock = (bundle.folder / manifests.RUNTIME).read_bytes()
        return Packages(manifest.python or locking.version(lock), lock.decode(), hashed=True)
    lines = manifest.lock
    if manifest.options.get(manifests.COMPILED_FROM):
        lines = reports.lock_of(place, bundle.manifest.digest)
        if not lines:
            unknown.append("the packages it was trained with: the bundle has the compiled model, and its report is gone")
    if not lines and not manifest.options.get(manifests.COMPILED_FROM):
        unknown.append("its packages: the model came without requirements")
    if not manifest.python:
        unknown.append("the version of Python")
    if loose := [line for line in lines if "==" not in line]:
        unknown.append(f"the exact versions of {', '.join(loose)}: the model's own requirements leave them open")
    unknown.append("hashes of the packages: the version shares Tidegate's runtime (`runtime: own` locks them)")
    return Packages(manifest.python, "".join(f"{line}\n" for line in lines), hashed=False)


def _expected(place: home.Home, bundle: bundles.Bundle, unknown: list[str]) -> Expected | None:
    body = bundle.example()
    if not body:
        unknown.append("what it answers: the bundle has no example")
        return None
    answer: questions.Answer | None = None
    with contextlib.suppress(UnicodeDecodeError):
        answer = answered(place, bundle.manifest.digest, body)
    if answer is None or answer.trouble:
        unknown.append(f"what it answers: {answer.trouble if answer else 'its example is no JSON'}")
        return None
    return Expected(body.decode(), answer.answers)


def answered(place: home.Home, digest: str, body: bytes) -> questions.Answer:
    """What a bundle answers to a request of records, or why it does not."""
    asked = questions.Question(samples.Sample(frames.Content.RECORDS, body), 0, ("recipe", "v0", ""), 0, explain=False)
    try:
        return recomputing.run(place, questions.Asked(str(place.bundles), digest, (asked,), ())).answers[0]
    except errors.TidegateError as failed:
        return questions.Answer(str(failed))
