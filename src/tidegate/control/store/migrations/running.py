"""Brings a database up to the newest revision, inside the caller's transaction."""

import pathlib

import alembic.command
import alembic.config
import sqlalchemy as sa


def upgrade(connection: sa.Connection) -> None:
    """Run what is missing; nothing when somebody else was faster."""
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(pathlib.Path(__file__).parent).replace("%", "%%"))
    settings.attributes["connection"] = connection
    alembic.command.upgrade(settings, "head")
