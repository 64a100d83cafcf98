"""ring-backs: customers rung and asked whether they have water; and who may ring them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Workspaces that have their roles already: who is to have what, as in core/rights.py.
OPERATIONS = {"ring_backs.make": ("agent", "dispatcher", "supervisor", "administrator")}


def upgrade() -> None:
    for operation, roles in OPERATIONS.items():
        names = ", ".join(repr(one) for one in roles)
        op.execute(
            f"""UPDATE core.post_role SET operations = array_append(operations, '{operation}')
                 WHERE name IN ({names}) AND NOT '{operation}' = ANY(operations)"""
        )
    op.create_table(
        "ring_back",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("customer_account_id", sa.Uuid(), nullable=False),
        sa.Column("pipe_id", sa.Uuid(), nullable=False),
        sa.Column("answer", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["dispatch.incident.id"], name=op.f("fk_ring_back_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ring_back")),
        schema="dispatch",
    )
    for column in ("incident_id", "customer_account_id"):
        op.create_index(
            op.f(f"ix_ring_back_{column}"), "ring_back", [column], unique=False, schema="dispatch"
        )


def downgrade() -> None:
    op.drop_table("ring_back", schema="dispatch")
    for operation in OPERATIONS:
        op.execute(f"UPDATE core.post_role SET operations = array_remove(operations, '{operation}')")
