"""A trace as OpenLineage: the run that trained the model, and the one that predicted with it, as run events in JSON.

https://openlineage.io/spec/2-0-2/OpenLineage.json, written here and not by its client, which no reader of the log should need.

    training     data snapshots -> model (a data set named by its bundle's digest)
    prediction   model -> answer; depends on the training run by its id

A run has an id that is a UUID. MLflow's are 32 hexadecimal digits, which are one; anything else is hashed into one (version 5).
What has no place in the specification (rho, gates, approvals, what is known of the input) is a facet of our own, named for us.
Values of inputs are never in it: lineage systems are read by many.
"""

import uuid
from typing import Any

import msgspec

from tidegate.control.loop import trace
from tidegate.core.vocabulary import instants, manifests

SPECIFICATION = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets/"
PRODUCER = "urn:tidegate"
Json = dict[str, Any]


def events(walked: trace.Trace) -> list[Json]:
    """The training run's events, where a bundle tells of one, then the prediction's: of each its start and its end."""
    trained = _training(walked)
    ended = [*([trained] if trained else []), _prediction(walked, trained)]
    return [event for one in ended for event in ({**one, "eventType": "START", "inputs": [], "outputs": []}, one)]


def run_id(named: str) -> str:
    """The UUID of a run by the name it has elsewhere."""
    try:
        return str(uuid.UUID(named))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}:{named}"))


def _training(walked: trace.Trace) -> Json | None:
    bundle, run = walked.bundle, walked.run
    if not bundle.model or run is None:
        return None
    facets: Json = {"tidegate_training": _own(runId=run.run_id, metrics=run.metrics)}
    if run.parameters:
        given = [{"key": name, "value": value} for name, value in sorted(run.parameters.items())]
        facets["executionParameters"] = _facet("1-0-0/ExecutionParametersRunFacet", parameters=given)
    job: Json = {"jobType": _facet("2-0-4/JobTypeJobFacet", processingType="BATCH", integration="TIDEGATE", jobType="TRAINING")}
    if run.code_revision:
        job["sourceCodeLocation"] = _facet(
            "1-1-0/SourceCodeLocationJobFacet", type="git", url=f"git:{run.code_revision}", version=run.code_revision
        )
    when = walked.brought.at if walked.brought else walked.prediction.arrived_at
    facets["tidegate_training"]["note"] = "eventTime is when its release began: bundles keep no clock"
    return _event(
        when,
        {"runId": run_id(run.run_id or bundle.digest), "facets": facets},
        {"namespace": "tidegate", "name": f"{bundle.name}.training", "facets": job},
        inputs=[_data(one) for one in walked.data],
        outputs=[_model(bundle)],
    )


def _prediction(walked: trace.Trace, trained: Json | None) -> Json:
    one = walked.prediction
    facets: Json = {
        "tidegate_prediction": _own(
            endpoint=one.endpoint,
            environment=one.environment,
            arm=one.arm,
            rho=one.rho,
            version=one.version,
            answeredBy=one.answered_by,
            mark=one.mark,
            rows=one.rows,
            answers=list(one.answers),
            input=one.input_state,
        )
    }
    if walked.brought is not None:
        told = msgspec.to_builtins(walked.brought)
        kept = ("release", "strategy", "actor", "said", "phase", "outcome", "checks", "approvals")
        facets["tidegate_release"] = _own(**{name: told[name] for name in kept})
    if trained is not None:
        upstream = {
            "job": {name: trained["job"][name] for name in ("namespace", "name")},
            "run": {"runId": trained["run"]["runId"]},
            "dependency_type": "IMPLICIT_DEPENDENCY",
        }
        facets["jobDependencies"] = _facet("1-0-1/JobDependenciesRunFacet", upstream=[upstream], downstream=[])
    job = {"jobType": _facet("2-0-4/JobTypeJobFacet", processingType="STREAMING", integration="TIDEGATE", jobType="PREDICTION")}
    return _event(
        one.arrived_at,
        {"runId": one.id, "facets": facets},
        {"namespace": f"tidegate.{one.environment}", "name": one.endpoint, "facets": job},
        inputs=[_model(walked.bundle)],
        outputs=[{"namespace": f"tidegate.{one.environment}", "name": f"{one.endpoint}/predictions/{one.id}", "facets": {}}],
        failed=one.status >= 400,
    )


def _event(at: float, run: Json, job: Json, *, inputs: list[Json], outputs: list[Json], failed: bool = False) -> Json:
    return {
        "eventTime": instants.exact(at),
        "eventType": "FAIL" if failed else "COMPLETE",
        "producer": PRODUCER,
        "schemaURL": SPECIFICATION,
        "run": run,
        "job": job,
        "inputs": inputs,
        "outputs": outputs,
    }


def _data(one: manifests.Dataset) -> Json:
    """A snapshot: named by where it came from, told apart by its sha256."""
    facets: Json = {"tidegate_data": _own(role=one.role, sha256=one.sha256)}
    if one.sha256:
        facets["version"] = _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=one.sha256)
    if one.source:
        facets["dataSource"] = _facet("1-0-1/DatasourceDatasetFacet", name=one.name or one.source, uri=one.source)
    return {"namespace": "tidegate.data", "name": one.source or one.name or one.sha256, "facets": facets}


def _model(bundle: trace.Bundle) -> Json:
    files = [{"path": one.path, "sha256": one.sha256} for one in bundle.files]
    facets = {
        "version": _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=bundle.digest),
        "tidegate_bundle": _own(digest=bundle.digest, model=bundle.model, verified=bundle.verified, files=files),
    }
    return {"namespace": "tidegate.bundles", "name": bundle.digest, "facets": facets}


def _facet(schema: str, **told: Any) -> Json:
    """One of the specification's. `schema`: its version and name."""
    name = schema.partition("/")[2]
    return {"_producer": PRODUCER, "_schemaURL": f"{_FACETS}{schema}.json#/$defs/{name}", **told}


def _own(**told: Any) -> Json:
    """One of ours: whatever is in it is said by its names."""
    return {"_producer": PRODUCER, "_schemaURL": f"{PRODUCER}:facet", **told}
