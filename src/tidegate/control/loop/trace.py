"""From a prediction id to the data its model was trained on: prediction -> release -> bundle -> training run -> data, and on to
what the checks of the version's release found and who approved it.

Each link is read where it lives (log, store, bundle), and each works without the next: with the store gone the record still
names release, version and bundle, and the bundle's manifest still names run and data. Called by the API and the command line.
"""

import msgspec

from tidegate.control.loop import bringing
from tidegate.control.store import store
from tidegate.core.vocabulary import arms, errors, explanations, home, ids, manifests, marks, records, releases
from tidegate.dataplane.models import bundles
from tidegate.dataplane.predlog import explained, reader, sights
from tidegate.delivery.training import basis


class Prediction(msgspec.Struct, frozen=True):
    """The request as it was logged."""

    id: str
    request_id: str
    environment: str
    endpoint: str
    arrived_at: float
    """Unix seconds."""
    arm: str
    rho: float
    """The probability with which a request was drawn for the candidate when this one was."""
    role: str
    mark: str
    error: str
    status: int
    version: str
    """The version drawn."""
    answered_by: str
    """The version whose answer the client got: the one drawn, or stable's; `fallback`; empty when nothing answered."""
    rescued: bool
    rows: int
    total_us: int
    model_us: int
    answers: tuple[float | str | None, ...]
    """What the version drawn answered, by row."""
    input: str
    output: str
    recorded: bool
    """Whether it is in Parquet already; else it was read from a segment."""
    input_state: str = sights.LOGGED
    """Or why it is not here: not logged, sampled out, redacted, encrypted."""


class Outcome(msgspec.Struct, frozen=True):
    """One outcome heard for it."""

    row: int
    label: float | str
    label_version: int
    received_at: float
    """Unix seconds."""
    metric: str = ""
    """Empty: ground truth; else the posted metric that `label` is a value of."""


class Copy(msgspec.Struct, frozen=True):
    """What the other version answered to the same request, unseen by the client."""

    version: str
    mark: str
    error: str
    answers: tuple[float | str | None, ...]


class Release(msgspec.Struct, frozen=True):
    """The release under way when it was predicted. Only the id is known when the store is gone."""

    id: str
    stage: int
    strategy: str = ""
    phase: str = ""
    outcome: str = ""
    reason: str = ""


class Bundle(msgspec.Struct, frozen=True):
    """The bundle of the version drawn. Only the digest is known when the bundle is not here."""

    digest: str
    name: str = ""
    model: str = ""
    """The resolved reference it was made from."""
    verified: bool = False
    """Whether the manifest is the one this digest was made from."""
    files: tuple[manifests.Blob, ...] = ()
    baseline: basis.Basis = basis.Basis()
    """What its baseline profile is of."""


class Run(msgspec.Struct, frozen=True):
    """The training run."""

    run_id: str
    code_revision: str
    parameters: dict[str, str]
    metrics: dict[str, float]


class Trace(msgspec.Struct, frozen=True):
    """All of it."""

    prediction: Prediction
    outcomes: tuple[Outcome, ...]
    release: Release | None
    """None where no release was under way."""
    bundle: Bundle
    run: Run | None
    """None where the bundle is not here, or its model came without a run."""
    data: tuple[manifests.Dataset, ...]
    missing: tuple[str, ...] = ()
    """What could not be looked up, in words."""
    copy: Copy | None = None
    """None where the request was not mirrored."""
    explained: tuple[explanations.Explanation, ...] = ()
    """What was computed afterwards of why it came out as it did, by row (`explain` in tidegate.yaml)."""
    brought: bringing.Brought | None = None
    """How the version drawn came to be served; None where the store is gone, or never knew."""


