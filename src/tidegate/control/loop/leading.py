"""Which of several control processes decides: the one that has the lease. The others stand by and do nothing else.

A lease is for seconds and is renewed long before it ends, so that a standby takes over soon after its holder fell silent,
and at once when it ended cleanly. It is for order, not for safety: who acts in the belief that it still has the lease is
refused by generations (of releases) and parents (of the table).
"""

import contextlib
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors

NAME = "control"
STANDBY = "standby"
"""The state of a control process that another one's lease keeps from deciding: it is well."""
SECONDS = 3.0
"""For how long the lease is taken: a standby waits that long after its holder has fallen silent."""
RENEW_SECONDS = 1.0


class Deciding(Protocol):
    """Whoever decides while it has the lease."""

    def close(self) -> None:
        """Stop what it has started."""


_T = TypeVar("_T", bound=Deciding)


class Office(Generic[_T]):
    """One process's place at the lease of an environment. `holder`: the same again after a restart, so that it goes on."""

    def __init__(self, store: stores.Store, environment: str, holder: str, enter: Callable[[], _T]) -> None:
        """`enter` makes who decides, anew with each term: what one remembers from an earlier term is not so any more."""
        self._store, self._environment, self._holder, self._enter = store, environment, holder, enter
        self._deciding: _T | None = None
        self._renewed: float | None = None
        self.term = 0
        """Of the lease while it is ours; 0 while another has it."""

    def decider(self, now: float) -> _T | None:
        """Who decides, if it is us. `now`: Unix seconds. Raises StoreUnavailable: then nobody knows, and nothing is done."""
        if self._renewed is None or not 0 <= now - self._renewed < RENEW_SECONDS:
            term = self._store.lease(self._environment, NAME, self._holder, SECONDS, now) or 0
            if term != self.term:
                self._leave()
                self.term = term
            self._renewed = now if term else None
        if self.term and self._deciding is None:
            self._deciding = self._enter()
        return self._deciding

    def other(self, now: float) -> str:
        """Who has the lease; empty when nobody has."""
        lease = self._store.leased(self._environment, NAME, now)
        return lease.holder.partition(":")[0] if lease is not None else ""

    def close(self) -> None:
        """Stop deciding and let another begin at once."""
        self._leave()
        if self.term:
            with contextlib.suppress(errors.TidegateError):  # then it runs out
                self._store.give_up(self._environment, NAME, self._holder)
        self.term, self._renewed = 0, None

    def _leave(self) -> None:
        if self._deciding is not None:
            self._deciding.close()
        self._deciding = None
