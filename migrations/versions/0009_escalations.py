"""escalations: who must be told of what, by when; its rules with the one that was ordered; who reports and who is told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

# Workspaces that have their roles already: who is to have what, as in core/rights.py.
TELLERS = ("supervisor", "leader", "director", "administrator")
OPERATIONS = {
    "escalations.read": TELLERS,
    "escalations.report": TELLERS,
    "escalations.acknowledge": TELLERS,
    "escalation_rules.manage": ("supervisor", "administrator"),
}
NEW_ROLES = {"leader": "leadership", "director": "management"}
THEY_READ = "incidents.read, work_orders.read, crews.read, map.read, network.read"

ORDERED = "对集群式、成片区域、重复投诉的情况，在第二个工作日内向分管领导汇报"
SEEDS = {"cluster": (None, None), "area": (None, None), "zone": (None, None), "repeat": (3, 30)}
"""What is to be told, and how often within how many days that is a repeat."""


def upgrade() -> None:
    for role, group in NEW_ROLES.items():
        op.execute(
            f"""WITH added AS (
                   INSERT INTO core.user_group (id, name, functions, networks)
                   SELECT gen_random_uuid(), '{group}', ARRAY['dispatch', 'map'], ARRAY[]::cidr[]
                    WHERE EXISTS (SELECT FROM core.post_role WHERE name = 'supervisor')
                      AND NOT EXISTS (SELECT FROM core.post_role WHERE name = '{role}')
                      AND NOT EXISTS (SELECT FROM core.user_group WHERE name = '{group}')
                RETURNING id)
               INSERT INTO core.post_role (id, name, group_id, operations, fields)
               SELECT gen_random_uuid(), '{role}', id, string_to_array('{THEY_READ}', ', '), ARRAY[]::varchar[]
                 FROM added"""
        )
    for operation, roles in OPERATIONS.items():
        names = ", ".join(repr(one) for one in roles)
        op.execute(
            f"""UPDATE core.post_role SET operations = array_append(operations, '{operation}')
                 WHERE name IN ({names}) AND NOT '{operation}' = ANY(operations)"""
        )
    op.create_table('escalation_rule',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('trigger', sa.String(length=20), nullable=False),
    sa.Column('times_min', sa.Integer(), nullable=True),
    sa.Column('window_days', sa.Integer(), nullable=True),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('unit', sa.String(length=20), nullable=False),
    sa.Column('cut_off', sa.Time(), nullable=True),
    sa.Column('counts_trigger_day', sa.Boolean(), nullable=False),
    sa.Column('recipient_role', sa.String(length=60), nullable=False),
    sa.Column('deputy_role', sa.String(length=60), nullable=True),
    sa.Column('ladder', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('proof', sa.String(length=20), nullable=False),
    sa.Column('closure', sa.String(length=20), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by', sa.Uuid(), nullable=True),
    sa.Column('superseded_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_escalation_rule')),
    schema='dispatch'
    )
    op.create_index('uq_escalation_rule_current', 'escalation_rule', ['code'], unique=True, schema='dispatch', postgresql_where='superseded_at IS NULL')
    op.create_index('uq_escalation_rule_version', 'escalation_rule', ['code', 'version'], unique=True, schema='dispatch')
    op.create_table('escalation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('rule_id', sa.Uuid(), nullable=False),
    sa.Column('rule_code', sa.String(length=40), nullable=False),
    sa.Column('incident_id', sa.Uuid(), nullable=True),
    sa.Column('raised_for_id', sa.Uuid(), nullable=True),
    sa.Column('asset_kind', sa.String(length=40), nullable=True),
    sa.Column('asset_id', sa.String(length=80), nullable=True),
    sa.Column('clock_start', sa.DateTime(timezone=True), nullable=False),
    sa.Column('own_due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('near_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_confirmed', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('role', sa.String(length=60), nullable=False),
    sa.Column('rung', sa.Integer(), nullable=False),
    sa.Column('climbs_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('at_trigger', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('reported_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reported_by', sa.Uuid(), nullable=True),
    sa.Column('reported_to', postgresql.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('reported_how', sa.String(length=20), nullable=True),
    sa.Column('reported_words', sa.Text(), nullable=True),
    sa.Column('at_report', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('acknowledged_by', sa.Uuid(), nullable=True),
    sa.Column('acknowledged_words', sa.Text(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('joined_into_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('(incident_id IS NULL) <> (asset_id IS NULL)', name=op.f('ck_escalation_one_subject')),
    sa.ForeignKeyConstraint(['incident_id'], ['dispatch.incident.id'], name=op.f('fk_escalation_incident_id_incident')),
    sa.ForeignKeyConstraint(['joined_into_id'], ['dispatch.escalation.id'], name=op.f('fk_escalation_joined_into_id_escalation')),
    sa.ForeignKeyConstraint(['raised_for_id'], ['dispatch.incident.id'], name=op.f('fk_escalation_raised_for_id_incident')),
    sa.ForeignKeyConstraint(['rule_id'], ['dispatch.escalation_rule.id'], name=op.f('fk_escalation_rule_id_escalation_rule')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_escalation')),
    schema='dispatch'
    )
    op.create_index(op.f('ix_escalation_incident_id'), 'escalation', ['incident_id'], unique=False, schema='dispatch')
    op.create_index(op.f('ix_escalation_joined_into_id'), 'escalation', ['joined_into_id'], unique=False, schema='dispatch')
    op.create_index('ix_escalation_live', 'escalation', ['due_at'], unique=False, schema='dispatch', postgresql_where='closed_at IS NULL AND joined_into_id IS NULL')
    op.create_index(op.f('ix_escalation_raised_for_id'), 'escalation', ['raised_for_id'], unique=False, schema='dispatch')
    op.create_index(op.f('ix_escalation_rule_id'), 'escalation', ['rule_id'], unique=False, schema='dispatch')
    op.create_index('uq_escalation_asset', 'escalation', ['rule_code', 'asset_kind', 'asset_id'], unique=True, schema='dispatch', postgresql_where='closed_at IS NULL AND joined_into_id IS NULL AND asset_id IS NOT NULL')
    op.create_index('uq_escalation_incident', 'escalation', ['rule_code', 'incident_id'], unique=True, schema='dispatch', postgresql_where='closed_at IS NULL AND joined_into_id IS NULL AND incident_id IS NOT NULL')
    op.create_table('escalation_change',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('escalation_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('from_state', sa.String(length=20), nullable=True),
    sa.Column('to_state', sa.String(length=20), nullable=False),
    sa.Column('role', sa.String(length=60), nullable=False),
    sa.Column('due_before', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_user_id', sa.Uuid(), nullable=True),
    sa.Column('why', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['escalation_id'], ['dispatch.escalation.id'], name=op.f('fk_escalation_change_escalation_id_escalation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_escalation_change')),
    schema='dispatch'
    )
    op.create_index('ix_escalation_change', 'escalation_change', ['escalation_id', 'at'], unique=False, schema='dispatch')
    for trigger, (times_min, window_days) in SEEDS.items():
        op.execute(
            sa.text(
                """INSERT INTO dispatch.escalation_rule
                       (id, code, version, trigger, times_min, window_days, n, unit, counts_trigger_day,
                        recipient_role, ladder, proof, closure, source, is_active, made_at)
                   VALUES (gen_random_uuid(), :code, 1, :trigger, :times_min, :window_days, 2, 'working_day', false,
                        'leader', CAST(:ladder AS jsonb), 'report', 'told_and_over', :source, true, now())"""
            ).bindparams(
                sa.bindparam("times_min", times_min, sa.Integer),
                sa.bindparam("window_days", window_days, sa.Integer),
                code=f"{trigger}-to-leader",
                trigger=trigger,
                ladder='[{"role": "director", "n": 1, "unit": "working_day"}]',
                source=ORDERED,
            )
        )


def downgrade() -> None:
    for table in ("escalation_change", "escalation", "escalation_rule"):
        op.drop_table(table, schema="dispatch")
    for operation in OPERATIONS:
        op.execute(f"UPDATE core.post_role SET operations = array_remove(operations, '{operation}')")
