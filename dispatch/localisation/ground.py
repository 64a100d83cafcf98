"""The network as the search for a break needs it, kept per process while it stays the same; and reports and answers as evidence on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from scipy.sparse import csr_matrix
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.settings import Settings
from dispatch.localisation.belief import (
    SAID,
    SEEN_BY_CHANCE,
    SEEN_WITHIN_M,
    Belief,
    Evidence,
    Habits,
    Sightings,
    believe,
    seen_from,
    served_from,
)
from dispatch.localisation.breaking import proneness
from dispatch.models import Answer
from dispatch.reports import UNSURE_PLACE_M, Category, ReportFacts
from gis.cache import current_mains, current_network
from gis.coordinates import LonLat, MetricPlane, metric_plane
from gis.errors import PipeNotFound
from gis.isolation import Footprints, IsolationNetwork
from gis.isolation.arrays import Floats, Ints
from gis.kept import Kept
from gis.mains import Clues, Mains
from gis.queries import load_pipe_records
from gis.service_area import area_facts

DRY_CATEGORIES: Final = (Category.NO_WATER, Category.LOW_PRESSURE)
"""The kinds of calls, in the order of `Evidence.calls`; of a customer who said both, the first counts."""
SURE: Final = 0.95
"""A place so sure needs no others beside it."""
REACH_ERRORS: Final = 3.0
"""A caller, or what he saw, is not farther from the place told than so many of its errors."""
SUPPLY_SHARE: Final = 0.5
"""Of calls without a common cause, those about missing or little water."""
DAY_S: Final = 86_400.0
SPAN_MIN_S: Final = 10_800.0
"""Stray calls are counted over three hours at least: who calls late noticed early."""


@dataclass(frozen=True)
class Ground:
    """The network, what each segment leaves dry, the mains drawn in their plane and how readily each breaks."""

    network: IsolationNetwork
    footprints: Footprints
    mains: Mains
    plane: MetricPlane
    proneness: Floats
    pipe_of_main: Ints

    @classmethod
    def load(cls, session: Session) -> "Ground":
        """Read it; takes about a second for a city of 70,000 mains."""
        network = current_network(session)
        mains = current_mains(session)
        records = load_pipe_records(session, count=network.pipe_count)
        return cls(
            network=network,
            footprints=Footprints.of(network),
            mains=mains,
            plane=metric_plane(area_facts(session).plane_srid),
            proneness=proneness(
                network.pipe_length_m,
                diameter_mm=records.diameter_mm,
                material=records.material,
                install_year=records.install_year,
                this_year=utc_now().year,
            ),
            pipe_of_main=np.searchsorted(network.pipe_key, mains.key),
        )

    def believe(self, evidence: Evidence, habits: Habits) -> Belief:
        """Weigh every segment and main as the broken one."""
        return believe(self.footprints, self.proneness, evidence, habits)

    def evidence(self, reports: Sequence[ReportFacts], answers: Sequence[tuple[UUID, Answer]]) -> Evidence:
        """See reports, and the answers of customers on some pipes, as evidence."""
        first, second = _one_a_customer(reports)
        known = [(self._pipe(pipe_id), answer) for pipe_id, answer in answers if answer in SAID]
        told = [(pipe, SAID.index(answer)) for pipe, answer in known if pipe is not None]
        return Evidence(
            calls=(self._served_from(first), self._served_from(second)),
            asked=self.footprints.part_of_pipe[np.array([pipe for pipe, _ in told], dtype=np.int64)],
            said=np.array([said for _, said in told], dtype=np.int64),
            seen=self._seen([one for one in reports if one.category == Category.LEAK]),
        )

    def _pipe(self, pipe_id: UUID) -> int | None:
        try:
            return self.network.pipe_index(pipe_id)
        except PipeNotFound:  # of an earlier version of the network
            return None

    def _served_from(self, calls: Sequence[ReportFacts]) -> csr_matrix:
        parts: list[Ints] = []
        shares: list[Floats] = []
        for one in calls:
            pipe = self._pipe(one.pipe_id)
            own = one.confidence if pipe is not None else 0.0
            part = np.array([] if pipe is None else [self.footprints.part_of_pipe[pipe]], dtype=np.int64)
            share = np.full(len(part), own)
            if own < SURE:
                near, believed = self._others_near(one)
                part, share = np.concatenate([part, near]), np.concatenate([share, (1.0 - own) * believed])
            parts.append(part)
            shares.append(share)
        return served_from(parts, shares, len(self.footprints.customers))

    def _others_near(self, one: ReportFacts) -> tuple[Ints, Floats]:
        """List the parts a caller may be served from, judged by his place alone, and how likely each is."""
        error_m = UNSURE_PLACE_M * (1.0 - one.confidence)
        found = self.mains.match(self._clues([one.place], [error_m]), np.array([REACH_ERRORS * error_m]))
        return self.footprints.part_of_pipe[self.pipe_of_main[found.main]], found.share

    def _seen(self, sightings: Sequence[ReportFacts]) -> Sightings | None:
        latest = list({one.customer_key: one for one in sightings}.values())
        if not latest:
            return None
        error_m = np.array([UNSURE_PLACE_M * (1.0 - one.confidence) for one in latest])
        clues = self._clues([one.place for one in latest], error_m.tolist())
        found = self.mains.match(clues, REACH_ERRORS * np.hypot(SEEN_WITHIN_M, error_m))
        sighting = np.repeat(np.arange(len(latest)), np.diff(found.start))
        likely = seen_from(found.distance_m, self.mains.length_m[found.main], error_m[sighting])
        by_chance = len(latest) * SEEN_BY_CHANCE
        by_pipe = np.bincount(
            self.pipe_of_main[found.main], weights=likely - SEEN_BY_CHANCE, minlength=self.network.pipe_count
        )
        return Sightings(by_pipe.astype(np.float64) + by_chance, by_chance)

    def _clues(self, places: Sequence[LonLat], error_m: Sequence[float]) -> Clues:
        x, y = self.plane.to_plane(
            np.array([one.lon for one in places]), np.array([one.lat for one in places])
        )
        return Clues.of(np.column_stack([x, y]), np.array(error_m))


_GROUND: Kept[Ground] = Kept()


def current_ground(session: Session) -> Ground:
    """Give the ground as it stands.

    Raises
    ------
    NoServiceArea, NetworkWithoutPlace
        There is none.
    """
    return _GROUND.get(area_facts(session).network_revision, lambda: Ground.load(session))


def habits_of(settings: Settings, *, span_s: float) -> Habits:
    """Take how people call and answer from the settings.

    Parameters
    ----------
    span_s
        For how long people have been calling, seconds.
    """
    a_day = settings.triage_background_per_1000_day / 1000.0
    return Habits(
        call_share=settings.dry_callers_pct / 100.0,
        stray_share=SUPPLY_SHARE * a_day * max(span_s, SPAN_MIN_S) / DAY_S,
        wrong_share=settings.ring_back_wrong_pct / 100.0,
    )


def _one_a_customer(reports: Sequence[ReportFacts]) -> tuple[list[ReportFacts], list[ReportFacts]]:
    """Keep one call of each customer: one who calls five times is one who is dry, and none is more than little."""
    calls: list[dict[str, ReportFacts]] = [
        {one.customer_key: one for one in reports if one.category == category} for category in DRY_CATEGORIES
    ]
    return list(calls[0].values()), [one for key, one in calls[1].items() if key not in calls[0]]
