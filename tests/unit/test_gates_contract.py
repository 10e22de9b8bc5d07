"""A candidate keeps the endpoint's contract, or its release is refused with the reason."""

import msgspec
import pytest

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.gates import contract

STABLE = manifests.Signature(
    "columns",
    (
        manifests.Column("carrier", "string"),
        manifests.Column("delay", "long"),
        manifests.Column("wind", "double", required=False),
        manifests.Column("class", "string", categories=("eco", "first")),
    ),
    (manifests.Column("late", "double"),),
)
IMAGE = manifests.Column("image", "FP32", shape=(-1, 28, 28))


def bundle(signature=STABLE, loader="sklearn", classes=(), **options):
    return manifests.Manifest("delay", loader, "m", signature, (), options=options, profile=manifests.Profile(9, classes=classes))


def changed(name: str, **change: object) -> manifests.Signature:
    inputs = tuple(msgspec.structs.replace(one, **change) if one.name == name else one for one in STABLE.inputs)
    return msgspec.structs.replace(STABLE, inputs=inputs)


def more(*columns):
    return msgspec.structs.replace(STABLE, inputs=(*STABLE.inputs, *columns))


def answering(*columns):
    return msgspec.structs.replace(STABLE, outputs=columns)


def tensors(*columns):
    return manifests.Signature("tensor", columns, (manifests.Column("late", "FP64", shape=(-1, 3)),))


@pytest.mark.parametrize(
    ("stable", "candidate"),
    [
        pytest.param(STABLE, STABLE, id="the-same"),
        pytest.param(STABLE, changed("delay", type="double"), id="a-wider-input"),
        pytest.param(STABLE, more(manifests.Column("gate", "string", required=False)), id="one-more-that-may-be-left-out"),
        pytest.param(STABLE, changed("class", categories=("eco", "business", "first")), id="more-categories"),
        pytest.param(STABLE, changed("class", categories=()), id="any-category"),
        pytest.param(
            tensors(IMAGE), tensors(msgspec.structs.replace(IMAGE, shape=(-1, -1, 28))), id="any-size-where-one-was-asked-for"
        ),
        pytest.param(
            answering(manifests.Column("late", "FP64", shape=(-1, -1))),
            answering(manifests.Column("late", "FP64", shape=(-1, 3))),
            id="one-size-where-any-was-answered",
        ),
    ],
)
def test_what_clients_of_stable_do_not_notice_keeps_the_contract(stable, candidate):
    assert contract.kept(bundle(stable), bundle(candidate)).passed


@pytest.mark.parametrize(
    ("stable", "candidate", "words"),
    [
        pytest.param(STABLE, changed("delay", type="string"), "'delay'", id="another-type"),
        pytest.param(STABLE, changed("wind", required=True), "null for 'wind'", id="null-no-more"),
        pytest.param(STABLE, more(manifests.Column("gate", "string")), "needs the input 'gate'", id="one-more-required"),
        pytest.param(
            STABLE, msgspec.structs.replace(STABLE, inputs=STABLE.inputs[1:]), "does not know 'carrier'", id="one-fewer"
        ),
        pytest.param(STABLE, changed("class", categories=("eco",)), "'first' for 'class'", id="fewer-categories"),
        pytest.param(STABLE, changed("carrier", categories=("AA",)), "only 'AA'", id="categories-where-anything-went"),
        pytest.param(STABLE, answering(manifests.Column("late", "long")), "late: long", id="another-output"),
        pytest.param(STABLE, msgspec.structs.replace(STABLE, kind="tensor"), "columns", id="another-kind"),
        pytest.param(
            tensors(IMAGE), tensors(msgspec.structs.replace(IMAGE, shape=(-1, 32, 32))), "shape (-1, 28, 28)", id="another-size"
        ),
        pytest.param(
            answering(manifests.Column("late", "FP64", shape=(-1, 3))),
            answering(manifests.Column("late", "FP64", shape=(-1, -1))),
            "the candidate in (-1, -1)",
            id="any-size-where-one-was-promised",
        ),
        pytest.param(
            answering(manifests.Column("late", "string", categories=("no", "yes"))),
            answering(manifests.Column("late", "string", categories=("yes",))),
            "'no' for 'late'",
            id="a-category-that-is-answered-no-more",
        ),
    ],
)
def test_a_broken_contract_is_named_with_its_cure(stable, candidate, words):
    with pytest.raises(errors.ContractBroken, match="Clients of stable would break") as refused:
        contract.keeps(bundle(stable), bundle(candidate))
    assert words in str(refused.value)
    found = contract.kept(bundle(stable), bundle(candidate))
    assert (found.passed, found.code) == (False, "contract-broken")
    assert "`api: 2`" in found.words


def test_classes_have_to_be_a_superset():
    three = bundle(classes=("a", "b", "c"))
    assert contract.kept(three, bundle(classes=("c", "b", "a", "d"))).passed
    with pytest.raises(errors.ContractBroken, match="the classes 'b'"):
        contract.keeps(three, bundle(classes=("a", "c", "d")))
    with pytest.raises(errors.ContractBroken, match="the classes 'b'"):
        contract.keeps(three, bundle(loader="onnx", classes=("a", "c"), compiled_from="sklearn 1234"))


def test_classes_that_are_only_those_of_the_example_are_no_proof_either_way():
    found = contract.kept(bundle(classes=("a", "b")), bundle(loader="python", classes=("a",)))
    assert found.passed
    assert not found.compared
    assert "'b'" in found.words


def listing(*classes):
    outputs = (manifests.Column("probabilities", "FP64", shape=(-1, len(classes))),)
    made = bundle(msgspec.structs.replace(STABLE, outputs=outputs), classes=classes)
    return msgspec.structs.replace(made, options={"classes": msgspec.json.encode(classes).decode()})


def test_a_list_of_probabilities_may_grow_at_its_end_and_nowhere_else():
    assert contract.kept(listing("a", "b"), listing("a", "b", "c")).passed
    for other in (listing("b", "a"), listing("c", "a", "b"), listing("a")):
        assert not contract.kept(listing("a", "b"), other).passed
