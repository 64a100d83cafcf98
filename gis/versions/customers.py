"""The accounts of a published draft: who is new, who moved to another main, and whose main is gone."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.versions.identity import NEW_ID_SQL
from gis.versions.staging import STAGED_CUSTOMER

RESNAP_RADIUS_M = 100.0
"""How far the nearest main may be from the house of an account whose main is gone, metres."""
NEAREST_TRIED = 8
"""Mains nearest in degrees that are measured in metres."""
CHAINAGE_TOLERANCE_M = 0.01
PLACE_TOLERANCE_DEG = 1e-7
"""A customer's place nearer than this to the end of his service line is the same place; a hundredth of a metre."""
EXAMPLES_MAX = 50


@dataclass(frozen=True, slots=True)
class Served:
    """What became of accounts whose main is no longer there."""

    moved_to_nearest: int
    without_main: int
    without_main_examples: list[str]


def publish_customers(session: Session) -> Served:
    """Write the staged customers, then give accounts whose main is gone the nearest one that is there.

    Accounts that the files do not name stay. A file that says nothing of an account's name, phone or class leaves them
    as they are: `household` is what it says where it says nothing.
    """
    for statement in (*_ACCOUNTS, *_CONNECTIONS):
        session.execute(text(statement))
    moved = session.execute(text(_RESNAP), {"radius_m": RESNAP_RADIUS_M, "tried": NEAREST_TRIED})
    count, examples = session.execute(text(_WITHOUT_MAIN)).one()
    return Served(
        moved_to_nearest=int(moved.rowcount),  # type: ignore[attr-defined]  # an UPDATE gives a cursor's result
        without_main=count,
        without_main_examples=examples or [],
    )


def _side(line: str, share: str, point: str) -> str:
    """Write the SQL of the side of a line on which a point lies, looking along it; the sign needs no metres."""
    a = f"ST_LineInterpolatePoint({line}, greatest({share} - 0.001, 0))"
    b = f"ST_LineInterpolatePoint({line}, least({share} + 0.001, 1))"
    return f"""CASE WHEN coalesce((ST_X({b}) - ST_X({a})) * (ST_Y({point}) - ST_Y({a}))
                                - (ST_Y({b}) - ST_Y({a})) * (ST_X({point}) - ST_X({a})), 0) >= 0
                     THEN 'left' ELSE 'right' END"""


