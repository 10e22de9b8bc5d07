"""Who is told what: an address with the severity from which it is told, and what about."""

from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import incidents

RELEASE = "release"
"""What releases have to tell, besides the kinds of alarms."""


class Recipient(msgspec.Struct, frozen=True):
    """One entry of `notify`."""

    address: str
    """Where the address is: env:NAME or file:PATH."""
    floor: str = "info"
    """info, warning or critical: nothing below it is told."""
    about: tuple[str, ...] = ()
    """Kinds of alarms, and `release`; empty: everything."""

    def takes(self, severity: str, kind: str) -> bool:
        """Whether this is told there."""
        return incidents.rank(severity) >= incidents.rank(self.floor) and (not self.about or kind in self.about)

    @property
    def said(self) -> str:
        """As `tidegate plan` shows it: "env:PAGER from critical about drift"."""
        floor = "" if self.floor == "info" else f" from {self.floor}"
        return self.address + floor + (f" about {' and '.join(self.about)}" if self.about else "")


def of(entries: Iterable[str | Recipient]) -> tuple[Recipient, ...]:
    """Entries as settings keep them: an address alone is told everything."""
    return tuple(Recipient(one) if isinstance(one, str) else one for one in entries)


def entry(recipient: Recipient) -> str | Recipient:
    """As settings keep it: an address that is told everything is kept alone, as it always was."""
    return recipient.address if recipient == Recipient(recipient.address) else recipient
