"""repeats and rectifications: complaints that come again, faults of an asset, and the cure of those with too many."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Workspaces that have their roles already: who is to have what, as in core/rights.py.
OPERATIONS = {
    "rectifications.read": ("dispatcher", "supervisor", "administrator"),
    "rectifications.work": ("supervisor", "administrator"),
}

# What is over already counts from now on; what began during works announced ahead is left out, whatever those shut off.
FAULTS_SO_FAR = """
    INSERT INTO dispatch.fault (incident_id, cause, at, pipe_id, zone_id)
    SELECT i.id, i.cause, coalesce(i.reopened_at, i.opened_at), i.pipe_id, i.zone_id
      FROM dispatch.incident i
     WHERE i.state = 'closed' AND i.cause IN ('burst', 'leak', 'closed_valve', 'low_pressure', 'dirty_main')
       AND NOT EXISTS (SELECT FROM gis.planned_shutdown w WHERE w.called_off_at IS NULL
                          AND coalesce(i.reopened_at, i.opened_at) BETWEEN w.starts_at AND w.ends_at)"""


def upgrade() -> None:
    for operation, roles in OPERATIONS.items():
        names = ", ".join(repr(one) for one in roles)
        op.execute(
            f"""UPDATE core.post_role SET operations = array_append(operations, '{operation}')
                 WHERE name IN ({names}) AND NOT '{operation}' = ANY(operations)"""
        )
    op.create_table(
        "rectification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=3001), nullable=False),
        sa.Column("asset_kind", sa.String(length=10), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("failed_measures", sa.Integer(), nullable=False),
        sa.Column("root_cause", sa.Text(), nullable=True),
        sa.Column("measure", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("observation_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectification")),
        sa.UniqueConstraint("asset_kind", "asset_id", name=op.f("uq_rectification_asset_kind_asset_id")),
        sa.UniqueConstraint("number", name=op.f("uq_rectification_number")),
        schema="dispatch",
    )
    op.create_table(
        "fault",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pipe_id", sa.Uuid(), nullable=True),
        sa.Column("valve_id", sa.Uuid(), nullable=True),
        sa.Column("zone_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["dispatch.incident.id"], name=op.f("fk_fault_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_fault")),
        schema="dispatch",
    )
    op.create_index("ix_fault_pipe_id", "fault", ["pipe_id", "at"], unique=False, schema="dispatch")
    op.create_index(
        "ix_fault_valve_id",
        "fault",
        ["valve_id"],
        unique=False,
        schema="dispatch",
        postgresql_where="valve_id IS NOT NULL",
    )
    op.create_index("ix_fault_zone_id", "fault", ["zone_id", "at"], unique=False, schema="dispatch")
    op.create_table(
        "rectification_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rectification_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("said", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["rectification_id"],
            ["dispatch.rectification.id"],
            name=op.f("fk_rectification_change_rectification_id_rectification"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectification_change")),
        schema="dispatch",
    )
    op.create_index(
        "ix_rectification_change_rectification_id",
        "rectification_change",
        ["rectification_id", "at"],
        unique=False,
        schema="dispatch",
    )
    op.create_table(
        "repeat",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("earlier_report_id", sa.Uuid(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("window_days", sa.Integer(), nullable=False),
        sa.Column("on_closed", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["earlier_report_id"],
            ["dispatch.incident_report.report_id"],
            name=op.f("fk_repeat_earlier_report_id_incident_report"),
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["dispatch.incident_report.report_id"],
            name=op.f("fk_repeat_report_id_incident_report"),
        ),
        sa.PrimaryKeyConstraint("report_id", "key", name=op.f("pk_repeat")),
        schema="dispatch",
    )
    op.create_index("ix_repeat_at", "repeat", ["at"], unique=False, schema="dispatch")
    op.create_index("ix_repeat_subject", "repeat", ["key", "subject", "at"], unique=False, schema="dispatch")
    op.create_index(
        "ix_incident_report_pipe_id",
        "incident_report",
        ["pipe_id", "received_at"],
        unique=False,
        schema="dispatch",
    )
    op.execute(FAULTS_SO_FAR)


def downgrade() -> None:
    op.drop_index("ix_incident_report_pipe_id", table_name="incident_report", schema="dispatch")
    op.drop_index("ix_repeat_subject", table_name="repeat", schema="dispatch")
    op.drop_index("ix_repeat_at", table_name="repeat", schema="dispatch")
    op.drop_table("repeat", schema="dispatch")
    op.drop_index(
        "ix_rectification_change_rectification_id", table_name="rectification_change", schema="dispatch"
    )
    op.drop_table("rectification_change", schema="dispatch")
    op.drop_index("ix_fault_zone_id", table_name="fault", schema="dispatch")
    op.drop_index(
        "ix_fault_valve_id", table_name="fault", schema="dispatch", postgresql_where="valve_id IS NOT NULL"
    )
    op.drop_index("ix_fault_pipe_id", table_name="fault", schema="dispatch")
    op.drop_table("fault", schema="dispatch")
    op.drop_table("rectification", schema="dispatch")
    for operation in OPERATIONS:
        op.execute(f"UPDATE core.post_role SET operations = array_remove(operations, '{operation}')")
