"""From a data snapshot to every version trained on it, what it is now and what it has answered."""

import pathlib
from collections.abc import Iterator

import msgspec
import predlog_fixtures as given
import pytest

from tidegate.control.loop import descendants, lineage
from tidegate.control.store import database, endpoints, holds, store
from tidegate.core.vocabulary import errors, home, manifests, releases
from tidegate.core.vocabulary.phases import Phase
from tidegate.interface.cli.views import lineage as view

JANUARY, JULY, OTHER = "5" * 64, "55555" + "7" * 59, "9" * 64


def bundled(made: home.Home, name: str, *data: manifests.Dataset) -> manifests.Manifest:
    manifest = manifests.Manifest(
        name, "sklearn", name, manifests.Signature("columns", (), ()), (),
        provenance=manifests.Provenance(f"mlflow://{name}/1", f"run-{name}", data=data),
    )  # fmt: skip
    (made.bundles / manifest.digest).mkdir()
    (made.bundles / manifest.digest / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return manifest


class World:
    """One endpoint with five versions and another with one, three of them from January's data."""

    def __init__(self, made: home.Home, known: store.Store) -> None:
        self.place, self.store = made, known
        january = manifests.Dataset("january", "training", JANUARY, "s3://flights/january.parquet")
        tested = manifests.Dataset("january", "test", JANUARY)
        july = manifests.Dataset("july", "training", JULY)
        self.loose = bundled(made, "loose", january)
        mine = [
            bundled(made, f"m{number}", *data) for number, data in enumerate(((january,), (july,), (january, tested), (july,)))
        ]
        known.put_endpoint(endpoints.Endpoint("production", "flight-delay", {}, stable=3, kept=(1,)))
        known.put_endpoint(endpoints.Endpoint("production", "other", {}, stable=1))
        self.versions = [
            known.add_version("production", "flight-delay", one.digest, one.model_digest, one.provenance.source, 1.0)
            for one in mine
        ]
        known.add_version("production", "flight-delay", "e" * 64, "e" * 64, "mlflow://gone/1", 1.0)
        known.add_version("production", "other", self.loose.digest, self.loose.model_digest, "mlflow://loose/1", 1.0)
        self.writer = given.writer(made)

    def of(self, digits: str) -> lineage.Lineage:
        return lineage.of(self.place, self.store, "production", digits)


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    made = given.place(tmp_path)
    with store.Store(database.sqlite_url(made.store)) as known:
        yield World(made, known)


def test_every_version_of_every_endpoint_that_came_of_it_is_told_with_what_it_is_and_has_answered(world: World) -> None:
    logged = [given.prediction(number, at=float(number), version=3, rows=2) for number in range(5)]
    copy = given.prediction(9, version=3, role=1)
    world.writer.append([*logged, copy, given.prediction(6, version=1), given.prediction(7, version=2)])
    found = world.of(JANUARY[:6])
    assert (found.snapshot.sha256, found.snapshot.sources) == (JANUARY, ("s3://flights/january.parquet",))
    told = {f"{one.endpoint}/{one.version}": one for one in found.versions}
    assert list(told) == ["flight-delay/v3", "flight-delay/v1", "other/v1"]
    assert [one.state for one in told.values()] == [descendants.SERVES, descendants.KEPT, descendants.SERVES]
    assert told["flight-delay/v3"].roles == ("test", "training")
    served = told["flight-delay/v3"].served
    assert (served.requests, served.rows, served.first, served.last) == (5, 10, given.T0, given.T0 + 4)
    assert told["other/v1"].served == descendants.Served()
    assert found.bundles == ()
    assert found.unknown == ("flight-delay/v5",)
    said = " ".join(found.said)
    assert "flight-delay/v3 answers requests now" in said
    assert "tidegate hold flight-delay --version v1" in said
    assert "6 requests were answered" in said
    assert "not known what flight-delay/v5 was trained on" in said
    assert any("5 requests, 10 rows, from" in line for line in view.downwards(found))


def test_a_candidate_that_takes_traffic_serves_and_what_is_held_is_said_to_be(world: World) -> None:
    candidate, stable = world.versions[1], world.versions[2]
    release = releases.Release(
        "r2", "production", "flight-delay", candidate, stable, "canary", (releases.Stage("5%", 500),), releases.Policy(),
        b"s", 2.0, phase=Phase.RUNNING,
    )  # fmt: skip
    world.store.create(release)
    world.store.hold(holds.HoldRow("production", "flight-delay", world.versions[3].model_digest, "too many errors"))
    held, serving = world.of(JULY).versions
    assert (serving.version, serving.state, [one.id for one in serving.releases]) == ("v2", descendants.SERVES, ["r2"])
    assert (held.version, held.state, held.held) == ("v4", descendants.HELD, True)
    said = " ".join(world.of(JULY).said)
    assert "flight-delay/v4 is held" in said
    assert "--version v4" not in said


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("55555" + "x" * 5, "is no sha256"),
        ("555", "is no sha256"),
        ("", "is no sha256"),
        ("5" * 65, "is no sha256"),
        (OTHER, "no bundle here names"),
    ],
)
def test_what_is_no_digest_or_unknown_is_refused_with_what_there_is(world: World, digits: str, words: str) -> None:
    with pytest.raises(errors.DataUnknown, match=words):
        world.of(digits)


def test_where_no_bundle_names_data_it_is_said_how_one_would(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.DataUnknown, match="nor any other") as refused:
        lineage.of(given.place(tmp_path), None, "", "5" * 64)
    assert "docs/lineage.md" in str(refused.value)


def test_digits_that_stand_for_several_snapshots_are_refused(world: World) -> None:
    both = manifests.Dataset("twin", "training", "555555" + "8" * 58)
    bundled(world.place, "twin", both)
    with pytest.raises(errors.DataUnknown, match="2 snapshots begin with 555555"):
        world.of("555555")
    assert world.of("5555558").bundles


def test_the_way_up_names_run_and_data_and_what_is_not_known(world: World) -> None:
    row = world.store.endpoint("production", "flight-delay")
    assert row is not None
    found = lineage.origins(world.place, world.store, row)
    assert [one.version for one in found] == ["v5", "v4", "v3", "v2", "v1"]
    assert found[0].provenance is None
    lines = view.upwards(found)
    assert any(JULY in line for line in lines)
    assert any("not known: its bundle is not here" in line for line in lines)
    assert [one.version for one in lineage.origins(world.place, world.store, row, 2)] == ["v2"]
    with pytest.raises(errors.VersionUnknown):
        lineage.origins(world.place, world.store, row, 9)
