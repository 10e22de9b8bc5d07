"""What a check says: what it looked at and how that came out, for `plan`, for the release's reason and for people."""

from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import errors


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at."""

    name: str
    """Of the check: bundle, contract, requires, migrations, data or memory."""
    passed: bool
    words: str
    """What was looked at and what was seen; where it did not pass, with the cure."""
    code: str = ""
    """Of the error that it comes to, where it did not pass."""
    compared: bool = True
    """False: it could not be looked at, and `words` say why. It stands in no release's way, and it is no proof either."""


def good(name: str, words: str) -> Finding:
    """It is as it should be."""
    return Finding(name, passed=True, words=words)


def unseen(name: str, words: str) -> Finding:
    """It could not be looked at: nobody is held up by that, but it is said."""
    return Finding(name, passed=True, words=words, compared=False)


def refused(name: str, error: errors.TidegateError) -> Finding:
    """It is not as it should be."""
    return Finding(name, passed=False, words=str(error), code=error.code)


def why(found: Iterable[Finding]) -> str:
    """Why a release may not go on, all reasons in one line; empty when it may."""
    return " ".join(one.words for one in found if not one.passed)
