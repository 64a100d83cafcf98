"""reports by time: what each hour brought is counted without reading all reports."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_incident_report_received_at", "incident_report", ["received_at"], schema="dispatch")


def downgrade() -> None:
    op.drop_index("ix_incident_report_received_at", table_name="incident_report", schema="dispatch")
