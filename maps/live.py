"""The live stream's hub: one task in the web process tells every open page what changed.

Each tick (1 Hz, real time) it reads which events and positions are new, writes the changed things down once for each distinct scope (area
and rights), and puts the text into the queues of that scope's clients. New events are found by what was not seen yet among those of the
last seconds, never by "id greater than the last": ids are given out before commit. A slow client loses old positions only; if it falls
further behind it starts again from a snapshot. Everything here runs in real time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic, time
from uuid import UUID

import psycopg
import shapely
import structlog
from pydantic import BaseModel
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import real_now
from core.db import SessionFactory
from core.outbox import CHANNEL
from core.rights import Operation
from dispatch import queries as dispatch_queries
from dispatch.errors import NoSuchIncident
from maps import queries
from maps.overview import counts, incidents_on_map, may_see_crews, overview, report_on_map
from maps.schemas import CallbackChanged, CountsOut, CrewOnMap, CrewsMoved, WorkOrderOnMap

log = structlog.get_logger()

TICK_S = 1.0
EVENTS_LOOKBACK_S = 30.0
"""How long after its insertion an event may still be committed and be seen, seconds."""
POSITIONS_LOOKBACK_S = 5.0
"""The same for positions, which are stored in short transactions, seconds."""
CREWS_REREAD_S = 10.0
"""Crews are read afresh this often, for what no event tells (a shift that began), seconds."""
CREWS_UNKNOWN_S = 2.0
"""The least time between readings for crews nobody knew of, such as those taken out of service that still drive, seconds."""
COUNTS_REREAD_S = 5.0
RING_MESSAGES_MAX = 2000
QUEUE_MESSAGES_MAX = 1000
QUEUE_POSITIONS_MAX = 2
SCOPE_KEPT_S = 120.0
"""How long a scope without clients is still followed, so that a page that comes back misses nothing, seconds."""
PING = b"event: ping\ndata: {}\n\n"

_INCIDENT_KEYS = ("incident_id", "into_incident_id")
_CREW_EVENTS = {
    "AssignmentOffered",
    "AssignmentChanged",
    "PresenceChanged",
    "WorkOrderCompleted",
    "WorkOrderCancelled",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One event of the stream, encoded."""

    id: int
    body: bytes
    is_position: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A message without its id: ids are given out where messages are queued, so that they only grow."""

    name: str
    json: str
    is_position: bool = False

    @classmethod
    def of(cls, name: str, body: BaseModel, *, is_position: bool = False) -> "Draft":
        """Write a body down."""
        return cls(name, body.model_dump_json(), is_position)


@dataclass(frozen=True, slots=True)
class ScopeKey:
    """What decides what somebody sees; two people with the same key see the same."""

    area_wkt: str | None
    operations: frozenset[str]


@dataclass(eq=False)
class Client:
    """One open page."""

    scope: "Scope"
    session_id: UUID
    messages: deque[Message] = field(default_factory=deque)
    positions: deque[Message] = field(default_factory=lambda: deque(maxlen=QUEUE_POSITIONS_MAX))
    """Older positions fall out by themselves."""
    has_lost_positions: bool = False
    """Some fell out: all crews' places are told again."""
    needs_snapshot: bool = False
    is_over: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, messages: Iterable[Message]) -> None:
        """Queue messages; one who falls too far behind starts again."""
        for message in messages:
            if message.is_position:
                self.has_lost_positions |= len(self.positions) == QUEUE_POSITIONS_MAX
                self.positions.append(message)
            elif len(self.messages) >= QUEUE_MESSAGES_MAX:
                self.messages.clear()
                self.positions.clear()
                self.needs_snapshot = True
            else:
                self.messages.append(message)
        self.woken.set()

    def take(self) -> list[Message]:
        """Empty the queues, in the order of ids."""
        taken = sorted([*self.messages, *self.positions], key=lambda message: message.id)
        self.messages.clear()
        self.positions.clear()
        self.woken.clear()
        return taken


