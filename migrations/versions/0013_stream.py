"""the stream: why a report is where it is, part by part; what triage is sure of; how people call."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calling_habits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("learnt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("habits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calling_habits")),
        schema="dispatch",
    )
    op.create_index(
        op.f("ix_calling_habits_learnt_at"), "calling_habits", ["learnt_at"], schema="dispatch"
    )
    op.add_column(
        "incident", sa.Column("alarmed_at", sa.DateTime(timezone=True), nullable=True), schema="dispatch"
    )
    op.add_column(
        "incident",
        sa.Column("is_grouped_by_hand", sa.Boolean(), nullable=False, server_default=sa.false()),
        schema="dispatch",
    )
    op.alter_column("incident", "is_grouped_by_hand", server_default=None, schema="dispatch")
    op.add_column("incident", sa.Column("shutdown_id", sa.Uuid(), nullable=True), schema="dispatch")
    op.execute(
        "UPDATE dispatch.incident SET alarmed_at = opened_at"
        " WHERE level <> 'single' AND state NOT IN ('closed', 'dismissed', 'merged')"
    )
    op.create_index("ix_incident_changed_at", "incident", ["changed_at"], schema="dispatch")
    op.create_index("ix_incident_report_attached_at", "incident_report", ["attached_at"], schema="dispatch")
    op.add_column("incident_report", sa.Column("repeat_of", sa.Uuid(), nullable=True), schema="dispatch")
    op.add_column(
        "incident_report",
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]"),
        schema="dispatch",
    )
    op.execute(
        "UPDATE dispatch.incident_report SET reason = '[{\"code\": \"dispatch.stream.earlier_rule\"}]'"
    )  # its words went with the rule
    op.alter_column("incident_report", "reason", server_default=None, schema="dispatch")
    op.drop_column("incident_report", "reason_code", schema="dispatch")
    op.drop_column("incident_report", "reason_values", schema="dispatch")


def downgrade() -> None:
    op.add_column(
        "incident_report",
        sa.Column(
            "reason_code", sa.String(length=60), nullable=False, server_default="dispatch.stream.other"
        ),
        schema="dispatch",
    )
    op.add_column(
        "incident_report",
        sa.Column(
            "reason_values",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            server_default="{}",
        ),
        schema="dispatch",
    )
    op.execute(
        "UPDATE dispatch.incident_report SET reason_code = reason->0->>'code',"
        " reason_values = coalesce(reason->0->'values', '{}') WHERE jsonb_array_length(reason) > 0"
    )
    op.alter_column("incident_report", "reason_code", server_default=None, schema="dispatch")
    op.alter_column("incident_report", "reason_values", server_default=None, schema="dispatch")
    op.drop_column("incident_report", "reason", schema="dispatch")
    op.drop_column("incident_report", "repeat_of", schema="dispatch")
    op.drop_index("ix_incident_report_attached_at", table_name="incident_report", schema="dispatch")
    op.drop_index("ix_incident_changed_at", table_name="incident", schema="dispatch")
    op.drop_column("incident", "shutdown_id", schema="dispatch")
    op.drop_column("incident", "is_grouped_by_hand", schema="dispatch")
    op.drop_column("incident", "alarmed_at", schema="dispatch")
    op.drop_index(op.f("ix_calling_habits_learnt_at"), table_name="calling_habits", schema="dispatch")
    op.drop_table("calling_habits", schema="dispatch")
