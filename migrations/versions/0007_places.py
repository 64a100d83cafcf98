"""places: pictures of places, the directory of other numbers, hand-overs; and who may look at and keep them."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Workspaces that have their roles already: who is to have what, as in core/rights.py.
DESKS = ("agent", "dispatcher", "supervisor", "administrator")
LEADERS = ("supervisor", "administrator")
OPERATIONS = {
    "pictures.read": DESKS,
    "pictures.add": DESKS,
    "pictures.manage": LEADERS,
    "directory.read": DESKS,
    "directory.manage": LEADERS,
}


def upgrade() -> None:
    for operation, roles in OPERATIONS.items():
        names = ", ".join(repr(one) for one in roles)
        op.execute(
            f"""UPDATE core.post_role SET operations = array_append(operations, '{operation}')
                 WHERE name IN ({names}) AND NOT '{operation}' = ANY(operations)"""
        )
    op.create_geospatial_table(
        "picture",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "site",
                "valve",
                "damage",
                "other",
                name="picturekind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column(
            "taken_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="as the sender or his camera says",
        ),
        sa.Column(
            "subject_ids",
            sa.ARRAY(sa.Uuid()),
            nullable=False,
            comment="what it shows or belongs to: assets, a report, an incident, work",
        ),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of the file that was sent"),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("thumbnail", sa.LargeBinary(), nullable=False, comment="in the same media type"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture")),
        sa.UniqueConstraint("sha256", name=op.f("uq_picture_sha256")),
        schema="gis",
    )
    op.create_geospatial_index(
        "idx_picture_geom",
        "picture",
        ["geom"],
        unique=False,
        schema="gis",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "directory_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("phones", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("hours_zh", sa.String(length=200), nullable=False),
        sa.Column("hours_en", sa.String(length=200), nullable=False),
        sa.Column("matters", postgresql.ARRAY(sa.String(length=20)), nullable=False),
        sa.Column("note_zh", sa.Text(), nullable=False),
        sa.Column("note_en", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "area",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_entry")),
        schema="hotline",
    )
    op.create_table(
        "directory_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("change", sa.String(length=20), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["hotline.directory_entry.id"],
            name=op.f("fk_directory_change_entry_id_directory_entry"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_change")),
        schema="hotline",
    )
    op.create_index(
        op.f("ix_directory_change_entry_id"),
        "directory_change",
        ["entry_id"],
        unique=False,
        schema="hotline",
    )
    op.create_table(
        "hand_over",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("phones", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["hotline.report.id"], name=op.f("fk_hand_over_report_id_report")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["hotline.directory_entry.id"],
            name=op.f("fk_hand_over_entry_id_directory_entry"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over")),
        schema="hotline",
    )
    op.create_index(
        op.f("ix_hand_over_entry_id"), "hand_over", ["entry_id"], unique=False, schema="hotline"
    )
    op.create_index(
        "uq_hand_over_report_id_entry_id",
        "hand_over",
        ["report_id", "entry_id"],
        unique=True,
        schema="hotline",
        postgresql_where="taken_back_at IS NULL",
    )


def downgrade() -> None:
    for table in ("hand_over", "directory_change", "directory_entry"):
        op.drop_table(table, schema="hotline")
    op.drop_table("picture", schema="gis")
    for operation in OPERATIONS:
        op.execute(f"UPDATE core.post_role SET operations = array_remove(operations, '{operation}')")
