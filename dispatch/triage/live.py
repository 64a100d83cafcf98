"""The stream as its one consumer carries it on, in step with what is stored: who takes over, or starts again, goes on where it was.

What is kept in memory follows from the reports of late, taken again in order, and from what people decided since. An incident that a person merged, split or
confirmed gives no call away any more; one that is over draws none.
"""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from core import clock
from core.clock import utc_now
from core.settings import Settings
from dispatch import queries
from dispatch.clauses import Clause
from dispatch.models import OPEN_STATES, Incident, IncidentState
from dispatch.queries import IncidentNow, StoredReport
from dispatch.reports import ReportFacts
from dispatch.triage.calls import Call
from dispatch.triage.engine import Engine
from dispatch.triage.habits import Habits
from dispatch.triage.hypotheses import Alarm, Hypothesis, Scope
from dispatch.triage.in_force import current_habits, current_rules
from dispatch.triage.rules import StreamRules
from dispatch.triage.town import Town, announced, current_town
from dispatch.triage.works import Works
from gis.shutdowns import Work, shutdowns_between

log = structlog.get_logger()

REMEMBERED: Final = timedelta(days=8)
"""Reports so old are of no more use: repeats are looked for over a week, incidents are shorter."""
LATE_COMMIT_S: Final = 30.0
"""Real seconds after which everything that was changed at a time can be seen."""
LOOK_AGAIN: Final = timedelta(minutes=2)
"""How soon the stream goes by what was learnt or set anew."""
PENDING_MAX: Final = 1000
"""Reports taken whose transaction may still have to be repeated."""
WORKS_CODE: Final = "dispatch.stream.works"
DECLARED_CODE: Final = "dispatch.stream.declared"


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a call stands in the store, and its report's number."""

    incident_id: UUID
    report_number: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What the stream made of a call: the call itself, earlier ones that went elsewhere by it, and who should be told."""

    call: Call
    moved: tuple[Call, ...]
    alarms: tuple[Alarm, ...]


class Live:
    """The engine with what the store calls its incidents."""

    def __init__(self, town: Town, habits: Habits, rules: StreamRules) -> None:
        self.town = town
        self.rules = rules
        self.engine = Engine(town.supply, habits, rules=rules)
        self._stands: dict[str, Stands] = {}
        self._home: dict[int, UUID] = {}
        self._retired: dict[UUID, Hypothesis] = {}
        self._now: dict[UUID, IncidentNow] = {}
        self._outages: dict[UUID, IncidentNow] = {}
        self._announced: dict[str, tuple[str, Work]] = {}
        self._planned: list[Works] = []
        self._told: tuple[object, ...] | None = None
        self._taken: OrderedDict[UUID, Taken] = OrderedDict()
        self._notes: list[tuple[MutableMapping[Any, Any], Any, Any]] = []
        """What each map held before the transaction in hand."""
        self._since = self._looked_at = utc_now()

    # --- in step with the store ----------------------------------------------------------------------------------

    @classmethod
    def restored(cls, session: Session, town: Town, habits: Habits, rules: StreamRules) -> "Live":
        """Take the stored reports of late again in order, with what became of their incidents meanwhile."""
        live = cls(town, habits, rules)
        now = utc_now()
        live._since, live._looked_at = now - REMEMBERED, now
        late, early = timedelta(hours=rules.works_late_h), timedelta(hours=rules.works_early_h)
        past = shutdowns_between(session, live._since - late, now + early)
        live.engine.works.announce(announced(town.supply, past))
        stored = queries.reports_since(session, live._since)
        incidents = {one.id: one for one in queries.incidents_since(session, live._since)}
        for one in incidents.values():
            live._know(one)
        steps = deque(
            sorted(
                (at, is_over, one.id)
                for one in incidents.values()
                for at, is_over in ((one.confirmed_at, False), (one.closed_at, True))
                if at is not None and one.merged_into_id is None
            )
        )
        placed: dict[UUID, list[Call]] = defaultdict(list)
        for report in stored:
            while steps and steps[0][0] <= report.attached_at:
                _, is_over, incident_id = steps.popleft()
                live._relive(incident_id, placed[incident_id], is_over=is_over)
            placed[report.incident_id].append(live._retake(report))
        for hypothesis in live.engine.scene.open:
            live.home(hypothesis)
        live._agree(incidents)
        live._hear_of_works(session)
        log.info("triage.restored", reports=len(stored), incidents=len(incidents))
        return live

    def _retake(self, report: StoredReport) -> Call:
        told = self.town.told(report.facts, report.received_at, after_h=self._last_h)
        self._stands[told.id] = Stands(report.incident_id, report.number)
        return self.engine.take(told)

    def _relive(self, incident_id: UUID, calls: Sequence[Call], *, is_over: bool) -> None:
        """Let an incident be confirmed, or be over, as it was between two calls."""
        holders = {one.number: one for call in calls if (one := self.engine.holder(call)) is not None}
        for one in holders.values():
            if one.scope is Scope.WORKS or self._most_stand_in(one) != incident_id:
                continue
            if is_over:
                self.engine.scene.open.retire(one)
                self._retired[incident_id] = one
            else:
                one.is_settled = True

    @property
    def _last_h(self) -> float:
        return self.engine.calls[-1].at_h if self.engine.calls else 0.0

    def follow(self, session: Session) -> bool:
        """Heed what others did since; tell whether that could be done: reports that somebody else placed cannot be heeded afterwards."""
        late = timedelta(seconds=LATE_COMMIT_S * clock.current().factor)
        looked_at = utc_now()
        changed = {
            one.id: one
            for one in queries.incidents_since(session, self._looked_at - late)
            if self._now.get(one.id) != one
        }
        self._hear_of_works(session)
        self._looked_at = looked_at
        if not changed:
            return True
        members = queries.members_since(session, list(changed), self._since)
        if any(str(report_id) not in self._stands for report_id, _ in members):
            return False
        for report_id, incident_id in members:
            known = self._stands[str(report_id)]
            self._stands[str(report_id)] = Stands(incident_id, known.report_number)
        for one in changed.values():
            self._know(one)
        self._agree(changed)
        return True

    def _hear_of_works(self, session: Session) -> None:
        """Take the announced work, and the outages the hotline tells, for what they are now."""
        late = timedelta(hours=self.rules.works_late_h)
        early = timedelta(hours=self.rules.works_early_h)
        now = utc_now()
        near = shutdowns_between(session, now - late, now + early)
        known = {str(one.id): (one.title, Work.of(one)) for one in near}
        if known != self._announced:
            self._announced = known
            self._planned = announced(self.town.supply, near)
        until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        told = (known, self._outages, until)
        if told != self._told:
            self._told = (known, dict(self._outages), until)
            outages = [self.town.outage(one, until) for one in self._outages.values()]
            self.engine.works.announce([*self._planned, *outages])

    def _agree(self, changed: Iterable[UUID]) -> None:
        """Have the engine heed what people decided about some incidents."""
        changed = set(changed)
        for incident_id in changed:
            retired = self._retired.get(incident_id)
            if retired is not None and self._is_open(incident_id):
                del self._retired[incident_id]
                retired.last_h = self._last_h
                self.engine.scene.open.put(retired)
        for one in self.engine.scene.open:
            if one.scope is not Scope.WORKS and not changed.isdisjoint(self._incidents_in(one)):
                self._heed(one)

    def _heed(self, one: Hypothesis) -> None:
        settled = [each for each in dict.fromkeys(self._incidents_in(one)) if self._is_settled(each)]
        home = self.home(one)
        if settled and home not in settled:
            home = settled[0]
            self._set(self._home, one.number, home)
        for other in settled:
            if other != home:
                apart = [call for call in one.members if self._incident_in(call) == other]
                child = self.engine.part(apart, self._last_h)
                child.is_settled = True
                self._set(self._home, child.number, other)
        one.is_settled = bool(settled)
        among = self._incidents_in(one)
        if among and not any(self._is_open(each) for each in among):
            self.engine.scene.open.retire(one)
            self._retired[among[0]] = one

    def _incident_in(self, call: Call) -> UUID | None:
        stands = self._stands.get(call.told.id)
        return self._heir(stands.incident_id) if stands is not None else None

    def _incidents_in(self, one: Hypothesis) -> list[UUID]:
        """List the incidents its calls are in; those that gather callers of announced work are for that work alone."""
        found = [self._incident_in(call) for call in one.members]
        return [
            each
            for each in found
            if each is not None and (one.scope is Scope.WORKS or not self._is_works(each))
        ]

    def _most_stand_in(self, one: Hypothesis) -> UUID | None:
        most = Counter(self._incidents_in(one)).most_common(1)
        return most[0][0] if most else None

    def _heir(self, incident_id: UUID) -> UUID:
        while (known := self._now.get(incident_id)) is not None and known.merged_into_id is not None:
            incident_id = known.merged_into_id
        return incident_id

    def _is_open(self, incident_id: UUID) -> bool:
        known = self._now.get(incident_id)
        return known is None or known.state in OPEN_STATES

    def _is_works(self, incident_id: UUID) -> bool:
        known = self._now.get(incident_id)
        return known is not None and known.shutdown_id is not None

    def _is_settled(self, incident_id: UUID) -> bool:
        known = self._now.get(incident_id)
        if known is None or known.state not in OPEN_STATES:
            return False
        return known.is_grouped_by_hand or known.state != IncidentState.SUSPECTED

    def home(self, one: Hypothesis) -> UUID | None:
        """Tell which incident a hypothesis speaks for: the one people decided about, else its earliest call's, else most of its calls'."""
        home = self._home.get(one.number)
        if home is not None and self._is_open(self._heir(home)):
            return self._heir(home)
        if one.scope is Scope.WORKS and one.label not in self._announced:
            told = UUID(one.label)
            return self._heir(told) if told in self._now else None
        home, among = None, [each for each in self._incidents_in(one) if self._is_open(each)]
        settled = [each for each in among if self._is_settled(each)]
        named = self._stands.get(one.label)
        if settled:
            home = settled[0]
        elif named is not None and self._heir(named.incident_id) in among:
            home = self._heir(named.incident_id)
        elif all(call.told.id in self._stands for call in one.members):
            home = self._most_stand_in(one)
        if home is not None:
            self._set(self._home, one.number, home)
        return home

    # --- deciding ------------------------------------------------------------------------------------------------

    def take(self, report: ReportFacts, received_at: datetime) -> Taken:
        """Decide about a report; one whose transaction failed is not taken twice."""
        kept = self._taken.get(report.report_id)
        if kept is not None:
            return kept
        raised = len(self.engine.alarms)
        try:
            call = self.engine.take(self.town.told(report, received_at, after_h=self._last_h))
        except BaseException:
            forget()  # it may have stopped half-way
            raise
        taken = Taken(call, tuple(self.engine.moved), tuple(self.engine.alarms[raised:]))
        self._taken[report.report_id] = taken
        if len(self._taken) > PENDING_MAX:
            self._taken.popitem(last=False)
        return taken

    def incident_of(self, call: Call) -> UUID | None:
        """Tell which stored incident a call belongs to; None where a new one is to be opened for it."""
        holder = self.engine.holder(call)
        if holder is not None:
            return self.home(holder)
        return self._incident_in(call.repeat_of or call)

    def call(self, report_id: UUID) -> Call | None:
        """Find the call of a report; older ones are forgotten."""
        return self.engine.scene.memory.named(str(report_id))

    def stands_in(self, call: Call) -> UUID | None:
        """Tell which stored incident a call is in."""
        return self._incident_in(call)

    def revive(self, incident_id: UUID) -> None:
        """Let an incident that lives again draw calls again."""
        self._agree({incident_id})

    def hypothesis(self, number: int) -> Hypothesis | None:
        """Find a hypothesis that still draws calls."""
        return next((one for one in self.engine.scene.open if one.number == number), None)

    def shutdown_of(self, holder: Hypothesis | None) -> UUID | None:
        """Tell which announced work a hypothesis is."""
        is_planned = holder is not None and holder.scope is Scope.WORKS and holder.label in self._announced
        return UUID(holder.label) if holder is not None and is_planned else None

    def repeats_of(self, calls: Sequence[Call]) -> list[Call]:
        """List the later calls that repeat some."""
        found = {id(one) for one in calls}
        return [
            call
            for one in calls
            for call in self.engine.scene.memory.of_same_home(one)
            if call.repeat_of is not None and id(call.repeat_of) in found
        ]

    # --- what was stored -----------------------------------------------------------------------------------------

    @contextmanager
    def storing(self, session: Session) -> Iterator[None]:
        """Note what is stored inside; forgotten again when that fails or its transaction does, while what was decided stands."""
        if session.info.get(__name__) is not self:
            session.info[__name__] = self
            self._notes.clear()
            event.listen(session, "after_rollback", lambda _: self._take_back(0))
            event.listen(session, "after_transaction_end", self._keep)
        start = len(self._notes)
        try:
            yield
        except BaseException:
            self._take_back(start)
            raise

    def _keep(self, _: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:  # no savepoint's end
            self._notes.clear()

    def _take_back(self, start: int) -> None:
        while len(self._notes) > start:
            _put(*self._notes.pop())

    def note(self, call: Call, incident: Incident, report_number: int | None = None) -> None:
        """Note in which incident a call is now."""
        known = self._stands.get(call.told.id)
        number = report_number if known is None else known.report_number
        self._set(self._stands, call.told.id, Stands(incident.id, number or 0))
        holder = self.engine.holder(call)
        home = self._home.get(holder.number) if holder is not None else None
        if holder is not None and (home is None or not self._is_open(self._heir(home))):
            self._set(self._home, holder.number, incident.id)
        if holder is not None and self.home(holder) == incident.id:
            holder.is_settled |= self._is_settled(incident.id)

    def note_incident(self, incident: Incident) -> None:
        """Note what an incident is now, so that it is not taken for somebody else's doing."""
        self._know(IncidentNow.of(incident))

    def _know(self, one: IncidentNow) -> None:
        self._set(self._now, one.id, one)
        is_dry = one.outage_declared_at is not None and one.state in OPEN_STATES
        self._set(self._outages, one.id, one if is_dry else None)

    def _set(
        self, mapping: MutableMapping[Any, Any], key: Any, value: Any
    ) -> None:  # Any: one of several maps
        self._notes.append((mapping, key, mapping.get(key)))
        _put(mapping, key, value)

    # --- words ---------------------------------------------------------------------------------------------------

    def reason(self, call: Call) -> list[dict[str, Any]]:  # Any: numbers and words
        """Say why a call is where it is, in the numbers people know."""
        return [self._spoken(clause) for clause in (call.verdict.clauses if call.verdict else ())]

    def _spoken(self, clause: Clause) -> dict[str, Any]:
        values = dict(clause.values)
        if "label" in values:
            values["label"] = self._named(values["label"])
        if "report" in values:
            known = self._stands.get(values["report"])
            values["report"] = f"R-{known.report_number}" if known is not None else "?"
        if "group" in values and clause.code.endswith("zone"):
            values["group"] = self.town.zone_names[values["group"]]
        code = clause.code
        if code == WORKS_CODE and clause.values["label"] not in self._announced:
            code = DECLARED_CODE
        return {"code": code, "values": values}

    def _named(self, label: str) -> str:
        if label in self._announced:
            return self._announced[label][0]
        stands = self._stands.get(label)
        if stands is None:
            holder = next((one for one in self.engine.scene.open if one.label == label), None)
            incident_id = self.home(holder) if holder is not None else None
        else:
            incident_id = self._heir(stands.incident_id)
        known = self._now.get(incident_id) if incident_id is not None else None
        return f"#{known.number}" if known is not None else "#?"


