"""What a token may ask: each path needs a scope, and a token that is for some endpoints gets no further than these."""

from typing import Annotated, Any

import fastapi

from tidegate.control.loop import holders
from tidegate.core.vocabulary import errors, tokens
from tidegate.interface.api import access, asked, shelf

VERBS = dict.fromkeys(("approve", "reject", "unhold"), "approve")
"""Verbs that need another scope than operate."""


def known(books: shelf.Shelf, token: str) -> access.Known:
    """Tokens by their hash: the home's own, `token`, which the store is not needed for, then those of the store."""
    own = tokens.Token(holders.HOME, tokens.digest(token.encode()), ("admin",)) if token else None

    def find(sha256: str) -> tokens.Token | None:
        if own is not None and sha256 == own.sha256:
            return own
        found = books.store().holder(books.environment, sha256)
        return found.token if found else None

    return find


def demand(holder: tokens.Token, scope: str, endpoint: str = "") -> tokens.Token:
    """The holder, if it may. Raises ScopeMissing."""
    if holder.may(scope, endpoint):
        return holder
    if holder.may(scope, *holder.endpoints[:1]):
        raise errors.ScopeMissing(
            f"the token {holder.name} is good for {', '.join(holder.endpoints)} only.", cure="Use one that is for all endpoints."
        )
    raise errors.ScopeMissing(
        f"this needs the scope {scope}; the token {holder.name} has {', '.join(holder.scopes)}.",
        cure=f"`tidegate token create NAME --scope {scope}` makes one that has it.",
    )


def needs(scope: str) -> Any:
    """A dependency of a path: its holder, who has this scope for the endpoint in the path (for all, where it has none)."""

    def holder(request: fastapi.Request) -> tokens.Token:
        return demand(_holder(request), scope, request.path_params.get("endpoint", ""))

    return fastapi.Depends(holder)


def actor(holder: tokens.Token, body: asked.Asked) -> str:
    """Who asks, for the event log: the token's name; with the home's own token, which anybody at home has, who it says."""
    return body.actor if holder.name == holders.HOME else holder.name


def _holder(request: fastapi.Request) -> tokens.Token:
    found: tokens.Token = request.scope[access.HOLDER]
    return found


Reader = Annotated[tokens.Token, needs("read")]
Operator = Annotated[tokens.Token, needs("operate")]
Admin = Annotated[tokens.Token, needs("admin")]
Anybody = Annotated[tokens.Token, fastapi.Depends(_holder)]
"""Whose path has to look first which scope, or whose endpoint, is asked for."""
