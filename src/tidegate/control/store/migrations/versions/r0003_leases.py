"""Leases, and a count of what is written besides them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTED = ("endpoints", "versions", "releases", "events", "heads", "verdicts", "holds", "commands", "facts", "holders")
"""A table that a later revision makes gets its triggers there, by `count`."""


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("term", sa.BigInteger, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("environment", "endpoint", "name", name="pk_leases"),
    )
    op.create_table(
        "writes",
        sa.Column("count", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("count", name="pk_writes"),
    )
    op.execute("INSERT INTO writes (count) VALUES (1)")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION tidegate_wrote() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN UPDATE writes SET count = count + 1; RETURN NULL; END $$"
        )
    for table in COUNTED:
        count(table)


def count(table: str) -> None:
    """Have every write to this table counted."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_wrote AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION tidegate_wrote()"
        )
        return
    for verb in ("INSERT", "UPDATE", "DELETE"):
        counted = "BEGIN UPDATE writes SET count = count + 1; END"
        op.execute(f"CREATE TRIGGER {table}_wrote_{verb.lower()} AFTER {verb} ON {table} {counted}")


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in COUNTED:
        for name in (f"{table}_wrote",) if postgresql else (f"{table}_wrote_{verb}" for verb in ("insert", "update", "delete")):
            op.execute(f"DROP TRIGGER {name} ON {table}" if postgresql else f"DROP TRIGGER {name}")
    if postgresql:
        op.execute("DROP FUNCTION tidegate_wrote()")
    op.drop_table("writes")
    op.drop_table("leases")
