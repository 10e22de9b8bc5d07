"""Who a request comes from: the token in its header, held against the hashes that the table tells.

A token is looked up by its sha256, so how long that takes says nothing about the tokens there are; the hash of a header is
worked out once for each header seen, and the least recently seen are forgotten.
"""

import functools
from collections.abc import Collection, Iterable

from tidegate.core.vocabulary import errors, tokens

REMEMBERED = 1_024
_MISSING = "This endpoint needs a token: Authorization: Bearer ..."


@functools.lru_cache(REMEMBERED)
def digest(authorization: bytes) -> str:
    """sha256 of the token in an Authorization header; empty for one that holds none."""
    scheme, _, token = authorization.partition(b" ")
    token = token.strip()
    return tokens.digest(token) if token and scheme.lower() == b"bearer" else ""


class Holders:
    """The tokens that gateways have to know, as one table tells them."""

    def __init__(self, known: Iterable[tokens.Token] = ()) -> None:
        self._known = {one.sha256: one for one in known}
        self.limited = any(one.rate or one.daily for one in self._known.values())
        """Whether some have limits of their own."""

    def of(self, authorization: bytes) -> tokens.Token | None:
        """Whose header this is; None for nobody that is known."""
        return self._known.get(digest(authorization)) if authorization else None

    def predictor(self, authorization: bytes, admitted: Collection[str]) -> tokens.Token:
        """Who predicts, where only tokens with the hashes `admitted` may. Raises TokenMissing, ScopeMissing."""
        found = digest(authorization)
        if found in admitted:
            # a table of an earlier Tidegate names hashes only
            return self._known.get(found) or tokens.Token(found[:12], found, ("predict",))
        holder = self._known.get(found)
        if holder is None:
            raise errors.TokenMissing(_MISSING)
        raise errors.ScopeMissing(
            f"The token {holder.name} may not predict on this endpoint.", cure="It needs the scope predict."
        )

    def witness(self, authorization: bytes, guarded: Iterable[Collection[str]]) -> None:
        """Whether outcomes are taken from whom. An id does not say its endpoint, so any endpoint's token will do:
        one with the scope feedback, or one of those that some of the `guarded` endpoints admits.

        Raises TokenMissing, ScopeMissing.
        """
        found = digest(authorization)
        holder = self._known.get(found)
        if (holder is not None and _has(holder, "feedback")) or any(found in admitted for admitted in guarded):
            return
        if holder is None:
            raise errors.TokenMissing("Outcomes need a token here: Authorization: Bearer ...")
        raise errors.ScopeMissing(f"The token {holder.name} may not report outcomes.", cure="It needs the scope feedback.")

    def attests(self, authorization: bytes, endpoint: str) -> None:
        """Whether values for keys of a guarded endpoint are taken from whom. A key can be guessed where an id cannot, so the
        scope predict, which every client has, is not enough.

        Raises ScopeMissing.
        """
        holder = self.of(authorization)
        if holder is None or not holder.may("feedback", endpoint):
            raise errors.ScopeMissing(
                f"This token may not report values for keys of {endpoint}.", cure="It needs the scope feedback there."
            )

    def operates(self, authorization: bytes, endpoint: str) -> bool:
        """Whether it may ask for any version of an endpoint."""
        holder = self.of(authorization)
        return holder is not None and holder.may("operate", endpoint)


def _has(holder: tokens.Token, scope: str) -> bool:
    return holder.may(scope, *holder.endpoints[:1])
