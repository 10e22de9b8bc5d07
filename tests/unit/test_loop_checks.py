"""A candidate keeps the endpoint's contract, or its release is refused with the reason."""

import msgspec
import pytest

from tidegate.control.loop import checks
from tidegate.core.vocabulary import errors, manifests

STABLE = manifests.Signature(
    "columns",
    (
        manifests.Column("carrier", "string"),
        manifests.Column("delay", "long"),
        manifests.Column("wind", "double", required=False),
    ),
    (manifests.Column("late", "double"),),
)


def changed(name: str, **change: object) -> manifests.Signature:
    inputs = tuple(msgspec.structs.replace(one, **change) if one.name == name else one for one in STABLE.inputs)
    return msgspec.structs.replace(STABLE, inputs=inputs)


def test_the_same_signature_keeps_the_contract():
    checks.keeps_contract(STABLE, STABLE)


def test_a_wider_input_keeps_the_contract():
    checks.keeps_contract(STABLE, changed("delay", type="double"))


def test_a_new_optional_input_keeps_the_contract():
    more = msgspec.structs.replace(STABLE, inputs=(*STABLE.inputs, manifests.Column("gate", "string", required=False)))
    checks.keeps_contract(STABLE, more)


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        pytest.param(changed("delay", type="string"), "'delay'", id="another-type"),
        pytest.param(changed("wind", required=True), "null for 'wind'", id="null-no-more"),
        pytest.param(
            msgspec.structs.replace(STABLE, inputs=(*STABLE.inputs, manifests.Column("gate", "string"))),
            "needs the input 'gate'",
            id="one-more-required",
        ),
        pytest.param(msgspec.structs.replace(STABLE, inputs=STABLE.inputs[1:]), "does not know 'carrier'", id="one-fewer"),
        pytest.param(
            msgspec.structs.replace(STABLE, outputs=(manifests.Column("late", "long"),)), "late: long", id="another-output"
        ),
        pytest.param(msgspec.structs.replace(STABLE, kind="tensor"), "columns", id="another-kind"),
    ],
)
def test_a_broken_contract_is_named(candidate, words):
    with pytest.raises(errors.ContractBroken, match="Clients of stable would break") as refused:
        checks.keeps_contract(STABLE, candidate)
    assert words in str(refused.value)