@dataclass(eq=False)
class Scope:
    """Clients who see the same, and what they were told lately."""

    key: ScopeKey
    actor: Actor
    clients: set[Client] = field(default_factory=set)
    ring: deque[Message] = field(default_factory=lambda: deque(maxlen=RING_MESSAGES_MAX))
    ring_from: int = 0
    """Every message with a greater id is in the ring."""
    crews: dict[UUID, CrewOnMap] = field(default_factory=dict)
    crews_read_at: float = 0.0
    counts: CountsOut | None = None
    counts_read_at: float = 0.0
    empty_since: float | None = None
    area: shapely.Geometry | None = None

    def contains(self, lon: float, lat: float) -> bool:
        """Whether a place lies in its area."""
        return self.area is None or bool(shapely.intersects_xy(self.area, lon, lat))

    def keep(self, message: Message) -> None:
        """Remember a message for those who come back."""
        if len(self.ring) == self.ring.maxlen:
            self.ring_from = self.ring[0].id
        self.ring.append(message)


@dataclass
class _Changes:
    """What is new since the last tick."""

    event_ids: set[UUID] = field(default_factory=set)
    incident_ids: set[UUID] = field(default_factory=set)
    report_ids: set[UUID] = field(default_factory=set)
    work_order_ids: set[UUID] = field(default_factory=set)
    callback_ids: set[UUID] = field(default_factory=set)
    crews: bool = False
    moved: dict[UUID, tuple[datetime, float, float, float | None, float | None]] = field(default_factory=dict)


def sse(message_id: int, draft: Draft) -> bytes:
    """Write an event of the stream: one line of JSON under its name and id."""
    return f"id: {message_id}\nevent: {draft.name}\ndata: {draft.json}\n\n".encode()


