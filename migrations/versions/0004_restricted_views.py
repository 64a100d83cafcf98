"""restricted views: what other programs may read of network, incidents and crews, through a role that sees no more than its caller.

A later migration that changes a column of these views drops and makes them again.
"""

from dataclasses import dataclass

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What a transaction says of its caller. Nothing said, nothing seen.
FUNCTIONS = """
CREATE FUNCTION ogc.may(operation text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(operation = ANY (string_to_array(current_setting('ogc.operations', true), ',')), false);
COMMENT ON FUNCTION ogc.may IS 'whether the operation stands in the setting ogc.operations, separated by commas';

CREATE FUNCTION ogc.is_everywhere() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(current_setting('ogc.area', true) = 'everywhere', false);
COMMENT ON FUNCTION ogc.is_everywhere IS 'whether the setting ogc.area has no border';

CREATE FUNCTION ogc.area() RETURNS geometry LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN NOT ogc.is_everywhere() THEN nullif(current_setting('ogc.area', true), '')::geometry END;
COMMENT ON FUNCTION ogc.area IS 'the setting ogc.area as EWKT in longitude and latitude';

CREATE FUNCTION ogc.window() RETURNS geometry LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('ogc.window', true), '')::geometry;
COMMENT ON FUNCTION ogc.window IS
    'the setting ogc.window as EWKT: views named _in_window hold only what its box meets';
"""

# Called by whoever brings a database up to date, also one that was restored: roles belong to the cluster, and grants are in no backup.
ADMIT_READER = """
CREATE PROCEDURE ogc.admit_reader() LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mainline_ogc') THEN
        BEGIN
            CREATE ROLE mainline_ogc NOLOGIN NOINHERIT;
            EXECUTE format('GRANT mainline_ogc TO %I', current_user);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another workspace of this cluster was quicker
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'mainline_ogc', 'MEMBER') THEN
        EXECUTE format('GRANT mainline_ogc TO %I', current_user);
    END IF;
    GRANT USAGE ON SCHEMA ogc TO mainline_ogc;
    GRANT SELECT ON ALL TABLES IN SCHEMA ogc TO mainline_ogc;
END $$
"""


@dataclass(frozen=True)
class View:
    name: str
    columns: str
    source: str
    geom: str
    operations: tuple[str, ...] = ("network.read",)
    key: str = "a.id"
    where: str = "true"


def _zone(column: str = "a.zone_id") -> str:
    return f"(SELECT z.code FROM gis.pressure_zone z WHERE z.id = {column})"


IN_PLACE = "a.lifecycle_status <> 'abandoned'"
VIEWS = (
    View(
        "pipes",
        "a.asset_code, a.pipe_class, a.diameter_mm, a.material, a.install_year, a.length_m, a.road_name,"
        f" {_zone()} AS zone, a.segment_id AS segment, a.lifecycle_status, a.is_closed, a.has_check_valve",
        "gis.pipe a",
        "a.geom",
        where=IN_PLACE,
    ),
    View(
        "valves",
        "a.asset_code, a.valve_type, a.diameter_mm, a.is_closed, a.operable, p.asset_code AS pipe, a.lifecycle_status",
        "gis.valve a LEFT JOIN gis.pipe p ON p.id = a.pipe_id",
        "a.geom",
        where=IN_PLACE,
    ),
    View(
        "hydrants",
        "a.asset_code, a.diameter_mm, p.asset_code AS pipe, a.chainage_m, a.lifecycle_status",
        "gis.hydrant a LEFT JOIN gis.pipe p ON p.id = a.pipe_id",
        "a.geom",
        where=IN_PLACE,
    ),
    View(
        "junctions",
        f"a.asset_code, a.node_type, a.elevation_m, a.head_m, {_zone()} AS zone, a.segment_id AS segment, a.lifecycle_status",
        "gis.junction a",
        "a.geom",
        where=IN_PLACE,
    ),
    View(
        "control_links",
        "a.asset_code, a.link_type, a.diameter_mm, a.setting, a.is_closed, a.lifecycle_status",
        "gis.control_link a",
        "a.geom",
        where=IN_PLACE,
    ),
    View(
        "segments",
        "a.pipe_count, a.length_m, a.customer_count, cardinality(a.valve_ids) AS valve_count,"
        " cardinality(a.cut_off_segment_ids) AS cut_off_count",
        "gis.isolation_segment a",
        "a.geom",
    ),
    View("zones", "a.code, a.name, a.source_head_m", "gis.pressure_zone a", "a.geom"),
    View(
        "service_connections",
        "p.asset_code AS pipe, a.tap_chainage_m, a.tap_side, a.diameter_mm",
        "gis.service_connection a JOIN gis.pipe p ON p.id = a.pipe_id",
        "a.geom",
        where="p.lifecycle_status <> 'abandoned'",
    ),
    View(
        "incidents",
        "a.number, a.kind, a.state, a.level, a.priority, a.report_count, a.customers_without_water, a.critical_customers,"
        f" a.segment_ids AS segments, {_zone()} AS zone, a.cause, a.opened_at, a.confirmed_at, a.estimate_at, a.closed_at",
        "dispatch.incident a",
        "a.place",
        ("incidents.read",),
    ),
    View(
        "crews",
        "a.code, a.skills, coalesce(s.state, 'offline') AS presence, l.recorded_at, l.accuracy_m, l.speed_mps, l.course_deg",
        "dispatch.crew a LEFT JOIN tracker.latest_position l ON l.crew_id = a.id"
        " LEFT JOIN tracker.presence s ON s.crew_id = a.id",
        "l.geom",
        ("crews.read", "positions.read"),
        where="a.is_active",
    ),
)


def _sql(view: View) -> tuple[str, str]:
    """Write a view twice: everything, and what the window's box meets, found by the index of places.

    Rights and area are looked at once a query, not once a row. The views are in order, and those who read them do not order again: PostgreSQL
    then ends an index scan at the end of a page; asked to order what comes out of a security barrier it would read the whole table first.
    """
    rights = " AND ".join(f"ogc.may('{one}')" for one in view.operations)
    body = (
        f"SELECT {view.key} AS id, {view.geom} AS geom, {view.columns} FROM {view.source}"
        f" WHERE {view.where} AND {rights}"
        f" AND ((SELECT ogc.is_everywhere()) OR ST_Intersects({view.geom}, (SELECT ogc.area())))"
    )
    barrier = "WITH (security_barrier) AS"
    return (
        f"CREATE VIEW ogc.{view.name} {barrier} {body} ORDER BY {view.key}",
        f"CREATE VIEW ogc.{view.name}_in_window {barrier} {body} AND {view.geom} && ogc.window() ORDER BY {view.key}",
    )


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS ogc")
    op.execute(FUNCTIONS)
    for view in VIEWS:
        for statement in _sql(view):
            op.execute(statement)
    op.execute(ADMIT_READER)


def downgrade() -> None:
    """Go back; the role stays, other databases of the cluster may use it."""
    op.execute("DROP SCHEMA ogc CASCADE")