_SHARE = "least(greatest(s.chainage_m / p.length_m, 0), 1)"
_ACCOUNTS = (
    # An address of the same words is the same address.
    f"""UPDATE {STAGED_CUSTOMER} s SET address_id = a.id FROM gis.address a
         WHERE s.normalised IS NOT NULL AND a.normalised = s.normalised""",
    f"""WITH new AS (
            SELECT DISTINCT ON (s.normalised) {NEW_ID_SQL} AS id, s.address, s.normalised, s.street, s.house_ordinal,
                   s.house_letter, s.place
              FROM {STAGED_CUSTOMER} s
             WHERE s.address_id IS NULL AND s.normalised <> '' AND s.place IS NOT NULL ORDER BY s.normalised, s.account_no),
        stored AS (
            INSERT INTO gis.address (id, street_id, street, house_number, house_ordinal, text, normalised, geom)
            SELECT n.id, st.id, coalesce(st.name, n.street, n.address), n.house_ordinal || n.house_letter, n.house_ordinal,
                   n.address, n.normalised, n.place
              FROM new n
              LEFT JOIN LATERAL (SELECT x.id, x.name FROM gis.street x WHERE x.normalised = n.street LIMIT 1) st ON true
            RETURNING id, normalised)
        UPDATE {STAGED_CUSTOMER} s SET address_id = stored.id FROM stored
         WHERE s.address_id IS NULL AND s.normalised = stored.normalised""",
    f"""INSERT INTO gis.customer_account (id, account_no, name, phone, address_id, customer_class)
        SELECT id, account_no, name, phone, address_id, customer_class FROM {STAGED_CUSTOMER} WHERE is_new""",
    f"""UPDATE gis.customer_account a
           SET name = coalesce(nullif(s.name, ''), a.name), phone = coalesce(s.phone, a.phone),
               address_id = coalesce(s.address_id, a.address_id),
               customer_class = CASE s.customer_class WHEN 'household' THEN a.customer_class ELSE s.customer_class END
          FROM {STAGED_CUSTOMER} s
         WHERE a.id = s.id AND NOT s.is_new
           AND (a.name, a.phone, a.address_id, a.customer_class) IS DISTINCT FROM
               (coalesce(nullif(s.name, ''), a.name), coalesce(s.phone, a.phone), coalesce(s.address_id, a.address_id),
                CASE s.customer_class WHEN 'household' THEN a.customer_class ELSE s.customer_class END)""",
)
_CONNECTIONS = (
    # Who keeps his service line: the same main, the same tap, the same house.
    f"""DELETE FROM {STAGED_CUSTOMER} s USING gis.customer_account a JOIN gis.service_connection c ON c.id = a.service_connection_id
         WHERE a.id = s.id AND c.pipe_id = s.pipe_id AND abs(c.tap_chainage_m - s.chainage_m) < {CHAINAGE_TOLERANCE_M}
           AND (s.place IS NULL OR (c.geom IS NOT NULL AND ST_Distance(ST_EndPoint(c.geom), s.place) < {PLACE_TOLERANCE_DEG}))""",
    # A line whose accounts all move to one place moves with them; where they part, each place gets a line of its own.
    f"""UPDATE {STAGED_CUSTOMER} s SET connection_id = one.connection_id
          FROM (SELECT a.service_connection_id AS connection_id, unnest(array_agg(s.id)) AS account_id
                  FROM {STAGED_CUSTOMER} s JOIN gis.customer_account a ON a.id = s.id
                 WHERE a.service_connection_id IS NOT NULL
                 GROUP BY a.service_connection_id
                HAVING count(DISTINCT (s.pipe_id, s.chainage_m, ST_AsBinary(s.place))) = 1
                   AND count(*) = (SELECT count(*) FROM gis.customer_account o
                                    WHERE o.service_connection_id = a.service_connection_id)) one
         WHERE s.id = one.account_id""",
    f"""UPDATE gis.service_connection c
           SET pipe_id = s.pipe_id, tap_chainage_m = s.chainage_m,
               tap_side = {_side("p.geom", _SHARE, "s.house")},
               geom = CASE WHEN p.geom IS NULL OR s.house IS NULL THEN c.geom
                           ELSE ST_MakeLine(ST_LineInterpolatePoint(p.geom, {_SHARE}), s.house) END
          FROM (SELECT DISTINCT ON (s.connection_id) s.connection_id, s.pipe_id, s.chainage_m,
                       coalesce(s.place, ST_EndPoint(o.geom)) AS house
                  FROM {STAGED_CUSTOMER} s JOIN gis.service_connection o ON o.id = s.connection_id
                 ORDER BY s.connection_id) s
          JOIN gis.pipe p ON p.id = s.pipe_id
         WHERE c.id = s.connection_id""",
    f"""WITH places AS (
            SELECT {NEW_ID_SQL} AS id, g.* FROM (
                SELECT s.pipe_id, s.chainage_m, s.place, array_agg(s.id) AS accounts FROM {STAGED_CUSTOMER} s
                 WHERE s.connection_id IS NULL GROUP BY s.pipe_id, s.chainage_m, s.place) g),
        lines AS (
            INSERT INTO gis.service_connection (id, pipe_id, tap_chainage_m, tap_side, geom)
            SELECT s.id, s.pipe_id, s.chainage_m, {_side("p.geom", _SHARE, "s.place")},
                   CASE WHEN p.geom IS NOT NULL AND s.place IS NOT NULL
                        THEN ST_MakeLine(ST_LineInterpolatePoint(p.geom, {_SHARE}), s.place) END
              FROM places s JOIN gis.pipe p ON p.id = s.pipe_id)
        UPDATE gis.customer_account a SET service_connection_id = m.id
          FROM (SELECT id, unnest(accounts) AS account_id FROM places) m WHERE a.id = m.account_id""",
)
_NEAREST_SHARE = "ST_LineLocatePoint(n.geom, n.house)"
_RESNAP = f"""
    UPDATE gis.service_connection c
       SET pipe_id = n.pipe_id, tap_chainage_m = {_NEAREST_SHARE} * n.length_m,
           tap_side = {_side("n.geom", _NEAREST_SHARE, "n.house")},
           geom = ST_MakeLine(ST_LineInterpolatePoint(n.geom, {_NEAREST_SHARE}), n.house)
      FROM (SELECT o.id, o.house, near.*
              FROM (SELECT c.id, ST_EndPoint(c.geom) AS house FROM gis.service_connection c
                      JOIN gis.pipe p ON p.id = c.pipe_id AND p.lifecycle_status = 'abandoned'
                      JOIN gis.service_area a ON a.geom && c.geom
                     WHERE c.geom IS NOT NULL) o
             CROSS JOIN LATERAL (
                SELECT few.* FROM (
                    SELECT p.id AS pipe_id, p.length_m, p.geom FROM gis.pipe p
                     WHERE p.lifecycle_status = 'in_service' AND p.pipe_class IN ('distribution', 'service')
                     ORDER BY p.geom <-> o.house LIMIT :tried) few
                 WHERE ST_DWithin(few.geom::geography, o.house::geography, :radius_m)
                 ORDER BY ST_Distance(few.geom::geography, o.house::geography), few.pipe_id LIMIT 1) near) n
     WHERE c.id = n.id"""
_WITHOUT_MAIN = f"""
    SELECT count(*), (array_agg(a.account_no ORDER BY a.account_no))[1:{EXAMPLES_MAX}]
      FROM gis.customer_account a JOIN gis.service_connection c ON c.id = a.service_connection_id
      JOIN gis.pipe p ON p.id = c.pipe_id AND p.lifecycle_status = 'abandoned'"""
