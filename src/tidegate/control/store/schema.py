"""The tables. What they hold as JSON is a struct of the vocabulary; what is a column is searched by or compared.

Every row carries (environment, endpoint) first. Changing anything here takes a migration and a new line in REVISIONS.
"""

import sqlalchemy as sa

REVISIONS = ("0001", "0002", "0003")
"""All revisions there have been, oldest first; the last is what this code reads and writes."""

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _key(*, primary: bool) -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("environment", sa.Text, primary_key=primary, nullable=False),
        sa.Column("endpoint", sa.Text, primary_key=primary, nullable=False),
    )


def _of(table: str, *more: str) -> sa.ForeignKeyConstraint:
    columns = ["environment", "endpoint", *more]
    return sa.ForeignKeyConstraint(columns, [f"{table}.{column}" for column in columns])


ENDPOINTS = sa.Table(
    "endpoints",
    METADATA,
    *_key(primary=True),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("stable", sa.Integer),
    sa.Column("kept", sa.Text, nullable=False),
)

VERSIONS = sa.Table(
    "versions",
    METADATA,
    *_key(primary=True),
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("model_digest", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    _of("endpoints"),
)

RELEASES = sa.Table(
    "releases",
    METADATA,
    *_key(primary=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("effects", sa.Text, nullable=False),
    sa.Column("waiting", sa.Text, nullable=False),
    sa.Column("look_again_at", sa.Double, nullable=False),
    _of("endpoints"),
)
"""`number` is the endpoint's own count of releases. An endpoint has one active release at most: the index says so."""

ONE_ACTIVE = sa.Index(
    "uq_releases_one_active",
    RELEASES.c.environment,
    RELEASES.c.endpoint,
    unique=True,
    sqlite_where=RELEASES.c.active,
    postgresql_where=RELEASES.c.active,
)

EVENTS = sa.Table(
    "events",
    METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    *_key(primary=False),
    sa.Column("release", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Index(None, "environment", "endpoint", "sequence"),
)

HEADS = sa.Table(
    "heads",
    METADATA,
    sa.Column("chain", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
"""The last link of the chain, so that cutting off its end shows too. Writers of a server database queue up at this row."""

VERDICTS = sa.Table(
    "verdicts",
    METADATA,
    *_key(primary=True),
    sa.Column("release", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("inputs", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["release"], ["releases.id"]),
)

HOLDS = sa.Table(
    "holds",
    METADATA,
    *_key(primary=True),
    sa.Column("model_digest", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("release", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    _of("endpoints"),
)

COMMANDS = sa.Table(
    "commands",
    METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    *_key(primary=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Index(None, "environment", "status", "sequence"),
)

FACTS = sa.Table(
    "facts",
    METADATA,
    *_key(primary=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

HOLDERS = sa.Table(
    "holders",
    METADATA,
    *_key(primary=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.UniqueConstraint("environment", "sha256"),
)
"""Tokens that are good, by name. `endpoint` is empty: those that a token is for are a list, in its body."""

LEASES = sa.Table(
    "leases",
    METADATA,
    *_key(primary=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("term", sa.BigInteger, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)
"""Who alone may do something for now. `until` goes by the server's clock where there is a server; `at` is when it was taken."""

WRITES = sa.Table("writes", METADATA, sa.Column("count", sa.BigInteger, primary_key=True, autoincrement=False))
"""One row: how often anything but a lease was written. Triggers keep it, so that whoever writes is counted."""

PASSING = (LEASES, WRITES)
"""Tables whose rows mean nothing in another store."""
