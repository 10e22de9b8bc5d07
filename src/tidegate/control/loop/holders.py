"""Tokens: made and revoked as people ask, and told to the gateways through the table. Only hashes ever get here."""

import re
from collections.abc import Iterable

import msgspec

from tidegate.control.loop import transitions
from tidegate.control.store import commands
from tidegate.control.store import holders as rows
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, home, ids, tokens

CREATE, REVOKE = "token_create", "token_revoke"
HOME = "home"
"""The name of the home's own token."""
_RESERVED = frozenset({HOME, "system", "operator", "control", "judge"})
"""Names that the event log has for somebody else."""
_KNOWN_TO_GATEWAYS = ("predict", "feedback", "operate")
_HASH = re.compile("[0-9a-f]{64}")


def answer(desk: transitions.Desk, command: commands.Command, now: float) -> None:
    """Carry out CREATE, whose payload is a `tokens.Token`, or REVOKE, whose payload names one.

    Raises SpecInvalid, ScopeMissing, TokenTaken, TokenUnknown.
    """
    if command.kind == REVOKE:
        name = str(command.payload.get("name", ""))
        desk.store.revoke(desk.environment, name, command.actor, command.reason, now, command.id)
        return
    try:
        token = msgspec.convert(command.payload, tokens.Token)
    except msgspec.ValidationError as broken:
        raise errors.SpecInvalid(f"this is no token: {broken}.") from broken
    check(token)
    desk.store.admit(rows.Holder(desk.environment, token, command.actor, now), command.reason, command.id)


def check(token: tokens.Token) -> None:
    """Raises SpecInvalid for a name, hash or limit that cannot be used, ScopeMissing for a scope that there is not."""
    if not ids.is_name(token.name) or token.name in _RESERVED:
        raise errors.SpecInvalid(
            f"{token.name!r} cannot be a token's name.",
            cure=f"Use 1 to 63 of a-z, 0-9 and inner hyphens; not {', '.join(sorted(_RESERVED))}.",
        )
    if not _HASH.fullmatch(token.sha256) or token.sha256 == tokens.NOBODY:
        raise errors.SpecInvalid("a token is kept as its sha256.")
    unknown = [scope for scope in token.scopes if scope not in tokens.SCOPES]
    if unknown or not token.scopes:
        said = f"there is no scope {unknown[0]!r}." if unknown else "a token without a scope is good for nothing."
        raise errors.ScopeMissing(said, cure=f"The scopes are {', '.join(tokens.SCOPES)}.")
    if not (token.rate >= 0 and token.rate < float("inf") and token.daily >= 0):
        raise errors.SpecInvalid("a limit is 0 (none of its own) or more.")


def listed(desk: transitions.Desk, place: home.Home) -> tuple[tokens.Token, ...]:
    """What gateways have to know: the home's own token, and those that are good for something there."""
    stored = [one.token for one in desk.store.holders(desk.environment)]
    known = [one for one in stored if any(scope in (*_KNOWN_TO_GATEWAYS, "admin") for scope in one.scopes)]
    own = of_home(place)
    return (*((own,) if own else ()), *known)


def of_home(place: home.Home) -> tokens.Token | None:
    """The home's own token, which holds admin; None where there is none."""
    try:
        found = place.token.read_bytes().strip()
    except OSError:
        return None
    return tokens.Token(HOME, tokens.digest(found), ("admin",)) if found else None


def predictors(settings: specification.Settings, holders: Iterable[tokens.Token]) -> tuple[str, ...]:
    """Hashes of the tokens that may predict on an endpoint; empty where none is asked for, NOBODY where there is none."""
    if settings.access != "token":
        return ()
    return tuple(sorted(one.sha256 for one in holders if one.may("predict", settings.endpoint))) or (tokens.NOBODY,)
