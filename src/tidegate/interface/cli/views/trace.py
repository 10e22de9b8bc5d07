"""A trace for people, one fact a line."""

from tidegate.control.batch import reasons
from tidegate.control.loop import bringing, trace
from tidegate.core.vocabulary import instants, manifests
from tidegate.dataplane.predlog import sights
from tidegate.delivery.gates import findings


def lines(walked: trace.Trace) -> list[str]:
    """The trace for people, one fact a line."""
    one = walked.prediction
    found = [
        f"prediction  {one.id}",
        f"  at        {instants.exact(one.arrived_at)}  endpoint {one.endpoint} ({one.environment})",
        f"  drawn     {one.version} ({one.arm}, {_share(one.rho)})  {_mark(one)}",
        f"  answered  {_answer(one)}  status {one.status}  {one.total_us / 1e3:.1f} ms, model {one.model_us / 1e3:.1f} ms",
    ]
    found += [f"  request   {one.request_id}"] if one.request_id else []
    found += [f"  input     {_short(one.input) if one.input_state == sights.LOGGED else one.input_state}"]
    found += [f"  output    {_short(one.output)}"] if one.output else []
    found += [_copied(walked.copy)] if walked.copy else []
    found += [_outcome(told, one) for told in walked.outcomes] or ["outcome     none yet"]
    found += [f"explained   row {each.row}, {each.agreement}: {reasons.said(each)}" for each in walked.explained]
    found += _release_lines(walked.release) + _bundle_lines(walked.bundle) + _run_lines(walked.run)
    found += [_data(data) for data in walked.data]
    found += _brought_lines(walked.brought) if walked.brought else []
    return found + [f"missing     {what}" for what in walked.missing]


def _share(rho: float) -> str:
    return f"{rho:.2%} to the candidate" if rho else "nothing to a candidate"


def _mark(one: trace.Prediction) -> str:
    return f"mark {one.mark} ({one.error})" if one.error else f"mark {one.mark}"


def _answer(one: trace.Prediction) -> str:
    if not one.answered_by:
        return "by none"
    return f"by {one.answered_by}{' (rescued)' if one.rescued else ''}"


def _release_lines(release: trace.Release | None) -> list[str]:
    if release is None:
        return ["release     none was under way"]
    course = [part for part in (release.strategy, release.outcome or release.phase, release.reason) if part]
    return [f"release     {release.id}  stage {release.stage + 1}", *([f"  course    {', '.join(course)}"] if course else [])]


def _bundle_lines(bundle: trace.Bundle) -> list[str]:
    found = [f"bundle      {bundle.digest}"]
    if bundle.name:
        found.append(f"  model     {bundle.model or bundle.name}{'' if bundle.verified else '  MANIFEST CHANGED SINCE'}")
    if bundle.baseline.said:
        found.append(f"  baseline  {bundle.baseline.said}")
    return found + [f"  file      {blob.path}  sha256 {blob.sha256}" for blob in bundle.files]


def _run_lines(run: trace.Run | None) -> list[str]:
    if run is None:
        return []
    found = [f"run         {run.run_id or 'none is named'}  code {run.code_revision or 'unknown'}"]
    if run.parameters:
        found.append("  parameters " + ", ".join(f"{name}={value}" for name, value in sorted(run.parameters.items())))
    if run.metrics:
        found.append("  metrics    " + ", ".join(f"{name}={value:.4g}" for name, value in sorted(run.metrics.items())))
    return found


def _copied(copy: trace.Copy) -> str:
    said = _short(", ".join(map(str, copy.answers)), 80) if copy.mark == "ok" else f"{copy.mark} ({copy.error})"
    return f"  copy      {copy.version}, unseen by the client: {said}"


def _outcome(told: trace.Outcome, one: trace.Prediction) -> str:
    later = told.received_at - one.arrived_at
    if told.metric:
        return f"outcome     {told.metric}: {told.label!r}, {later:.1f} s later"
    return f"outcome     row {told.row}: {told.label!r} (label version {told.label_version}), {later:.1f} s later"


def _data(data: manifests.Dataset) -> str:
    origin = f"  from {data.source}" if data.source else ""
    return f"data        {data.role or 'data'}: {data.name or 'unnamed'}  sha256 {data.sha256 or 'unknown'}{origin}"


def _brought_lines(brought: bringing.Brought) -> list[str]:
    said = f": {brought.said}" if brought.said else ""
    found = [f"brought     {instants.exact(brought.at)}  by {brought.actor} ({brought.strategy}, {brought.release}){said}"]
    passed = sum(one.passed and one.compared for one in brought.checks)
    open_ = sum(not one.compared for one in brought.checks)
    failed = len(brought.checks) - passed - open_
    when = f"  last at {instants.exact(brought.checked_at)}" if brought.checked_at else ""
    told = (
        f"{passed} passed, {failed} failed, {open_} could not be looked at" if brought.checks else "nothing is kept of its checks"
    )
    found.append(f"gates       {told}{when}")
    found += [f"  {one.name:<9} {_outcome_of(one)}{one.words}" for one in brought.checks]
    if not brought.asked_of and not brought.approvals:
        return [*found, "approval    none was asked for"]
    found += [f"approval    asked of {brought.asked_of}"] if brought.asked_of else []
    return found + [_approval(one) for one in brought.approvals]


def _outcome_of(one: findings.Finding) -> str:
    return "" if one.passed and one.compared else "not looked at: " if one.passed else "FAILED: "


def _approval(one: bringing.Approval) -> str:
    other = "" if one.ours else "  ANOTHER MODEL THAN THE ONE RELEASED"
    said = f": {one.reason}" if one.reason else ""
    return f"  {'yes' if one.yes else 'no':<9} {one.actor}  {instants.exact(one.at)}  for model {one.model_digest}{said}{other}"


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
