"""What publishing a staged draft would do to the stored network."""

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.versions.staging import ASSET_KINDS, JUNCTIONS, PIPES, STAGED_CUSTOMER, ZONES, Kind

EXAMPLES_MAX = 10


class Change(StrEnum):
    """What a version does to one asset."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    SAME = "same"


WRITTEN = (Change.ADDED, Change.CHANGED, Change.REMOVED)
CUSTOMER = "customer_account"


@dataclass(slots=True)
class KindDifference:
    """How many assets of one kind would be added, changed, removed, and the codes of some of them."""

    counts: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(WRITTEN, 0))
    examples: dict[Change, list[str]] = field(default_factory=lambda: {change: [] for change in WRITTEN})


def fate_sql(kind: Kind) -> str:
    """Write the SQL that joins the stored rows `t` and the staged rows `s` of a kind and says each one's `change`.

    An asset that was abandoned and comes back counts as added, one that the files themselves call abandoned as removed.
    What is abandoned on both sides, or was and is still not there, is left alone.
    """
    stored, staged = (", ".join(f"{side}.{column}" for column in kind.columns) for side in "ts")
    if kind.has_lifecycle:
        was, will = (f"({side}.lifecycle_status <> 'abandoned')" for side in "ts")
    else:
        was, will = _ZONE_IS_DRAWN, "true"
    return f"""
        SELECT t.id AS stored_id, s.id AS staged_id, coalesce(s.{kind.key}, t.{kind.key}) AS code,
               CASE WHEN s.id IS NULL THEN CASE WHEN {was} THEN 'removed' END
                    WHEN t.id IS NULL THEN 'added'
                    WHEN ({stored}) IS NOT DISTINCT FROM ({staged}) THEN 'same'
                    WHEN {was} AND NOT {will} THEN 'removed'
                    WHEN {will} AND NOT {was} THEN 'added'
                    ELSE 'changed' END AS change
          FROM gis.{kind.table} t FULL JOIN {kind.staged} s ON s.id = t.id"""


# A zone that a version no longer has stays as a row without an outline, since what is abandoned refers to it.
_ZONE_IS_DRAWN = """(t.geom IS NOT NULL
    OR EXISTS (SELECT FROM gis.pipe p WHERE p.zone_id = t.id AND p.lifecycle_status <> 'abandoned')
    OR EXISTS (SELECT FROM gis.junction j WHERE j.zone_id = t.id AND j.lifecycle_status <> 'abandoned'))"""

_CUSTOMERS = f"""
    SELECT s.account_no AS code,
           CASE WHEN s.is_new THEN 'added'
                WHEN (a.name, a.phone, a.customer_class, c.pipe_id) IS NOT DISTINCT FROM
                     (coalesce(nullif(s.name, ''), a.name), coalesce(s.phone, a.phone),
                      CASE s.customer_class WHEN 'household' THEN a.customer_class ELSE s.customer_class END, s.pipe_id)
                     AND abs(c.tap_chainage_m - s.chainage_m) < 0.01 THEN 'same'
                ELSE 'changed' END AS change
      FROM {STAGED_CUSTOMER} s
      LEFT JOIN gis.customer_account a ON a.id = s.id
      LEFT JOIN gis.service_connection c ON c.id = a.service_connection_id"""


def difference(session: Session) -> dict[str, KindDifference]:
    """Count what the staged draft adds, changes and removes, by table.

    Accounts that the files do not name stay, so none is ever removed.
    """
    queries = {kind.table: fate_sql(kind) for kind in ASSET_KINDS} | {CUSTOMER: _CUSTOMERS}
    return {table: _count(session, query) for table, query in queries.items()}


def _count(session: Session, fates: str) -> KindDifference:
    rows = session.execute(
        text(
            f"""SELECT change, count(*), (array_agg(code ORDER BY code))[1:{EXAMPLES_MAX}] FROM ({fates}) f
                 WHERE change <> 'same' GROUP BY change"""
        )
    )
    found = KindDifference()
    for change, count, codes in rows:
        found.counts[Change(change)] = count
        found.examples[Change(change)] = codes
    return found


def keep_drawing(session: Session, number: int) -> None:
    """Store what a draft looks like on the map, each asset with what would become of it."""
    for kind in ASSET_KINDS:
        if kind is ZONES or kind is JUNCTIONS:
            continue
        width = "coalesce(s.diameter_mm, t.diameter_mm)" if kind is PIPES else "NULL"
        session.execute(
            text(
                f"""INSERT INTO gis.draft_feature (version, asset_kind, asset_code, change, diameter_mm, geom)
                    SELECT :number, '{kind.table}', f.code, f.change, {width}, coalesce(s.geom, t.geom)
                      FROM ({fate_sql(kind)}) f
                      LEFT JOIN {kind.staged} s ON s.id = f.staged_id
                      LEFT JOIN gis.{kind.table} t ON t.id = f.stored_id
                     WHERE f.change IS NOT NULL AND coalesce(s.geom, t.geom) IS NOT NULL"""
            ),
            {"number": number},
        )
