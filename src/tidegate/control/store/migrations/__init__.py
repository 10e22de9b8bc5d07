"""Alembic's migrations of the store, as package data: they run from an installed wheel, by `running.upgrade`."""
