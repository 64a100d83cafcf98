"""Networks as utilities have them: versions and their history, pumps and control valves, valves between nodes, planned shutdowns."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIFECYCLE = ("proposed", "in_service", "out_of_service", "abandoned")
VALVE_TYPES_BEFORE = ("gate", "butterfly", "zone_boundary")
NULLABLE_NOW = (
    ("junction", "geom"),
    ("junction", "elevation_m"),
    ("pipe", "geom"),
    ("pipe", "diameter_mm"),
    ("valve", "geom"),
    ("valve", "pipe_id"),
    ("hydrant", "geom"),
    ("service_area", "geom"),
    ("service_area", "metric_srid"),
)
COMMENTS = (
    (
        "service_area",
        "metric_srid",
        "EPSG code of the plane system in metres used for measuring",
        "; none where the network has no place on Earth",
    ),
    ("valve", "node_id", "the end of the pipe at which it stands", ", or its first node"),
    ("valve", "pipe_id", "", "the pipe it stands on; none where it joins two nodes"),
)


def upgrade() -> None:
    _create_versions()
    op.create_table(
        "planned_shutdown",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("pipe_ids", sa.ARRAY(sa.Uuid()), nullable=False, comment="mains to be worked on"),
        sa.Column("inoperable_valve_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_planned_shutdown_ends_after_start")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_shutdown")),
        schema="gis",
    )
    _create_control_link()
    for table, column in NULLABLE_NOW:
        op.alter_column(table, column, nullable=True, schema="gis")
    for table, column, before, more in COMMENTS:
        op.alter_column(table, column, comment=before + more, schema="gis")
    for table in ("hydrant", "valve"):
        # Named by hand: the type's own constraint goes by the type's name alone.
        op.add_column(
            table,
            sa.Column("lifecycle_status", sa.String(24), nullable=False, server_default="in_service"),
            schema="gis",
        )
        op.alter_column(table, "lifecycle_status", server_default=None, schema="gis")
        op.create_check_constraint(
            op.f(f"ck_{table}_lifecyclestatus"), table, _one_of("lifecycle_status", LIFECYCLE), schema="gis"
        )
    op.add_column(
        "pipe",
        sa.Column(
            "has_check_valve",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="water passes from its first node to its second only",
        ),
        schema="gis",
    )
    op.alter_column("pipe", "has_check_valve", server_default=None, schema="gis")
    op.add_column(
        "valve",
        sa.Column("to_node_id", sa.Uuid(), nullable=True, comment="its second node, where it joins two"),
        schema="gis",
    )
    op.create_index(op.f("ix_valve_to_node_id"), "valve", ["to_node_id"], unique=False, schema="gis")
    op.create_foreign_key(
        op.f("fk_valve_to_node_id_junction"),
        "valve",
        "junction",
        ["to_node_id"],
        ["id"],
        source_schema="gis",
        referent_schema="gis",
    )
    op.create_check_constraint(
        op.f("ck_valve_on_pipe_or_between_nodes"),
        "valve",
        "num_nonnulls(pipe_id, to_node_id) = 1",
        schema="gis",
    )
    _allow_valve_types((*VALVE_TYPES_BEFORE, "other"))


def _create_versions() -> None:
    op.create_table(
        "network_version",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "reading",
                "refused",
                "draft",
                "published",
                "superseded",
                "discarded",
                name="versionstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="names of the files it was read from"),
        sa.Column("crs", sa.Text(), nullable=True, comment="EPSG code of the source, or local"),
        sa.Column(
            "goes_back_to",
            sa.Integer(),
            nullable=True,
            comment="the earlier version whose content it takes up again",
        ),
        sa.Column(
            "summary",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="counts, rejected, warnings, what would change",
        ),
        sa.Column("mapping", sa.Text(), nullable=True, comment="TOML by which layers and fields were read"),
        sa.Column("content", sa.LargeBinary(), nullable=True, comment="the whole draft, packed"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["goes_back_to"],
            ["gis.network_version.number"],
            name=op.f("fk_network_version_goes_back_to_network_version"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_network_version")),
        schema="gis",
    )
    op.create_index(
        "uq_network_version_published",
        "network_version",
        ["state"],
        unique=True,
        schema="gis",
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "asset_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asset_kind", sa.Text(), nullable=False, comment="table the asset stands in"),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("asset_code", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False, comment="added, changed, removed"),
        sa.Column(
            "before",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the fields as they were",
        ),
        sa.ForeignKeyConstraint(
            ["version"], ["gis.network_version.number"], name=op.f("fk_asset_change_version_network_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_change")),
        schema="gis",
    )
    op.create_index(
        op.f("ix_asset_change_asset_id"), "asset_change", ["asset_id"], unique=False, schema="gis"
    )
    op.create_index(op.f("ix_asset_change_version"), "asset_change", ["version"], unique=False, schema="gis")


def _create_control_link() -> None:
    op.create_geospatial_table(
        "control_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asset_code", sa.Text(), nullable=False),
        sa.Column(
            "link_type",
            sa.Enum(
                "pump",
                "prv",
                "psv",
                "pbv",
                "fcv",
                "gpv",
                name="linktype",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("from_node_id", sa.Uuid(), nullable=False),
        sa.Column("to_node_id", sa.Uuid(), nullable=False),
        sa.Column("diameter_mm", sa.Integer(), nullable=True),
        sa.Column(
            "setting",
            sa.Double(),
            nullable=True,
            comment="metres of head, or litres per second for flow control",
        ),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column(
            "lifecycle_status",
            sa.Enum(*LIFECYCLE, name="lifecyclestatus", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="LINESTRING",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["from_node_id"], ["gis.junction.id"], name=op.f("fk_control_link_from_node_id_junction")
        ),
        sa.ForeignKeyConstraint(
            ["to_node_id"], ["gis.junction.id"], name=op.f("fk_control_link_to_node_id_junction")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_link")),
        sa.UniqueConstraint("asset_code", name=op.f("uq_control_link_asset_code")),
        schema="gis",
    )
    op.create_geospatial_index(
        "idx_control_link_geom",
        "control_link",
        ["geom"],
        unique=False,
        schema="gis",
        postgresql_using="gist",
        postgresql_ops={},
    )
    for column in ("from_node_id", "to_node_id"):
        op.create_index(
            op.f(f"ix_control_link_{column}"), "control_link", [column], unique=False, schema="gis"
        )


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(one) for one in values)})"


def _allow_valve_types(types: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_valve_valvetype"), "valve", schema="gis", type_="check")
    op.create_check_constraint(
        op.f("ck_valve_valvetype"), "valve", _one_of("valve_type", types), schema="gis"
    )


def downgrade() -> None:
    """Go back; fails where rows need what the older form cannot hold."""
    _allow_valve_types(VALVE_TYPES_BEFORE)
    op.drop_constraint(op.f("ck_valve_on_pipe_or_between_nodes"), "valve", schema="gis", type_="check")
    op.drop_column("valve", "to_node_id", schema="gis")
    op.drop_column("pipe", "has_check_valve", schema="gis")
    for table in ("hydrant", "valve"):
        op.drop_column(table, "lifecycle_status", schema="gis")
    for table, column, before, _ in COMMENTS:
        op.alter_column(table, column, comment=before or None, schema="gis")
    for table, column in NULLABLE_NOW:
        op.alter_column(table, column, nullable=False, schema="gis")
    for table in ("control_link", "planned_shutdown", "asset_change", "network_version"):
        op.drop_table(table, schema="gis")
