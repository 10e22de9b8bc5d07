"""Tokens over the control API: made, listed, revoked, by who has admin. A token is shown once, in the answer that makes it."""

import secrets
import time

import fastapi
import msgspec

from tidegate.control.loop import holders
from tidegate.core.vocabulary import errors, tokens
from tidegate.interface.api import answers, asked, making, orders, scopes, shelf

_PREFIX = "tg_"
"""So that tools that look for leaked secrets can tell ours."""
_BYTES = 32


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """The paths."""
    issuing = fastapi.APIRouter(prefix="/v1/tokens", tags=["tokens"])

    @issuing.get("")
    def listed(_: scopes.Admin) -> list[answers.Token]:
        """Every token that is good, without the token itself: nobody has it but its holder."""
        return [_shown(one.token, one.actor, one.at) for one in books.store().holders(books.environment)]

    @issuing.post("", status_code=201)
    def create(body: asked.Token, holder: scopes.Admin) -> answers.NewToken:
        """Make one. The answer is the only place that shows it; what is kept is its sha256."""
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        made = tokens.Token(
            body.name, tokens.digest(secret.encode()), tuple(body.scopes), tuple(body.endpoints), body.rate, body.daily
        )
        holders.check(made)
        for endpoint in made.endpoints:
            making.known(books.store(), books.environment, endpoint)
        actor = scopes.actor(holder, body)
        orders.carry_out(books, holders.CREATE, body, holder, msgspec.to_builtins(made))
        return answers.NewToken(token=secret, **_shown(made, actor, time.time()).model_dump())

    @issuing.post("/{name}/revoke")
    def revoke(name: str, body: asked.Asked, holder: scopes.Admin) -> answers.Done:
        """Have it mean nothing from now on: here at once, in the gateways with the next table."""
        if name == holders.HOME:
            raise errors.TokenUnknown("the home's own token is a file.", cure="Remove HOME/token, then `tidegate up` again.")
        return orders.carry_out(books, holders.REVOKE, body, holder, {"name": name})

    return issuing


def _shown(token: tokens.Token, actor: str, at: float) -> answers.Token:
    return answers.Token(
        name=token.name,
        scopes=token.scopes,
        endpoints=token.endpoints,
        rate=token.rate,
        daily=token.daily,
        actor=actor,
        at=at,
    )
