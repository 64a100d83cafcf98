"""Which crew gets there first, and why the others are not asked."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.settings import Settings
from dispatch import queries
from dispatch.models import AssignmentState
from gis.coordinates import LonLat, straight_line_m
from gis.errors import NoRoadGraph, NoRoadNearby
from gis.roads.engine import Ways, ways_to
from tracker.models import PresenceState
from tracker.positions import CrewPosition, latest_positions

SHIFT_LOOKBACK: Final = timedelta(hours=12)
"""Jobs of this long are counted when two crews are equally near."""
ROUTES_DRAWN: Final = 3


class Reason(StrEnum):
    """Why a crew cannot be asked; also the key of the message that says so, behind `dispatch.reason.`."""

    INACTIVE = "inactive"
    OFF_SHIFT = "off_shift"
    NO_SKILL = "no_skill"
    BUSY = "busy"
    OFFERED = "offered"
    DECLINED_ALREADY = "declined_already"
    NO_POSITION = "no_position"
    STALE_POSITION = "stale_position"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewFacts:
    """What ranking knows of a crew."""

    crew_id: UUID
    code: str
    name: str
    skills: frozenset[str]
    is_active: bool = True
    is_on_shift: bool
    point: LonLat | None
    position_age_s: float | None
    presence: PresenceState | None = None
    """Whether its phone is there; None when it was never heard."""
    bound_state: str | None = None
    """State of the assignment it holds: offered, or one that binds it."""
    bound_order_number: int | None = None
    has_declined: bool = False
    """It refused this work, or let its offer pass, a short while ago."""
    jobs_lately: int = 0


@dataclass(frozen=True, slots=True)
class Travel:
    """The fastest way by road."""

    seconds: float
    metres: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedCrew:
    """A crew in its place on the list."""

    crew_id: UUID
    code: str
    name: str
    point: LonLat | None
    position_age_s: float | None
    travel_time_s: float | None
    distance_m: float | None
    straight_line_m: float | None
    is_eligible: bool
    reason: Reason | None
    reason_values: dict[str, Any] = field(default_factory=dict)  # Any: numbers and words for the message
    route: tuple[LonLat, ...] | None = None
    """Its way by road, where it was to be drawn."""

    def without_place(self) -> "RankedCrew":
        """Leave out what tells where the crew is, for readers who may not know."""
        is_about_place = self.reason in (Reason.STALE_POSITION, Reason.UNREACHABLE)
        return replace(
            self,
            point=None,
            position_age_s=None,
            travel_time_s=None,
            distance_m=None,
            straight_line_m=None,
            route=None,
            reason=Reason.NO_POSITION if is_about_place else self.reason,
            reason_values={} if is_about_place else self.reason_values,
        )


def rank(
    crews: Sequence[CrewFacts],
    travels: Mapping[UUID, Travel],
    destination: LonLat,
    *,
    skills: Collection[str],
    stale_s: float,
) -> list[RankedCrew]:
    """Put crews in the order in which to ask them.

    Parameters
    ----------
    travels
        Exact way by road of every crew that can get there.
    skills
        What the work needs.
    stale_s
        Age from which a position is not believed any more, seconds.

    Returns
    -------
    ranked
        Eligible crews first, by travel time in whole seconds, then by jobs lately (fewer first), distance and code; behind them those
        that cannot be asked, each with its reason.
    """

    def key(crew: CrewFacts) -> tuple[bool, float, int, float, str]:
        travel = travels.get(crew.crew_id)
        seconds = round(travel.seconds) if travel else float("inf")
        metres = travel.metres if travel else float("inf")
        return reasons[crew.crew_id] is not None, seconds, crew.jobs_lately, metres, crew.code

    reasons = {
        crew.crew_id: why_not(crew, skills=frozenset(skills), stale_s=stale_s)
        or (None if crew.crew_id in travels else Reason.UNREACHABLE)
        for crew in crews
    }
    return [
        _ranked(crew, travels.get(crew.crew_id), destination, reasons[crew.crew_id], skills)
        for crew in sorted(crews, key=key)
    ]


def straight_line_choice(ranked: Sequence[RankedCrew]) -> RankedCrew | None:
    """Tell whom the straight line would have chosen among those who could go."""
    able = [one for one in ranked if one.is_eligible and one.straight_line_m is not None]
    return min(able, key=lambda one: (one.straight_line_m, one.code), default=None)


def why_not(crew: CrewFacts, *, skills: frozenset[str], stale_s: float) -> Reason | None:
    """Give the first reason that keeps a crew from being asked, the roads left aside; the lasting ones come first."""
    if not crew.is_active:
        return Reason.INACTIVE
    if not skills <= crew.skills:
        return Reason.NO_SKILL
    if not crew.is_on_shift:
        return Reason.OFF_SHIFT
    if crew.bound_state is not None:
        return Reason.OFFERED if crew.bound_state == AssignmentState.OFFERED else Reason.BUSY
    if crew.has_declined:
        return Reason.DECLINED_ALREADY
    if crew.point is None or crew.position_age_s is None:
        return Reason.NO_POSITION
    return Reason.STALE_POSITION if crew.position_age_s > stale_s else None


def _ranked(
    crew: CrewFacts,
    travel: Travel | None,
    destination: LonLat,
    reason: Reason | None,
    skills: Collection[str],
) -> RankedCrew:
    values: dict[str, Any] = {}  # Any: see RankedCrew
    if reason in (Reason.BUSY, Reason.OFFERED):
        values = {"number": crew.bound_order_number}
    elif reason is Reason.STALE_POSITION and crew.position_age_s is not None:
        values = {"minutes": round(crew.position_age_s / 60)}
    elif reason is Reason.NO_SKILL:
        values = {"skills": sorted(set(skills) - crew.skills)}
    return RankedCrew(
        crew_id=crew.crew_id,
        code=crew.code,
        name=crew.name,
        point=crew.point,
        position_age_s=crew.position_age_s,
        travel_time_s=travel.seconds if travel else None,
        distance_m=travel.metres if travel else None,
        straight_line_m=straight_line_m(crew.point, destination) if crew.point else None,
        is_eligible=reason is None,
        reason=reason,
        reason_values=values,
    )


# --- loading ---------------------------------------------------------------------------------------------------------------


def rank_crews(
    session: Session,
    destination: LonLat,
    *,
    skills: Collection[str],
    settings: Settings,
    order_id: UUID | None = None,
    is_drawn: Callable[[RankedCrew], bool] = lambda _: False,
) -> list[RankedCrew]:
    """Rank all active crews for a place, with exact ways by road for every one whose place is known.

    Parameters
    ----------
    order_id
        The work order; who refused it lately is not asked again.
    is_drawn
        Whether a crew that can be asked gets its way drawn; the first few do.
    """
    crews = crew_facts(session, settings=settings, order_id=order_id)
    ways = _ways_to(session, crews, destination)
    travels = {crew_id: way.travel for crew_id, way in ways.items()}
    ranked = rank(crews, travels, destination, skills=skills, stale_s=settings.position_stale_s)
    drawn = {
        one.crew_id for one in [one for one in ranked if one.is_eligible and is_drawn(one)][:ROUTES_DRAWN]
    }
    return [replace(one, route=ways[one.crew_id].drawn()) if one.crew_id in drawn else one for one in ranked]


def rank_able(
    session: Session,
    destination: LonLat,
    *,
    skills: Collection[str],
    settings: Settings,
    order_id: UUID,
) -> list[RankedCrew]:
    """Rank only the crews that can be asked; without any, no way is measured."""
    crews = [
        crew
        for crew in crew_facts(session, settings=settings, order_id=order_id)
        if why_not(crew, skills=frozenset(skills), stale_s=settings.position_stale_s) is None
    ]
    if not crews:
        return []
    travels = {crew_id: way.travel for crew_id, way in _ways_to(session, crews, destination).items()}
    ranked = rank(crews, travels, destination, skills=skills, stale_s=settings.position_stale_s)
    return [one for one in ranked if one.is_eligible]


@dataclass(frozen=True, slots=True)
class CrewDistance:
    """How far a crew is from a place; without a way by road `travel` is None, without a fix the straight line, too."""

    crew: CrewFacts
    travel: Travel | None
    straight_line_m: float | None


def crews_near(session: Session, actor: Actor, place: LonLat, *, settings: Settings) -> list[CrewDistance]:
    """Tell how far every active crew is that a person may see, busy or not, on duty or not; the first to arrive first.

    Parameters
    ----------
    actor
        May read positions; with an area, he sees the crews that are in it.
    """
    crews = crew_facts(session, settings=settings)
    if actor.area_wkt is not None:
        seen = {one.crew_id for one in latest_positions(session, actor=actor)}
        crews = [crew for crew in crews if crew.crew_id in seen]
    ways = _ways_to(session, crews, place)
    found = [
        CrewDistance(
            crew,
            ways[crew.crew_id].travel if crew.crew_id in ways else None,
            straight_line_m(crew.point, place) if crew.point else None,
        )
        for crew in crews
    ]
    return sorted(found, key=_first_to_arrive)


def _first_to_arrive(one: CrewDistance) -> tuple[float, float, str]:
    """Sort by minutes of road, then by metres as the crow flies, then by code; what is not known comes last."""
    far = float("inf")
    seconds = one.travel.seconds if one.travel else far
    return seconds, far if one.straight_line_m is None else one.straight_line_m, one.crew.code


def crew_facts(session: Session, *, settings: Settings, order_id: UUID | None = None) -> list[CrewFacts]:
    """Read what ranking needs to know of the active crews."""
    now = utc_now()
    positions = {one.crew_id: one for one in latest_positions(session)}
    crews = queries.crews_now(
        session,
        now,
        order_id=order_id,
        refused_since=now - timedelta(seconds=settings.ask_again_s),
        jobs_since=now - SHIFT_LOOKBACK,
    )

    def facts(crew: queries.CrewNow, position: CrewPosition | None) -> CrewFacts:
        return CrewFacts(
            crew_id=crew.crew_id,
            code=crew.code,
            name=crew.name,
            skills=frozenset(crew.skills),
            is_on_shift=crew.is_on_shift,
            point=position.point if position else None,
            position_age_s=position.age_s(now) if position else None,
            presence=position.presence if position else None,
            bound_state=crew.bound_state,
            bound_order_number=crew.bound_order_number,
            has_declined=crew.has_refused,
            jobs_lately=crew.jobs_lately,
        )

    return [facts(crew, positions.get(crew.crew_id)) for crew in crews]


@dataclass(frozen=True, slots=True)
class _Way:
    """One crew's way, still to be drawn."""

    travel: Travel
    ways: Ways
    origin: int

    def drawn(self) -> tuple[LonLat, ...] | None:
        found = self.ways.route(self.origin)
        return found.geometry if found else None


def _ways_to(session: Session, crews: Sequence[CrewFacts], destination: LonLat) -> dict[UUID, _Way]:
    """Measure the ways by road from crews to a place; those who cannot get there are left out."""
    placed = [(crew.crew_id, crew.point) for crew in crews if crew.point is not None]
    if not placed:
        return {}
    try:
        ways = ways_to(session, [point for _, point in placed], destination)
    except (NoRoadGraph, NoRoadNearby):
        return {}
    return {
        placed[one.origin][0]: _Way(Travel(seconds=one.seconds, metres=one.metres), ways, one.origin)
        for one in ways.travels()
        if one.seconds is not None and one.metres is not None
    }
