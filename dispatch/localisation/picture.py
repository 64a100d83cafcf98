"""Where an incident's main is broken, as people are told: segments, mains, a zone on the map, how sure, and whom to ring to know better.

It is worked out anew whenever somebody looks, from the reports and answers as they stand; nothing of it is kept, and what a person
confirmed is never changed by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.settings import Settings
from dispatch.localisation import ring_backs
from dispatch.localisation.belief import SAID, Belief, Evidence, Habits
from dispatch.localisation.ground import Ground, current_ground, habits_of
from dispatch.localisation.ring_backs import Asked, Customer
from dispatch.localisation.ringing import Question, questions
from dispatch.models import Answer, Incident
from dispatch.queries import Member, members_of
from dispatch.reports import Category
from gis.isolation import NONE
from gis.isolation.arrays import Ints
from gis.models import Pipe

ZONE_SHARES: Final = (0.5, 0.9)
"""The belief held by the two zones that are drawn."""
ZONE_BESIDE_M: Final = 20.0
"""How far a zone reaches beside its mains."""
LISTED_SHARE: Final = 0.99
LISTED_MAX: Final = 20
"""Segments are listed up to this belief, and no more than so many; of mains as many."""
SURE_SHARE: Final = 0.7
LIKELY_SHARE: Final = 0.4
"""Belief in one footprint from which it is called sure, or likely."""
WIDE_SHARE: Final = 0.6
"""Of the mains of its pressure zones: a zone with more of them leaves it open where it is."""


class Sureness(StrEnum):
    """How sure the picture is, in words."""

    NOTHING_KNOWN = "nothing_known"
    ANYWHERE = "anywhere"
    OPEN = "open"
    LIKELY = "likely"
    SURE = "sure"


@dataclass(frozen=True, slots=True)
class LikelySegment:
    """A segment that may hold the break; those that leave the same customers dry are told apart by no call."""

    segment_id: int
    belief: float
    length_m: float
    pipe_count: int
    customers_dry: int
    alike: list[int]


@dataclass(frozen=True, slots=True)
class LikelyPipe:
    """A main that may be the broken one, with what is recorded of it."""

    pipe: Pipe
    belief: float


@dataclass(frozen=True, slots=True)
class CredibleZone:
    """The fewest segments that hold a share of the belief; the area is longitude and latitude. Any: shapely has no types."""

    belief: float
    segment_ids: list[int]
    length_m: float
    area: Any


@dataclass(frozen=True, slots=True)
class Basis:
    """What a picture rests on, in numbers."""

    calls: int
    low_pressure_calls: int
    sightings: int
    silent: int
    """Customers whom the likeliest segment leaves dry and who have not called."""
    answers: dict[Answer, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """Where it may be broken."""

    sureness: Sureness
    segments: list[LikelySegment]
    pipes: list[LikelyPipe]
    zones: list[CredibleZone]
    basis: Basis
    running: float
    """How likely pressure has fallen round about."""


@dataclass(frozen=True, slots=True)
class ToRing:
    """A customer worth ringing, and why."""

    customer: Customer
    question: Question


@dataclass(frozen=True)
class _Known:
    """Everything known of an incident, weighed."""

    ground: Ground
    evidence: Evidence
    habits: Habits
    belief: Belief
    asked: list[Asked]
    sightings: int


def picture_of(session: Session, actor: Actor, incident: Incident, *, settings: Settings) -> Picture:
    """Tell where an incident's main may be broken, as far as it is the person's to see."""
    known = _known(session, incident, settings)
    belief = known.belief
    ranked = belief.most_likely(LISTED_SHARE)[:LISTED_MAX]
    zones = [] if known.evidence.is_empty else [_zone(known, actor, share) for share in ZONE_SHARES]
    return Picture(
        sureness=_sureness(known, zones),
        segments=[] if known.evidence.is_empty else [_segment(known, row) for row in ranked.tolist()],
        pipes=[] if known.evidence.is_empty else _pipes(session, actor, known),
        zones=zones,
        basis=_basis(known, int(ranked[0])),
        running=float(belief.rows @ belief.running),
    )


def to_ring(session: Session, actor: Actor, incident: Incident, *, settings: Settings) -> list[ToRing]:
    """Choose the customers whose answers teach most, the most telling first; nobody while nothing is known."""
    known = _known(session, incident, settings)
    if known.evidence.is_empty or incident.state not in ring_backs.ASKED_STATES:
        return []
    ground = known.ground
    footprints = ground.footprints
    near = np.unique(footprints.dry[known.belief.most_likely(LISTED_SHARE)].indices)
    pipes = np.flatnonzero(np.isin(footprints.part_of_pipe, near) & (ground.network.customers > 0))
    customers = ring_backs.may_be_rung(session, actor, incident, ground.network.pipe_ids(pipes), known.asked)
    of_part: dict[int, Customer] = {}
    for one in customers:
        of_part.setdefault(int(footprints.part_of_pipe[ground.network.pipe_index(one.pipe_id)]), one)
    ringable = np.zeros(len(footprints.customers), dtype=bool)
    ringable[list(of_part)] = True
    chosen = questions(
        footprints, known.belief, known.habits, ringable=ringable, most=settings.ring_backs_max
    )
    return [ToRing(of_part[one.part], one) for one in chosen]


def _known(session: Session, incident: Incident, settings: Settings) -> _Known:
    ground = current_ground(session)
    reports = [one.facts for one in members_of(session, incident.id) if _is_fresh(one, incident)]
    asked = ring_backs.asked_of(session, incident)
    evidence = ground.evidence(reports, ring_backs.answers_of(asked))
    span_s = (incident.last_report_at - incident.opened_at).total_seconds()
    habits = habits_of(settings, span_s=span_s)
    return _Known(
        ground=ground,
        evidence=evidence,
        habits=habits,
        belief=ground.believe(evidence, habits),
        asked=asked,
        sightings=len({one.customer_key for one in reports if one.category == Category.LEAK}),
    )


def _is_fresh(member: Member, incident: Incident) -> bool:
    """Whether a report still tells of trouble: after a reopening, only what was told since."""
    return incident.reopened_at is None or member.last_told_at >= incident.reopened_at


def _sureness(known: _Known, zones: Sequence[CredibleZone]) -> Sureness:
    if known.evidence.is_empty:
        return Sureness.NOTHING_KNOWN
    if _is_wide(known.ground, known.belief.most_likely(ZONE_SHARES[-1])):
        return Sureness.ANYWHERE
    best = float(known.belief.of_alike(known.ground.footprints).max())
    return Sureness.SURE if best >= SURE_SHARE else Sureness.LIKELY if best >= LIKELY_SHARE else Sureness.OPEN


def _is_wide(ground: Ground, rows: Ints) -> bool:
    """Whether segments hold most of the mains of the pressure zones they are in; a network without zones is one."""
    inside = np.isin(ground.footprints.row_of_pipe[ground.pipe_of_main], rows)
    zones = np.unique(ground.mains.zone[inside])
    in_zones = np.isin(ground.mains.zone, zones) if NONE not in zones else np.ones(len(inside), dtype=bool)
    whole_m = float(ground.mains.length_m[in_zones].sum())
    return bool(ground.mains.length_m[inside].sum() >= WIDE_SHARE * whole_m)


def _zone(known: _Known, actor: Actor, share: float) -> CredibleZone:
    ground = known.ground
    rows = known.belief.most_likely(share)
    inside = np.isin(ground.footprints.row_of_pipe[ground.pipe_of_main], rows)
    drawn = shapely.union_all(shapely.buffer(ground.mains.lines[inside], ZONE_BESIDE_M, quad_segs=4))
    area = ground.plane.unproject(drawn)
    his = actor.area()
    if his is not None:
        area = shapely.intersection(area, his)
    return CredibleZone(
        belief=float(known.belief.rows[rows].sum()),
        segment_ids=ground.footprints.segment[rows].tolist(),
        length_m=float(ground.mains.length_m[inside].sum()),
        area=area,
    )


def _segment(known: _Known, row: int) -> LikelySegment:
    footprints, network = known.ground.footprints, known.ground.network
    segment = int(footprints.segment[row])
    pipes = network.pipes_of(segment)
    alike = footprints.segment[footprints.alike == footprints.alike[row]]
    return LikelySegment(
        segment_id=segment,
        belief=float(known.belief.rows[row]),
        length_m=float(network.pipe_length_m[pipes].sum()),
        pipe_count=len(pipes),
        customers_dry=int(footprints.dry_customers[row]),
        alike=[one for one in alike.tolist() if one != segment],
    )


def _pipes(session: Session, actor: Actor, known: _Known) -> list[LikelyPipe]:
    belief, network = known.belief.pipes, known.ground.network
    ranked = np.argsort(-belief, kind="stable")[:LISTED_MAX]
    share = {network.pipe_id(int(at)): float(belief[at]) for at in ranked}
    rows = session.scalars(select(Pipe).where(Pipe.id == func.any(list(share)), actor.area_filter(Pipe.geom)))
    found = [LikelyPipe(row, share[row.id]) for row in rows]
    return sorted(found, key=lambda one: (-one.belief, one.pipe.asset_code))


def _basis(known: _Known, row: int) -> Basis:
    dry, low = (calls.shape[0] for calls in known.evidence.calls)
    footprints = known.ground.footprints
    inside = sum(float((calls @ footprints.dried_by[:, [row]]).sum()) for calls in known.evidence.calls)
    return Basis(
        calls=dry,
        low_pressure_calls=low,
        sightings=known.sightings,
        silent=0 if known.evidence.is_empty else max(0, round(float(footprints.dry_customers[row]) - inside)),
        answers={one: int(np.count_nonzero(known.evidence.said == at)) for at, one in enumerate(SAID)},
    )
