"""Who a request comes from, and what that one may do at the gateway."""

import pytest

from tidegate.core.vocabulary import errors, tokens
from tidegate.dataplane.gateway import holders

NAMES = {"shop": ("predict",), "labels": ("feedback",), "ops": ("operate",), "root": ("admin",)}


def bearer(name):
    return b"Bearer " + name.encode()


@pytest.fixture
def known():
    return holders.Holders(tokens.Token(name, tokens.digest(name.encode()), scopes) for name, scopes in NAMES.items())


def test_a_header_that_holds_no_token_is_nobodys(known):
    for header in (b"", b"Bearer", b"Bearer ", b"Basic shop", b"shop", b"Bearer nobody", b"Bearer shop extra"):
        assert known.of(header) is None
    assert known.of(b"bearer  shop ").name == "shop"


def test_predicting_needs_a_token_that_the_endpoint_admits(known):
    admitted = frozenset({tokens.digest(b"shop"), tokens.digest(b"old")})
    assert known.predictor(bearer("shop"), admitted).name == "shop"
    assert known.predictor(bearer("old"), admitted).sha256 == tokens.digest(b"old"), "of a table that names hashes only"
    for header in (b"", bearer("nobody")):
        with pytest.raises(errors.TokenMissing):
            known.predictor(header, admitted)
    with pytest.raises(errors.ScopeMissing, match="labels may not predict"):
        known.predictor(bearer("labels"), admitted)
    with pytest.raises(errors.ScopeMissing):
        known.predictor(bearer("root"), frozenset({tokens.NOBODY}))


def test_outcomes_are_taken_from_feedback_tokens_and_from_those_that_predict(known):
    guarded = [frozenset({tokens.digest(b"shop")})]
    for name in ("labels", "root", "shop"):
        known.witness(bearer(name), guarded)
    with pytest.raises(errors.TokenMissing):
        known.witness(b"", guarded)
    with pytest.raises(errors.ScopeMissing):
        known.witness(bearer("ops"), guarded)


def test_operating_is_by_endpoint():
    known = holders.Holders([tokens.Token("ops", tokens.digest(b"ops"), ("operate",), ("flights",))])
    assert known.operates(bearer("ops"), "flights")
    assert not known.operates(bearer("ops"), "delays")
    assert not known.operates(b"", "flights")
