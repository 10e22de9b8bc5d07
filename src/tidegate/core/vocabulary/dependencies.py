"""What a version depends on outside its bundle, and what was changed there for its sake: asked before any traffic moves."""

import msgspec


class Requirement(msgspec.Struct, frozen=True):
    """Something that has to be there, with the probe that says whether it is."""

    kind: str
    """service or table."""
    name: str
    """The service's URL, or the table's name."""
    version: str = ""
    """table: what the probe has to find, v3 or 3; empty: the table only has to exist."""
    url: str = ""
    """table: where its SQLAlchemy address is: env:NAME or file:PATH, since it may hold a password."""
    query: str = ""
    """table: gives its version in the first column of its first row."""

    @property
    def said(self) -> str:
        """As people write it: customers@v3, https://..."""
        return f"{self.name}@{self.version}" if self.version else self.name


class Migration(msgspec.Struct, frozen=True):
    """A change of something shared, made for a version. Once a contract is done, versions before it cannot come back."""

    name: str
    kind: str
    """expand: the version before goes on working. contract: it does not."""


CONTRACT, EXPAND = "contract", "expand"
