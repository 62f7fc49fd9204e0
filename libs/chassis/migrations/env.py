"""Read by Alembic, which gives the history and the connection in the configuration's attributes."""

from alembic import context

from libs.chassis.migrations import History

_attributes = context.config.attributes
_history: History = _attributes["history"]
context.configure(**_history.options(_attributes["connection"]))
with context.begin_transaction():
    context.run_migrations()