class Hub:
    """Follows the database and feeds the open pages.

    Parameters
    ----------
    sessions
        Makes sessions; used in a thread, one at a time.
    database_url
        Where to listen for `NOTIFY outbox`; without it, ticks alone drive the hub.
    """

    def __init__(self, sessions: SessionFactory, database_url: str | None = None) -> None:
        self._sessions = sessions
        self._database_url = database_url
        self._scopes: dict[ScopeKey, Scope] = {}
        self._seen_events: dict[UUID, float] = {}
        self._seen_positions: dict[UUID, datetime] = {}
        self._next_id = int(time() * 1000)

    # --- clients -----------------------------------------------------------------------------------------------------------

    def join(self, actor: Actor, last_event_id: int | None = None) -> Client:
        """Admit a page; it is told what it missed since `last_event_id`, or everything."""
        key = ScopeKey(actor.area_wkt, actor.operations)
        scope = self._scopes.get(key)
        if scope is None:
            area = actor.area()
            if area is not None:
                shapely.prepare(area)
            scope = self._scopes[key] = Scope(key, actor, ring_from=self._next_id, area=area)
        scope.empty_since = None
        client = Client(scope, actor.session_id)
        if last_event_id is not None and scope.ring_from <= last_event_id <= self._next_id:
            client.put(message for message in scope.ring if message.id > last_event_id)
            client.has_lost_positions = bool(scope.crews)
        else:
            client.needs_snapshot = True
        scope.clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Forget a page."""
        client.scope.clients.discard(client)
        if not client.scope.clients:
            client.scope.empty_since = monotonic()

    async def stream(self, client: Client) -> AsyncIterator[bytes]:
        """Give a page its messages until it leaves or its log-in ends; a ping where there was nothing to say."""
        try:
            yield PING
            while not client.is_over:
                if client.needs_snapshot:
                    client.needs_snapshot = False
                    client.has_lost_positions = False
                    picture = await asyncio.to_thread(self._picture, client.scope)
                    yield self._message(picture).body
                for message in client.take():
                    yield message.body
                if client.has_lost_positions:
                    client.has_lost_positions = False
                    everybody = CrewsMoved(items=list(client.scope.crews.values()), removed=[])
                    yield self._message(Draft.of("crews", everybody)).body
                try:
                    async with asyncio.timeout(TICK_S):
                        await client.woken.wait()
                except TimeoutError:
                    yield PING
        finally:
            self.leave(client)

    def _picture(self, scope: Scope) -> Draft:
        with self._sessions() as session:
            return Draft.of("snapshot", overview(session, scope.actor))

    def _message(self, draft: Draft) -> Message:
        self._next_id += 1
        return Message(self._next_id, sse(self._next_id, draft), draft.is_position)

    # --- the task ----------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Hub"]:
        """Follow the database while the block runs; afterwards every stream ends."""
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.end_all()

    def end_all(self) -> None:
        """End every stream."""
        for scope in self._scopes.values():
            for client in scope.clients:
                client.is_over = True
                client.woken.set()

    async def _run(self) -> None:
        notified = asyncio.Event()
        listener = asyncio.create_task(self._listen(notified))
        try:
            while True:
                started = monotonic()
                try:
                    await self.tick()
                except Exception as error:  # noqa: BLE001 - a worker loop: it logs and goes on
                    log.warning("live.tick_failed", error=type(error).__name__)
                with suppress(TimeoutError):
                    # An event wakes the hub early; two ticks never lie closer than half the usual pace.
                    await asyncio.sleep(max(0.0, TICK_S / 2 - (monotonic() - started)))
                    # Not wait_for(): before Python 3.12 it can swallow a cancellation.
                    async with asyncio.timeout(max(0.05, TICK_S - (monotonic() - started))):
                        await notified.wait()
                notified.clear()
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    async def _listen(self, notified: asyncio.Event) -> None:
        """Wake the hub when events were committed; while the connection is lost, ticks alone drive it."""
        if self._database_url is None:
            return
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._database_url, autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for _ in connection.notifies():
                        notified.set()
            except psycopg.Error as error:
                log.warning("live.listen_lost", error=type(error).__name__)
            await asyncio.sleep(TICK_S)

    async def tick(self) -> None:
        """Tell every scope what is new."""
        now = monotonic()
        for key in [key for key, scope in self._scopes.items() if self._is_forgotten(scope, now)]:
            del self._scopes[key]
        scopes = list(self._scopes.values())
        if not scopes:
            return
        told = await asyncio.to_thread(self._read, scopes)
        for scope, drafts in told:
            messages = [self._message(draft) for draft in drafts]
            for message in messages:
                if not message.is_position:
                    scope.keep(message)
            for client in list(scope.clients):
                client.put(messages)

    @staticmethod
    def _is_forgotten(scope: Scope, now: float) -> bool:
        return scope.empty_since is not None and now - scope.empty_since > SCOPE_KEPT_S

    # --- reading, in a thread ----------------------------------------------------------------------------------------------

    def _read(self, scopes: list[Scope]) -> list[tuple[Scope, list[Draft]]]:
        with self._sessions() as session:
            changes = self._changes(session)
            self._end_changed_sessions(session, scopes)
            told = [(scope, self._tell(session, scope, changes)) for scope in scopes]
        self._remember(changes)
        return told

    def _changes(self, session: Session) -> _Changes:
        """Find what is new since the last tick; to the first one that is all of the last seconds, as a snapshot may be older than it."""
        changes = _Changes()
        for event_id, name, payload in queries.events_since(session, EVENTS_LOOKBACK_S):
            if event_id not in self._seen_events:
                changes.event_ids.add(event_id)
                _sort_event(changes, name, payload)
        since = real_now() - timedelta(seconds=POSITIONS_LOOKBACK_S)
        for crew_id, recorded_at, lon, lat, course_deg, speed_mps in queries.positions_stored_since(
            session, since
        ):
            if self._seen_positions.get(crew_id) != recorded_at:
                changes.moved[crew_id] = (recorded_at, lon, lat, course_deg, speed_mps)
        return changes

    def _remember(self, changes: _Changes) -> None:
        """Note what was told; a look that failed is repeated whole."""
        now = monotonic()
        self._seen_events |= dict.fromkeys(changes.event_ids, now)
        self._seen_events = {
            event_id: at for event_id, at in self._seen_events.items() if now - at < 2 * EVENTS_LOOKBACK_S
        }
        self._seen_positions |= {crew_id: moved[0] for crew_id, moved in changes.moved.items()}

    @staticmethod
    def _end_changed_sessions(session: Session, scopes: list[Scope]) -> None:
        """End the streams of those who are logged out, or whose rights are others now; their pages ask anew."""
        clients = [client for scope in scopes for client in scope.clients]
        if not clients:
            return
        rights = queries.rights_of_sessions(session, {client.session_id for client in clients}, real_now())
        for client in clients:
            now = rights.get(client.session_id)
            if now is None or ScopeKey(*now) != client.scope.key:
                client.is_over = True

    def _tell(self, session: Session, scope: Scope, changes: _Changes) -> list[Draft]:
        """Write down for one scope what changed for it."""
        actor = scope.actor
        messages: list[Draft] = []
        if actor.may(Operation.WORK_ORDERS_READ) and changes.work_order_ids:
            for order, crew_code, assignment_state in queries.work_orders_by_id(
                session, actor, changes.work_order_ids
            ):
                changes.incident_ids.add(order.incident_id)
                body = WorkOrderOnMap(
                    id=order.id,
                    number=order.number,
                    kind=order.kind,
                    state=order.state,
                    incident_id=order.incident_id,
                    crew_code=crew_code,
                    assignment_state=assignment_state,
                )
                messages.append(Draft.of("work_order", body))
        if actor.may(Operation.INCIDENTS_READ) and changes.incident_ids:
            messages += self._incidents(session, actor, changes.incident_ids)
        if actor.may(Operation.REPORTS_READ) and changes.report_ids:
            rows = queries.reports_by_id(session, actor, changes.report_ids)
            messages += [Draft.of("report", report_on_map(row)) for row in rows]
        if actor.may(Operation.CALLBACKS_READ) and changes.callback_ids:
            messages += [
                Draft.of("callback", CallbackChanged(id=one.id, state=one.state, due_at=one.due_at))
                for one in queries.callbacks_by_id(session, actor, changes.callback_ids)
            ]
        messages += self._counts(session, scope, is_due=bool(changes.report_ids or changes.callback_ids))
        if may_see_crews(actor):
            messages += self._crews(session, scope, changes)
        return messages

    def _incidents(self, session: Session, actor: Actor, incident_ids: set[UUID]) -> list[Draft]:
        changed = [one for one in dispatch_queries.open_incidents(session, actor) if one.id in incident_ids]
        for incident_id in incident_ids - {one.id for one in changed}:
            with suppress(NoSuchIncident):  # not in his area
                changed.append(dispatch_queries.incident_detail(session, actor, incident_id).summary)
        return [Draft.of("incident", body) for body in incidents_on_map(session, changed)]

    def _counts(self, session: Session, scope: Scope, *, is_due: bool) -> list[Draft]:
        now = monotonic()
        if not is_due and now - scope.counts_read_at < COUNTS_REREAD_S:
            return []
        scope.counts_read_at = now
        counted = counts(session, scope.actor)
        if counted == scope.counts:
            return []
        scope.counts = counted
        return [Draft.of("counts", counted)]

    def _crews(self, session: Session, scope: Scope, changes: _Changes) -> list[Draft]:
        """Tell who moved; after an event also what they are at. Positions may be dropped, the rest may not."""
        before = scope.crews
        since_read_s = monotonic() - scope.crews_read_at
        inside = {crew_id for crew_id, (_, lon, lat, *_) in changes.moved.items() if scope.contains(lon, lat)}
        is_news = bool(inside - before.keys()) and since_read_s > CREWS_UNKNOWN_S
        if changes.crews or is_news or since_read_s > CREWS_REREAD_S:
            scope.crews_read_at = monotonic()
            scope.crews = {
                crew.crew_id: CrewOnMap.of(crew)
                for crew in dispatch_queries.crews_overview(session, scope.actor)
            }
            changed = [crew for crew_id, crew in scope.crews.items() if before.get(crew_id) != crew]
            removed = list(before.keys() - scope.crews.keys())
            batch = CrewsMoved(items=changed, removed=removed)
            return [Draft.of("crews", batch)] if changed or removed else []
        now = dict(before)
        removed = [crew_id for crew_id in changes.moved.keys() - inside if now.pop(crew_id, None)]
        for crew_id in inside & now.keys():
            recorded_at, lon, lat, course_deg, speed_mps = changes.moved[crew_id]
            now[crew_id] = now[crew_id].model_copy(
                update={
                    "recorded_at": recorded_at,
                    "lon": round(lon, 7),
                    "lat": round(lat, 7),
                    "course_deg": course_deg,
                    "speed_mps": speed_mps,
                }
            )
        scope.crews = now
        batch = CrewsMoved(items=[now[crew_id] for crew_id in inside & now.keys()], removed=removed)
        return [Draft.of("crews", batch, is_position=not removed)] if batch.items or removed else []


def _sort_event(changes: _Changes, name: str, payload: dict[str, object]) -> None:
    """Note what an event is about."""
    for key in _INCIDENT_KEYS:
        if isinstance(value := payload.get(key), str):
            changes.incident_ids.add(UUID(value))
    if isinstance(value := payload.get("report_id"), str):
        changes.report_ids.add(UUID(value))
    if isinstance(values := payload.get("report_ids"), list):
        changes.report_ids.update(UUID(str(value)) for value in values)
    if isinstance(value := payload.get("work_order_id"), str):
        changes.work_order_ids.add(UUID(value))
    if isinstance(value := payload.get("callback_id"), str):
        changes.callback_ids.add(UUID(value))
    if name in _CREW_EVENTS:
        changes.crews = True
