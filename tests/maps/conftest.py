"""The invented town for the map's tests, with an incident, a crew and reports put straight into their tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from core.auth import Actor, effective_operations
from core.clock import real_now, utc_now
from core.db import new_id
from core.events import ReportLocated
from core.rights import ROLE_SEEDS
from core.settings import Settings, get_settings
from dispatch.handlers import triage_report
from dispatch.models import Crew, Incident
from gis.coordinates import LonLat
from hotline.models import Report, ReportState
from tests.town import Town, load_town
from tracker.models import LatestPosition, Presence

ALARM = "<script>alert('1')</script> & `${alert(2)}` 水从路面冒出来"
"""What a caller might say to break a page."""


@pytest.fixture(scope="session")
def town_url_and_town(template_url: URL, create_database: Callable[..., URL]) -> tuple[URL, Town]:
    url = create_database(template=template_url.database)
    engine = create_engine(url)
    with Session(engine) as session, session.begin():
        town = load_town(session)
    engine.dispose()
    return url, town


@pytest.fixture(scope="session")
def database_url(town_url_and_town: tuple[URL, Town], create_database: Callable[..., URL]) -> URL:
    """The session's database, with the town in it."""
    return create_database(template=town_url_and_town[0].database)


@pytest.fixture
def cloned_database(town_url_and_town: tuple[URL, Town], create_database: Callable[..., URL]) -> URL:
    """A database of its own, with the town in it."""
    return create_database(template=town_url_and_town[0].database)


@pytest.fixture(scope="session")
def town(town_url_and_town: tuple[URL, Town]) -> Town:
    return town_url_and_town[1]


@pytest.fixture(autouse=True)
def _process_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Handlers read the process's settings; here they are the tests'."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("MAINLINE_TOKEN_SECRET", settings.token_secret.get_secret_value())
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def actor_of(role: str, *, area_wkt: str | None = None, session_id: UUID | None = None) -> Actor:
    """Somebody with a role's rights, without the trouble of logging in."""
    seed = next(one for one in ROLE_SEEDS if one.role == role)
    return Actor(
        user_id=new_id(),
        username=role,
        display_name=role,
        role=role,
        operations=effective_operations(seed.operations, seed.functions),
        fields=frozenset(map(str, seed.fields)),
        area_wkt=area_wkt,
        desk_ids=frozenset(),
        crew_id=None,
        session_id=session_id or uuid4(),
        language="en",
        client_address=None,
    )


def box_wkt(town: Town, west_m: float, south_m: float, east_m: float, north_m: float) -> str:
    """An area in metres from the town's south-west corner."""
    corners = [(west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m), (west_m, south_m)]
    places = (town.place(x, y) for x, y in corners)
    return "MULTIPOLYGON(((" + ", ".join(f"{place.lon} {place.lat}" for place in places) + ")))"


@dataclass(frozen=True)
class Scene:
    """What is going on in the town."""

    incident_id: UUID
    report_id: UUID
    unlocated_id: UUID
    crew_id: UUID


def put_report(session: Session, town: Town, place: LonLat | None, *, pipe: str = "H11") -> Report:
    """Store a report as the hotline leaves it."""
    now = utc_now()
    report = Report(
        id=new_id(),
        state=ReportState.LOCATED if place else ReportState.UNLOCATED,
        channel="phone",
        category="no_water",
        description=ALARM,
        caller_name="王芳",
        caller_phone="+12025550001",
        caller_key="key",
        noticed_at=now,
        received_at=now,
        place=place.as_stored() if place else None,
        pipe_id=town.pipes[pipe] if place else None,
    )
    session.add(report)
    session.flush()
    return report


def open_incident(session: Session, town: Town, *, pipe: str = "H11") -> tuple[Incident, Report]:
    """Let a report on a pipe open an incident, the way reports do."""
    report = put_report(session, town, town.on_pipe(pipe, 40), pipe=pipe)
    triage_report(
        session,
        ReportLocated(
            report_id=report.id,
            report_number=report.number,
            category=report.category,
            lon=town.on_pipe(pipe, 40).lon,
            lat=town.on_pipe(pipe, 40).lat,
            pipe_id=town.pipes[pipe],
            segment_id=town.segments[pipe],
            zone_id=town.zones["West"],
            confidence=0.95,
            customer_account_id=None,
            caller_key="key",
            street="Church Street",
            extent="unknown",
            noticed_at=report.noticed_at,
            received_at=report.received_at,
            repeat_of=None,
        ),
    )
    session.flush()
    incident = session.scalars(select(Incident).order_by(Incident.number.desc())).first()
    assert incident is not None
    report.incident_id = incident.id
    session.flush()
    return incident, report


def put_crew(session: Session, place: LonLat, *, code: str = "C01") -> Crew:
    """Store a crew whose phone just told its place."""
    now = utc_now()
    crew = Crew(id=new_id(), code=code, name=f"Crew {code}", skills=["repair"])
    session.add(crew)
    session.flush()
    session.add(
        LatestPosition(
            crew_id=crew.id,
            recorded_at=now,
            received_at=now,
            stored_at=real_now(),
            geom=place.as_stored(),
            speed_mps=9.0,
            course_deg=90.0,
        )
    )
    session.add(Presence(crew_id=crew.id, state="online", changed_at=now, heard_at=now, reason="position"))
    session.flush()
    return crew


def put_scene(session: Session, town: Town) -> Scene:
    """An incident on Church Street in the west of the town, its report, one without a place, a crew in the south-west."""
    incident, report = open_incident(session, town)
    unlocated = put_report(session, town, None)
    crew = put_crew(session, town.place(0, 0))
    session.flush()
    return Scene(incident.id, report.id, unlocated.id, crew.id)


@pytest.fixture
def scene(session: Session, town: Town) -> Scene:
    return put_scene(session, town)


@pytest.fixture
def pages(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose folder of built pages holds a stand-in for Leaflet; the real one is the browser tests' business."""
    folder = tmp_path / "vendor" / "leaflet"
    folder.mkdir(parents=True)
    (folder / "leaflet.js").write_text("window.L = {}; // </script>\n//# sourceMappingURL=leaflet.js.map\n")
    (folder / "leaflet.css").write_text(".leaflet-control { background: url(images/layers.png) }")
    return settings.model_copy(update={"pages_dir": tmp_path})
