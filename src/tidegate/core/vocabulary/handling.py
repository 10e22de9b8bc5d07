"""What an endpoint asks of the worker that answers for it: how inputs are taken, how answers are checked and shown.

Terms belong to the endpoint, not to the bundle, so they travel with each call and hold from the next request on.
"""

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """A condition that every row of an answer has to meet."""

    text: str
    """As written: its name in headers and logs."""
    kind: str
    """finite, range or classes."""
    output: str = ""
    """The output it is about; empty: every one that it can be held against."""
    low: float | None = None
    high: float | None = None
    """range: both ends belong to it; None is open."""
    classes: tuple[str, ...] = ()


class Terms(msgspec.Struct, frozen=True):
    """What the worker is asked for, besides the prediction."""

    coerce: bool = False
    """Take "3" for 3, 3.0 for 3 and 0/1 for false/true, rather than refuse them."""
    round: int = -1
    """Decimals that clients see of numbers; -1: all. The log keeps all."""
    rules: tuple[Rule, ...] = ()
    check: str = ""
    """MODULE:FUNCTION in the bundle, called with (inputs, outputs) of one request; what is not true is a breach."""
    discreet: bool = False
    """Say nothing in a model's own words, which may hold values of inputs: the endpoint keeps some of them from the log."""


PLAIN = Terms()