def _put(mapping: MutableMapping[Any, Any], key: Any, value: Any) -> None:  # Any: one of several maps
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


class _Kept:
    """The stream of this process; one slot."""

    live: Live | None = None
    key: object = None
    habits: Habits | None = None
    rules: StreamRules | None = None
    looked_at: datetime | None = None


def forget() -> None:
    """Have the stream restored from what is stored before it goes on."""
    _Kept.live = _Kept.rules = _Kept.looked_at = None


def current_live(session: Session, settings: Settings) -> Live:
    """Give the stream in step with what is stored."""
    town = current_town(session)
    habits, rules = _gone_by(session, town, settings)
    key = (session.get_bind().engine, id(town), id(habits), rules)
    live = _Kept.live if _Kept.key == key else None
    if live is None or not live.follow(session):
        live = Live.restored(session, town, habits, rules)
        _Kept.live, _Kept.key = live, key
    return live


def _gone_by(session: Session, town: Town, settings: Settings) -> tuple[Habits, StreamRules]:
    """Give the habits learnt last and the rules set last, looked for now and then only."""
    now = utc_now()
    habits, rules, looked_at = _Kept.habits, _Kept.rules, _Kept.looked_at
    if habits is None or rules is None or looked_at is None or abs(now - looked_at) > LOOK_AGAIN:
        found, rules = current_habits(session, town, settings), current_rules(session)
        _Kept.looked_at, _Kept.rules = now, rules
        if habits is None or found.stored() != habits.stored():
            habits = _Kept.habits = found
    return habits, rules
