"""What Alembic runs: migrations on the connection that `running.upgrade` hands over, in its transaction."""

from alembic import context

from tidegate.control.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.METADATA,
    render_as_batch=True,
)
context.run_migrations()
