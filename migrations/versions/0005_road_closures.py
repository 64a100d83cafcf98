"""road closures: areas whose roads carry no traffic, or less, for a time."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_geospatial_table(
        "road_closure",
        sa.Column("revision", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False, comment="stays the same when it is changed"),
        sa.Column(
            "cause",
            sa.Enum(
                "incident",
                "works",
                "hand",
                name="closurecause",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("subject_id", sa.Uuid(), nullable=True, comment="the incident or the work it is for"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "area",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("slowdown", sa.Double(), nullable=True, comment="times as long; null: shut"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "superseded_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a changed one took its place",
        ),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_road_closure_ends_after_start")),
        sa.CheckConstraint("slowdown > 1", name=op.f("ck_road_closure_slows")),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_road_closure")),
        schema="gis",
    )
    op.create_geospatial_index(
        "idx_road_closure_area",
        "road_closure",
        ["area"],
        unique=False,
        schema="gis",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "uq_road_closure_latest",
        "road_closure",
        ["id"],
        unique=True,
        schema="gis",
        postgresql_where=sa.text("superseded_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("road_closure", schema="gis")
