"""place names: what people call a place that no register names so; and who may teach and keep such names."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Workspaces that have their roles already: who is to have what, as in core/rights.py.
OPERATIONS = {
    "places.name": ("agent", "dispatcher", "supervisor", "administrator"),
    "places.manage": ("supervisor", "administrator"),
}


def upgrade() -> None:
    for operation, roles in OPERATIONS.items():
        names = ", ".join(repr(one) for one in roles)
        op.execute(
            f"""UPDATE core.post_role SET operations = array_append(operations, '{operation}')
                 WHERE name IN ({names}) AND NOT '{operation}' = ANY(operations)"""
        )
    op.create_geospatial_table(
        "place_name",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_name")),
        schema="gis",
    )
    op.create_geospatial_index(
        "idx_place_name_geom",
        "place_name",
        ["geom"],
        unique=False,
        schema="gis",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.execute(
        """CREATE TRIGGER renew_address_book
           AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON gis.place_name
           FOR EACH STATEMENT EXECUTE FUNCTION gis.renew_address_book()"""
    )


def downgrade() -> None:
    op.drop_table("place_name", schema="gis")
    for operation in OPERATIONS:
        op.execute(f"UPDATE core.post_role SET operations = array_remove(operations, '{operation}')")
