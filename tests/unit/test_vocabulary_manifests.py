"""A model's digest is over what decides predictions, and over nothing else of a bundle."""

import msgspec
import pytest

from tidegate.core.vocabulary import manifests


def blob(path: str, content: str = "a") -> manifests.Blob:
    return manifests.Blob(path, content * 64, 9)


MODEL, EXAMPLE, CHECK, BASELINE = (
    blob(path) for path in ("model/model.onnx", "example.json", "check/mine.py", manifests.BASELINE)
)
SIGNATURE = manifests.Signature("columns", (manifests.Column("x", "double"),), (manifests.Column("y", "double"),))
BUNDLE = manifests.Manifest(
    "delay",
    "onnx",
    "model/model.onnx",
    SIGNATURE,
    (BASELINE, CHECK, EXAMPLE, MODEL),
    lock=("numpy==2",),
    options={"method": "predict", manifests.COMPILED_FROM: "sklearn " + "a" * 64},
    provenance=manifests.Provenance("mlflow://delay/1"),
    profile=manifests.Profile(rows=30, edges=(0.5,)),
    example="example.json",
)


def changed(**given: object) -> manifests.Manifest:
    return msgspec.structs.replace(BUNDLE, **given)


@pytest.mark.parametrize(
    "other",
    [
        changed(files=(BASELINE, blob("check/mine.py", "b"), EXAMPLE, MODEL)),
        changed(files=(BASELINE, EXAMPLE, MODEL)),
        changed(files=(BASELINE, CHECK, blob("example.json", "b"), MODEL)),
        changed(files=(blob(manifests.BASELINE, "b"), CHECK, EXAMPLE, MODEL)),
        changed(profile=manifests.Profile(rows=31, edges=(0.7,))),
    ],
    ids=["check", "no check", "example", "baseline", "profile"],
)
def test_the_same_model_in_another_bundle(other):
    assert other.model_digest == BUNDLE.model_digest
    assert other.digest != BUNDLE.digest
    assert not other.alike(BUNDLE), "there is something to release"


@pytest.mark.parametrize(
    "other",
    [
        changed(files=(BASELINE, CHECK, EXAMPLE, blob("model/model.onnx", "b"))),
        changed(files=(*BUNDLE.files, blob("model/code/mine.py"))),
        changed(files=(*BUNDLE.files, blob(manifests.RUNTIME))),
        changed(lock=("numpy==3",)),
        changed(options=BUNDLE.options | {"method": "predict_proba"}),
        changed(options={"method": "predict"}),
        changed(loader="sklearn"),
    ],
    ids=["artifact", "code", "runtime", "lock", "configuration", "not compiled", "loader"],
)
def test_another_model(other):
    assert other.model_digest != BUNDLE.model_digest
    assert not other.alike(BUNDLE)


def test_the_name_of_a_model_and_of_its_original_are_nothing_of_it():
    options = BUNDLE.options | {manifests.COMPILED_FROM: "sklearn " + "b" * 64}
    other = changed(name="late", provenance=manifests.Provenance("mlflow://late/7"), options=options)
    assert other.model_digest == BUNDLE.model_digest
    assert other.alike(BUNDLE)
    assert other.former_model_digest != BUNDLE.former_model_digest


@pytest.mark.parametrize(
    ("profile", "so"),
    [
        (manifests.Profile(30, edges=(-3.5, 2.25)), True),
        (manifests.Profile(30, edges=(0.1, 0.9)), False),
        (manifests.Profile(30, edges=(1.0, 2.0, 3.0)), False),
        (manifests.Profile(30, classes=("a", "b")), False),
        (manifests.Profile(), False),
    ],
    ids=["quantities", "probabilities", "numbered classes", "classes", "no example"],
)
def test_whether_answers_are_quantities_is_seen_by_their_example(profile, so):
    assert changed(profile=profile).answers_quantities is so
