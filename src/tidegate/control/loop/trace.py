"""From a prediction id to the data its model was trained on: prediction -> release -> bundle -> training run -> data.

Each link is read where it lives (log, store, bundle), and each works without the next: with the store gone the record still
names release, version and bundle, and the bundle's manifest still names run and data. Called by the API and the command line.
"""

import datetime as dt

import msgspec

from tidegate.control.store import store
from tidegate.core.vocabulary import arms, errors, home, ids, manifests, marks, records, releases
from tidegate.dataplane.models import bundles
from tidegate.dataplane.predlog import reader


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
    copy = _copy(found.copy)
    if manifest is None:
        return Trace(_prediction(found), told, release, Bundle(record.digest), None, (), tuple(missing), copy)
    origin = manifest.provenance
    bundle = Bundle(record.digest, manifest.name, origin.source, manifest.digest == record.digest, manifest.files)
    run = Run(origin.run_id, origin.code_revision, origin.parameters, origin.metrics) if _has_run(origin) else None
    return Trace(_prediction(found), told, release, bundle, run, origin.data, tuple(missing), copy)


def _cure(place: home.Home) -> str:
    return f"Is this the home that predicted it ({place.root})? The response header has the id."


def _has_run(origin: manifests.Provenance) -> bool:
    return bool(origin.run_id or origin.code_revision or origin.parameters or origin.metrics)


def _prediction(found: reader.Found) -> Prediction:
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


def _manifest(place: home.Home, digest: str, missing: list[str]) -> manifests.Manifest | None:
    try:
        return bundles.read_manifest(place.bundles / digest)
    except (errors.BundleMissing, errors.DigestMismatch) as failed:
        missing.append(f"run and data: {failed.message}")
        return None


def lines(walked: Trace) -> list[str]:
    """The trace for people, one fact a line."""
    one = walked.prediction
    found = [
        f"prediction  {one.id}",
        f"  at        {_moment(one.arrived_at)}  endpoint {one.endpoint} ({one.environment})",
        f"  drawn     {one.version} ({one.arm}, {one.rho:.2%} to the candidate)  {_mark(one)}",
        f"  answered  {_answer(one)}  status {one.status}  {one.total_us / 1e3:.1f} ms, model {one.model_us / 1e3:.1f} ms",
    ]
    found += [f"  request   {one.request_id}"] if one.request_id else []
    found += [f"  input     {_short(one.input)}"] if one.input else []
    found += [f"  output    {_short(one.output)}"] if one.output else []
    found += [_copied(walked.copy)] if walked.copy else []
    found += [_outcome(told, one) for told in walked.outcomes] or ["outcome     none yet"]
    found += _release_lines(walked.release) + _bundle_lines(walked.bundle) + _run_lines(walked.run)
    found += [_data(data) for data in walked.data]
    return found + [f"missing     {what}" for what in walked.missing]


def _mark(one: Prediction) -> str:
    return f"mark {one.mark} ({one.error})" if one.error else f"mark {one.mark}"


def _answer(one: Prediction) -> str:
    if not one.answered_by:
        return "by none"
    return f"by {one.answered_by}{' (rescued)' if one.rescued else ''}"


def _release_lines(release: Release | None) -> list[str]:
    if release is None:
        return ["release     none was under way"]
    course = [part for part in (release.strategy, release.outcome or release.phase, release.reason) if part]
    return [f"release     {release.id}  stage {release.stage + 1}", *([f"  course    {', '.join(course)}"] if course else [])]


def _bundle_lines(bundle: Bundle) -> list[str]:
    found = [f"bundle      {bundle.digest}"]
    if bundle.name:
        found.append(f"  model     {bundle.model or bundle.name}{'' if bundle.verified else '  MANIFEST CHANGED SINCE'}")
    return found + [f"  file      {blob.path}  sha256 {blob.sha256}" for blob in bundle.files]


def _run_lines(run: Run | None) -> list[str]:
    if run is None:
        return []
    found = [f"run         {run.run_id or 'without an id'}  code {run.code_revision or 'unknown'}"]
    if run.parameters:
        found.append("  parameters " + ", ".join(f"{name}={value}" for name, value in sorted(run.parameters.items())))
    if run.metrics:
        found.append("  metrics    " + ", ".join(f"{name}={value:.4g}" for name, value in sorted(run.metrics.items())))
    return found


def _copied(copy: Copy) -> str:
    said = _short(", ".join(map(str, copy.answers)), 80) if copy.mark == "ok" else f"{copy.mark} ({copy.error})"
    return f"  copy      {copy.version}, unseen by the client: {said}"


def _outcome(told: Outcome, one: Prediction) -> str:
    later = told.received_at - one.arrived_at
    if told.metric:
        return f"outcome     {told.metric}: {told.label!r}, {later:.1f} s later"
    return f"outcome     row {told.row}: {told.label!r} (label version {told.label_version}), {later:.1f} s later"


def _data(data: manifests.Dataset) -> str:
    origin = f"  from {data.source}" if data.source else ""
    return f"data        {data.role or 'data'}: {data.name or 'unnamed'}  sha256 {data.sha256 or 'unknown'}{origin}"


def _moment(unix_seconds: float) -> str:
    return dt.datetime.fromtimestamp(unix_seconds, dt.UTC).isoformat(timespec="milliseconds")


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
