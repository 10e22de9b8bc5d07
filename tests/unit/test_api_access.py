"""Who may ask the control API: the token's holder, at its own address, in JSON."""

import pytest

from tidegate.core.vocabulary import errors, tokens
from tidegate.interface.api import access

HOSTS = access.own_hosts(8081)
GOOD = {b"host": [b"127.0.0.1:8081"], b"authorization": [b"Bearer secret"], b"content-type": [b"application/json"]}


HOLDER = tokens.Token("home", tokens.digest(b"secret"), ("admin",))


def ask(change=None, *, method="POST"):
    headers = {name: values for name, values in {**GOOD, **(change or {})}.items() if values}
    access.check(headers, method=method, hosts=HOSTS)
    return access.identify(headers, lambda sha256: HOLDER if sha256 == HOLDER.sha256 else None)


def test_a_good_request_passes():
    assert ask() == HOLDER
    ask({b"host": [b"localhost:8081"]})
    ask({b"origin": [b"http://127.0.0.1:8081"]})
    ask({b"content-type": [b"application/json; charset=utf-8"]})
    ask({b"content-type": None}, method="GET")


@pytest.mark.parametrize(
    "change",
    [
        {b"host": [b"evil.example:8081"]},
        {b"host": [b"127.0.0.1:8080"]},
        {b"host": None},
        {b"host": [b"127.0.0.1:8081", b"evil.example"]},
        {b"origin": [b"http://evil.example"]},
        {b"origin": [b"null"]},
        {b"origin": [b"https://127.0.0.1:8081"]},
        {b"content-type": [b"text/plain"]},
        {b"content-type": None},
    ],
)
def test_another_host_another_origin_or_a_form_is_refused_whatever_the_token(change):
    with pytest.raises(errors.OriginRefused):
        ask(change)


@pytest.mark.parametrize(
    "given", [None, [b"Bearer wrong"], [b"secret"], [b"Basic secret"], [b"Bearer "], [b"Bearer secret", b"Bearer secret"]]
)
def test_without_the_token_nothing_is_told(given):
    with pytest.raises(errors.TokenMissing):
        ask({b"authorization": given}, method="GET")


def test_an_error_names_its_place_and_its_cure_apart():
    wrong = errors.SpecInvalid("this is wrong.", cure="Mend it.", where="tidegate.yaml:3")
    assert access.failure(wrong) == {"error": "tidegate.yaml:3: this is wrong.", "code": "spec-invalid", "cure": "Mend it."}
