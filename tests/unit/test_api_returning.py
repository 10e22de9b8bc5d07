"""Ways back over the control API: the versions there are, revisions, migrations that were done, drills."""

import api_fixtures
import msgspec

from tidegate.control.loop import brought, checks
from tidegate.core.vocabulary import errors, manifests, phases, releases
from tidegate.dataplane.models import bundles
from tidegate.delivery.gates import findings

made, place, store, asked = api_fixtures.made, api_fixtures.place, api_fixtures.store, api_fixtures.asked


def bundle(place, revision):
    columns = (manifests.Column("x", "double"),)
    signature = manifests.Signature("columns", columns, columns)
    provenance = manifests.Provenance("m", code_revision=revision)
    manifest = manifests.Manifest("m", "sklearn", "m", signature, (), provenance=provenance)
    (place.bundles / manifest.digest).mkdir()
    (place.bundles / manifest.digest / bundles.MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return manifest


def second(place, store):
    """v2, released and rolled back, built from 2222...; v1's bundle is not here."""
    manifest = bundle(place, "2" * 40)
    version = store.add_version("production", "delay", manifest.digest, manifest.model_digest, "mlflow://delay/2", 20.0)
    stable = store.version("production", "delay", 1)
    given = ("r2", "production", "delay", version, stable, "canary", (), releases.Policy(), b"", 20.0)
    store.create(releases.Release(*given, phase=phases.Phase.ROLLED_BACK))
    return version


def test_versions_are_listed_with_what_came_of_them(place, store, asked):
    second(place, store)
    found = asked.get("/v1/endpoints/delay/versions").json()
    assert [(one["name"], one["revision"][:2], one["released"], one["serving"], one["here"]) for one in found] == [
        ("v2", "22", False, False, True),
        ("v1", "", True, True, False),
    ]


def test_the_settings_that_a_release_changes_are_told(place, store, asked):
    second(place, store)
    assert asked.get("/v1/releases/r2/settings").json() == []
    before = store.endpoint("production", "delay").settings
    for name, value in brought.notes(store.release("r2"), before, {**before, "replicas": 3}):
        store.note("production", "delay", name, value)
    (said,) = asked.get("/v1/releases/r2/settings").json()
    assert said == {"key": "replicas", "before": "3", "now": "1"}, "it was rolled back"


def test_what_the_checks_saw_is_told(place, store, asked):
    second(place, store)
    assert asked.get("/v1/releases/r2/checks").json() == []
    given = findings.refused("data", errors.DataChanged("rows.csv was changed.", cure="Put it back."))
    place.checks.mkdir()
    (place.checks / "r2.json").write_bytes(msgspec.json.encode(checks.Record(1.0, (given,), ())))
    (said,) = asked.get("/v1/releases/r2/checks").json()
    assert said == msgspec.to_builtins(given)
    assert asked.get("/v1/releases/none/checks").json()["code"] == "release-unknown"


def test_a_rollback_to_a_revision_is_one_to_its_version(place, store, asked):
    second(place, store)
    heard = []

    def answer(command):
        heard.append((command.kind, command.payload))
        store.finish(command.id, {})

    with api_fixtures.control(place, store, answer):
        assert asked.post("/v1/endpoints/delay/rollback", json={"to_ref": "22222222"}).status_code == 200
        missed = asked.post("/v1/endpoints/delay/rollback", json={"to_ref": "33333333"})
        twice = asked.post("/v1/endpoints/delay/rollback", json={"to_ref": "2222", "to": 1})
    assert heard == [("rollback", {"to": 2})]
    assert (missed.status_code, missed.json()["code"]) == (404, "revision-unknown")
    assert "v2 222222222222" in missed.json()["cure"]
    assert twice.json()["code"] == "body-malformed"


def test_a_migration_and_a_drill_are_handed_to_control_in_somebodys_name(place, store, asked):
    heard = []

    def answer(command):
        heard.append((command.kind, command.payload, command.actor))
        if command.kind == "rehearse":
            store.finish(command.id, {})
        else:
            store.refuse(command.id, errors.MigrationUnknown("no release of delay names the migration 'drop-x'."))

    with api_fixtures.control(place, store, answer):
        refused = asked.post("/v1/endpoints/delay/migrated", json={"name": "drop-x", "actor": "ann"})
        begun = asked.post("/v1/endpoints/delay/rehearse", json={"seconds": 2})
    assert heard == [("migrated", {"name": "drop-x"}, "ann"), ("rehearse", {"seconds": 2.0}, "operator")]
    assert (refused.status_code, refused.json()["code"]) == (404, "migration-unknown")
    assert begun.status_code == 200
    assert asked.post("/v1/endpoints/delay/migrated", json={}).json()["code"] == "body-malformed"
    assert asked.post("/v1/endpoints/delay/rehearse", json={"seconds": -1}).json()["code"] == "body-malformed"
    assert asked.post("/v1/endpoints/nobody/rehearse", json={}).json()["code"] == "endpoint-unknown"
