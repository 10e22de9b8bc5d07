"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("environment", sa.Text, nullable=False), sa.Column("endpoint", sa.Text, nullable=False)


def _of_endpoint(table: str) -> sa.ForeignKeyConstraint:
    columns = ["environment", "endpoint"]
    return sa.ForeignKeyConstraint(columns, [f"endpoints.{column}" for column in columns], name=f"fk_{table}_endpoints")


def upgrade() -> None:
    _endpoints_and_versions()
    _releases_and_verdicts()
    _events()
    _holds_commands_facts()


def _endpoints_and_versions() -> None:
    op.create_table(
        "endpoints",
        *_key(),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("stable", sa.Integer),
        sa.Column("kept", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "endpoint", name="pk_endpoints"),
    )
    op.create_table(
        "versions",
        *_key(),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("model_digest", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("environment", "endpoint", "ordinal", name="pk_versions"),
        _of_endpoint("versions"),
    )


def _releases_and_verdicts() -> None:
    op.create_table(
        "releases",
        *_key(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("effects", sa.Text, nullable=False),
        sa.Column("waiting", sa.Text, nullable=False),
        sa.Column("look_again_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("environment", "endpoint", "number", name="pk_releases"),
        sa.UniqueConstraint("id", name="uq_releases_id"),
        _of_endpoint("releases"),
    )
    op.create_index(
        "uq_releases_one_active",
        "releases",
        ["environment", "endpoint"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "verdicts",
        *_key(),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "endpoint", "release", "generation", name="pk_verdicts"),
        sa.ForeignKeyConstraint(["release"], ["releases.id"], name="fk_verdicts_releases"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("sequence", BIG, autoincrement=False, nullable=False),
        *_key(),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_events"),
    )
    op.create_index("ix_events_environment_endpoint_sequence", "events", ["environment", "endpoint", "sequence"])
    op.create_table(
        "heads",
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_heads"),
    )


def _holds_commands_facts() -> None:
    op.create_table(
        "holds",
        *_key(),
        sa.Column("model_digest", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("environment", "endpoint", "model_digest", name="pk_holds"),
        _of_endpoint("holds"),
    )
    op.create_table(
        "commands",
        sa.Column("sequence", BIG, nullable=False),
        *_key(),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_commands"),
        sa.UniqueConstraint("id", name="uq_commands_id"),
    )
    op.create_index("ix_commands_environment_status_sequence", "commands", ["environment", "status", "sequence"])
    op.create_table(
        "facts",
        *_key(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("environment", "endpoint", "name", name="pk_facts"),
    )


def downgrade() -> None:
    for table in ("facts", "commands", "holds", "heads", "events", "verdicts", "releases", "versions", "endpoints"):
        op.drop_table(table)
