"""People, groups, cost centres, and who decides for whom."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.JSONB(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("groups", postgresql.JSONB(), nullable=False),
        sa.Column("cost_centres", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person_id", name="people_person_id"),
    )
    op.create_index(
        "people_by_beginning_of_id",
        "people",
        [sa.literal_column("lower(person_id)").label("beginning")],
        postgresql_ops={"beginning": "text_pattern_ops"},
    )
    op.create_index(
        "people_by_beginning_of_name",
        "people",
        [sa.literal_column("lower(name)").label("beginning")],
        postgresql_ops={"beginning": "text_pattern_ops"},
    )
    op.create_index(
        "people_by_authority", "people", ["roles", "groups", "cost_centres"], postgresql_using="gin"
    )
    op.create_table(
        "groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("members", postgresql.JSONB(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name="groups_code"),
    )
    op.create_table(
        "cost_centres",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owned_by", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name="cost_centres_code"),
    )
    op.create_table(
        "delegation_books",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "delegations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("delegator", sa.Text(), nullable=False),
        sa.Column("delegate", sa.Text(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.CheckConstraint("from_date <= until_date", name="delegations_dates"),
        sa.CheckConstraint("status IN ('in_force', 'ended')", name="status_is_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("delegations_by_delegate", "delegations", ["delegate", "id"])
    op.create_index("delegations_by_delegator", "delegations", ["delegator", "id"])
    op.create_index("delegations_by_status", "delegations", ["book_id", "status"])
