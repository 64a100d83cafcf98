"""network uploads: files sent to be read, what a draft would draw, nodes that are gone."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LIFECYCLE = ("proposed", "in_service", "out_of_service", "abandoned")


def upgrade() -> None:
    # Workspaces that have their roles already: those who see to the network may renew it.
    op.execute(
        """UPDATE core.post_role SET operations = operations || ARRAY['network.import', 'network.publish']
            WHERE name IN ('supervisor', 'administrator') AND NOT 'network.import' = ANY(operations)"""
    )
    op.add_column(
        "junction",
        sa.Column("lifecycle_status", sa.String(24), nullable=False, server_default="in_service"),
        schema="gis",
    )
    op.create_check_constraint(
        op.f("ck_junction_lifecyclestatus"),
        "junction",
        f"lifecycle_status IN ({', '.join(repr(one) for one in LIFECYCLE)})",
        schema="gis",
    )
    # A customer of a network without a place on Earth is served by a main, along no line that could be drawn.
    op.alter_column("service_connection", "geom", nullable=True, schema="gis")
    op.create_table(
        "network_upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True, comment="the version read from it"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["version"],
            ["gis.network_version.number"],
            name=op.f("fk_network_upload_version_network_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_upload")),
        schema="gis",
    )
    op.create_index(
        op.f("ix_network_upload_version"), "network_upload", ["version"], unique=False, schema="gis"
    )
    op.create_table(
        "network_upload_chunk",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["gis.network_upload.id"],
            name=op.f("fk_network_upload_chunk_upload_id_network_upload"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "place", name=op.f("pk_network_upload_chunk")),
        schema="gis",
    )
    op.create_geospatial_table(
        "draft_feature",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asset_kind", sa.Text(), nullable=False, comment="table the asset stands in"),
        sa.Column("asset_code", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False, comment="added, changed, removed, same"),
        sa.Column("diameter_mm", sa.Integer(), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="GEOMETRY",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["version"],
            ["gis.network_version.number"],
            name=op.f("fk_draft_feature_version_network_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_feature")),
        schema="gis",
    )
    op.create_geospatial_index(
        "idx_draft_feature_geom",
        "draft_feature",
        ["geom"],
        unique=False,
        schema="gis",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        op.f("ix_draft_feature_version_asset_code"),
        "draft_feature",
        ["version", "asset_code"],
        unique=False,
        schema="gis",
    )


def downgrade() -> None:
    """Go back; fails where rows need what the older form cannot hold."""
    for table in ("draft_feature", "network_upload_chunk", "network_upload"):
        op.drop_table(table, schema="gis")
    op.alter_column("service_connection", "geom", nullable=False, schema="gis")
    op.drop_column("junction", "lifecycle_status", schema="gis")
    op.execute(
        """UPDATE core.post_role
              SET operations = array_remove(array_remove(operations, 'network.import'), 'network.publish')"""
    )
