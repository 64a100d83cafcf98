"""The restricted views and their role: what is not said of a caller is not seen."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from maps.ogc.collections import COLLECTIONS
from maps.ogc.reader import restricted
from tests.maps.conftest import Scene, actor_of, box_wkt
from tests.town import Town

VIEWS = [f"{one.name}{part}" for one in COLLECTIONS for part in ("", "_in_window")]
WORLD = (-180.0, -90.0, 180.0, 90.0)


def tell(session: Session, **settings: str) -> None:
    for name, value in settings.items():
        session.execute(
            text("SELECT set_config(:name, :value, true)"), {"name": f"ogc.{name}", "value": value}
        )


def count(session: Session, view: str) -> int:
    return session.scalar(text(f"SELECT count(*) FROM ogc.{view}")) or 0


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_seen_while_nothing_is_said(session: Session, scene: Scene, view: str) -> None:
    everything = "network.read,incidents.read,positions.read,crews.read"
    world = "SRID=4326;POLYGON((-180 -90,180 -90,180 90,-180 90,-180 -90))"
    session.execute(text("SET LOCAL ROLE mainline_ogc"))
    assert count(session, view) == 0
    tell(session, operations=everything)
    assert count(session, view) == 0, "no area said"
    tell(session, operations="", area="everywhere", window=world)
    assert count(session, view) == 0, "no rights said"
    tell(session, operations=everything, area="")
    assert count(session, view) == 0, "an empty area is no area"
    tell(session, area="everywhere")
    seen = count(session, view)
    assert seen > 0 or view.startswith("control_links")
    tell(session, area=world)
    assert count(session, view) == seen, "the whole world as an area holds all that has a place"


def test_the_role_reads_nothing_else(session: Session, scene: Scene) -> None:
    for statement in (
        "SELECT * FROM gis.pipe",
        "SELECT * FROM gis.customer_account",
        "SELECT * FROM hotline.report",
        "SELECT * FROM core.user_account",
        "UPDATE ogc.pipes SET asset_code = 'x'",
        "DELETE FROM ogc.crews",
        "CREATE TABLE ogc.mine (a int)",
    ):
        savepoint = session.begin_nested()
        session.execute(text("SET LOCAL ROLE mainline_ogc"))
        with pytest.raises(DBAPIError, match=r"permission denied|cannot (update|delete from) view"):
            session.execute(text(statement))
        savepoint.rollback()


def test_a_function_that_tells_cannot_look_behind_the_barrier(session: Session, town: Town) -> None:
    """Without security_barrier PostgreSQL runs the cheap function first, on rows that are not the caller's."""
    session.execute(
        text(
            "CREATE FUNCTION pg_temp.tell(code text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
            " $$ BEGIN RAISE NOTICE 'saw %', code; RETURN true; END $$"
        )
    )
    raw = session.connection().connection.driver_connection
    assert raw is not None
    told: list[str] = []
    raw.add_notice_handler(lambda notice: told.append(notice.message_primary))
    actor = actor_of("dispatcher", area_wkt=box_wkt(town, -100, -50, 150, 90))
    tell(
        session,
        operations=",".join(actor.operations),
        area=f"SRID=4326;{actor.area_wkt}",
    )
    look = text("SELECT count(*) FROM ogc.pipes WHERE pg_temp.tell(asset_code)")
    assert session.scalar(look) == len(told) == 9
    session.execute(text("ALTER VIEW ogc.pipes SET (security_barrier = false)"))
    told.clear()
    assert session.scalar(look) == 9
    assert len(told) > 9, "it would tell, were there no barrier"


def test_the_session_is_itself_again_afterwards(session: Session, town: Town) -> None:
    before = session.scalar(text("SELECT current_user"))
    actor = actor_of("dispatcher")
    with restricted(session, actor, window=WORLD):
        assert session.scalar(text("SELECT current_user")) == "mainline_ogc"
        assert count(session, "pipes_in_window") == len(town.pipes)
    with pytest.raises(ZeroDivisionError), restricted(session, actor):
        raise ZeroDivisionError
    assert session.scalar(text("SELECT current_user")) == before
    assert not session.scalar(text("SELECT current_setting('ogc.operations', true)"))
    assert count(session, "pipes") == 0
