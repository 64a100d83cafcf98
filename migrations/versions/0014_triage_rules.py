"""what a utility sets about triage, and other settings tried on the calls of the last days."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

OPERATION = "triage_rules.manage"


def upgrade() -> None:
    op.execute(
        f"""UPDATE core.post_role SET operations = array_append(operations, '{OPERATION}')
             WHERE name IN ('supervisor', 'administrator') AND NOT '{OPERATION}' = ANY(operations)"""
    )
    op.create_table(
        "triage_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triage_rules")),
        schema="dispatch",
    )
    op.create_index(op.f("ix_triage_rules_set_at"), "triage_rules", ["set_at"], schema="dispatch")
    op.create_table(
        "triage_trial",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triage_trial")),
        schema="dispatch",
    )
    op.create_index(op.f("ix_triage_trial_asked_at"), "triage_trial", ["asked_at"], schema="dispatch")


def downgrade() -> None:
    op.drop_table("triage_trial", schema="dispatch")
    op.drop_table("triage_rules", schema="dispatch")
    op.execute(f"UPDATE core.post_role SET operations = array_remove(operations, '{OPERATION}')")