def trace(place: home.Home, known: store.Store | None, prediction_id: str) -> Trace:
    """Walk from a prediction id (36 characters; a row's `/n` is cut off). `known`: the store, or None when it is gone.

    Raises PredictionUnknown when the log has no such prediction, StoreUnavailable when the log itself cannot be read.
    """
    identifier = ids.parse(prediction_id)
    if identifier is None:
        raise errors.PredictionUnknown(f"'{prediction_id}' is not a prediction id.", cure="It is in the response header.")
    found = reader.find(place, identifier)
    if found is None:
        raise errors.PredictionUnknown(f"No prediction {ids.text(identifier)} is in the log.", cure=_cure(place))
    record = found.prediction
    missing: list[str] = []
    release = _release(known, record, missing)
    manifest = _manifest(place, record.digest, missing)
    told = tuple(Outcome(one.row, one.label, one.label_version, one.received_ns / 1e9, one.metric) for one in found.outcomes)
    copy, brought = _copy(found.copy), _brought(place, known, record, missing)
    why = explained.find(place.explanations, identifier)
    if manifest is None:
        return Trace(
            _prediction(found, sights.Sight(place)),
            told,
            release,
            Bundle(record.digest),
            None,
            (),
            tuple(missing),
            copy,
            why,
            brought,
        )
    origin = manifest.provenance
    verified = manifest.digest == record.digest
    bundle = Bundle(record.digest, manifest.name, origin.source, verified, manifest.files, basis.of(place, record.digest))
    run = Run(origin.run_id, origin.code_revision, origin.parameters, origin.metrics) if _has_run(origin) else None
    return Trace(
        _prediction(found, sights.Sight(place)), told, release, bundle, run, origin.data, tuple(missing), copy, why, brought
    )


def _cure(place: home.Home) -> str:
    kept = "What was forgotten, or is older than `log.retention`, is gone."
    return f"Is this the home that predicted it ({place.root})? The response header has the id. {kept}"


def _has_run(origin: manifests.Provenance) -> bool:
    return bool(origin.run_id or origin.code_revision or origin.parameters or origin.metrics)


def _prediction(found: reader.Found, sight: sights.Sight) -> Prediction:
    one = found.prediction
    return Prediction(
        id=ids.text(one.id),
        request_id=one.request_id,
        environment=one.environment,
        endpoint=one.endpoint,
        arrived_at=one.arrived_ns / 1e9,
        arm=arms.Arm(one.arm).name.lower(),
        rho=one.weight / arms.BUCKETS,
        role=arms.Role(one.role).name.lower(),
        mark=marks.Mark(one.mark).name.lower(),
        error=one.error,
        status=one.status,
        version=f"v{one.version}",
        answered_by=_answered(one),
        rescued=one.rescued,
        rows=one.rows,
        total_us=one.total_us,
        model_us=one.model_us,
        answers=one.answers,
        input=one.input.decode("utf-8", "backslashreplace"),
        output=one.output.decode("utf-8", "backslashreplace"),
        recorded=found.recorded,
        input_state=sight.told(one),
    )


def _copy(one: records.Prediction | None) -> Copy | None:
    return Copy(f"v{one.version}", marks.Mark(one.mark).name.lower(), one.error, one.answers) if one else None


def _answered(one: records.Prediction) -> str:
    if one.answered_by < 0:
        return "fallback"
    return f"v{one.answered_by}" if one.answered_by else ""


def _release(known: store.Store | None, record: records.Prediction, missing: list[str]) -> Release | None:
    if not record.release:
        return None
    bare = Release(record.release, record.stage)
    if known is None:
        missing.append("the release's course: the store is not there")
        return bare
    try:
        told: releases.Release = known.release(record.release)
    except errors.ReleaseUnknown:
        missing.append("the release's course: the store does not know it")
        return bare
    except errors.StoreUnavailable as failed:
        missing.append(f"the release's course: {failed.message}")
        return bare
    return Release(told.id, record.stage, told.strategy, told.phase.value, told.outcome, told.reason)


def _brought(
    place: home.Home, known: store.Store | None, record: records.Prediction, missing: list[str]
) -> bringing.Brought | None:
    if known is None:
        missing.append("gates and approval: the store is not there")
        return None
    try:
        at = (record.environment, record.endpoint)
        found = bringing.of(place, known, at, record.version, record.arrived_ns / 1e9)
    except errors.StoreUnavailable as failed:
        missing.append(f"gates and approval: {failed.message}")
        return None
    if found is None:
        missing.append(f"gates and approval: the store knows no release that brought v{record.version}")
    return found


def _manifest(place: home.Home, digest: str, missing: list[str]) -> manifests.Manifest | None:
    try:
        return bundles.read_manifest(place.bundles / digest)
    except (errors.BundleMissing, errors.DigestMismatch) as failed:
        missing.append(f"run and data: {failed.message}")
        return None
