"""address book: named places and buildings in addresses, and a revision that changes with any of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None



def upgrade() -> None:
    for table in ("street", "address"):
        op.alter_column(table, "place", new_column_name="district", schema="gis")
        # Names are compared in memory; the database is only asked for equal ones.
        op.drop_index(op.f(f"ix_{table}_normalised"), table_name=table, schema="gis")
        op.create_index(op.f(f"ix_{table}_normalised"), table, ["normalised"], schema="gis")
    op.drop_index("ix_street_normalised_prefix", table_name="street", schema="gis")
    op.add_column(
        "street",
        sa.Column(
            "source",
            sa.Text(),
            nullable=True,
            comment="the kind of file it was imported from, and goes with the next of",
        ),
        schema="gis",
    )
    op.alter_column("address", "normalised", comment="the same, folded for comparing", schema="gis")
    op.alter_column("address", "street", comment="empty where a place is known by its name alone", schema="gis")
    for name, comment in (
        ("source", "the kind of file it was imported from"),
        ("code", "its id in that file"),
        ("place", "compound, market, company or landmark"),
        ("building", "number or letter within the place"),
        ("postcode", None),
    ):
        op.add_column("address", sa.Column(name, sa.Text(), nullable=True, comment=comment), schema="gis")
    op.create_unique_constraint(op.f("uq_address_source_code"), "address", ["source", "code"], schema="gis")
    op.create_table(
        "address_book",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Uuid(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_address_book_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_book")),
        schema="gis",
    )
    op.execute("INSERT INTO gis.address_book (id, revision) VALUES (1, gen_random_uuid())")
    op.execute(
        """CREATE FUNCTION gis.renew_address_book() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN
               INSERT INTO gis.address_book (id, revision) VALUES (1, gen_random_uuid())
                   ON CONFLICT (id) DO UPDATE SET revision = excluded.revision;
               RETURN NULL;
           END $$"""
    )
    for table in ("street", "address"):
        op.execute(
            f"""CREATE TRIGGER renew_address_book
                AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON gis.{table}
                FOR EACH STATEMENT EXECUTE FUNCTION gis.renew_address_book()"""
        )


def downgrade() -> None:
    for table in ("street", "address"):
        op.execute(f"DROP TRIGGER renew_address_book ON gis.{table}")
    op.execute("DROP FUNCTION gis.renew_address_book")
    op.drop_table("address_book", schema="gis")
    op.drop_constraint(op.f("uq_address_source_code"), "address", schema="gis", type_="unique")
    for name in ("postcode", "building", "place", "code", "source"):
        op.drop_column("address", name, schema="gis")
    op.alter_column("address", "street", comment=None, schema="gis")
    op.alter_column("address", "normalised", comment="the same, folded for searching", schema="gis")
    op.drop_column("street", "source", schema="gis")
    for table in ("street", "address"):
        op.drop_index(op.f(f"ix_{table}_normalised"), table_name=table, schema="gis")
        op.create_index(
            op.f(f"ix_{table}_normalised"),
            table,
            ["normalised"],
            schema="gis",
            postgresql_using="gin",
            postgresql_ops={"normalised": "gin_trgm_ops"},
        )
        op.alter_column(table, "district", new_column_name="place", schema="gis")
    op.create_index(
        "ix_street_normalised_prefix",
        "street",
        ["normalised"],
        schema="gis",
        postgresql_ops={"normalised": "text_pattern_ops"},
    )
