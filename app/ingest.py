"""The ingest process: what phones tell the broker becomes positions.

The broker holds a message until we acknowledge it, and we acknowledge after commit. So an ingest killed at any moment loses nothing: its
session outlives it, the broker hands over again what was not acknowledged, and a position that was stored already is ignored. With the
database away, messages wait here and then at the broker; with the broker away, phones keep theirs.
"""

import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.mqtt import BrokerAddress, broker_address, connect_to, make_client
from core import clock, logs
from core.clock import utc_now
from core.db import SessionFactory, session_factory, transaction
from core.heartbeat import Heartbeat
from core.settings import Settings, get_settings
from tracker.devices import CrewDirectory
from tracker.dropped import Drop, DropReason, count_dropped
from tracker.ingest import Message, Taken, take_messages

log = structlog.get_logger()

TOPIC = "owntracks/#"
"""All levels, so that what comes on a wrong one is counted."""
SESSION_EXPIRY_S = 14 * 86_400
"""How long the broker keeps an absent ingest's messages; the private broker's own limit."""
BATCHES_HELD = 2
"""One being stored while the next fills; the broker keeps the rest."""
IDLE_S = 0.2
STORE_RETRY_S = 1.0
DRAIN_S = 2.5
"""What is in hand when the process is told to end gets this long, real seconds."""
TALLY_EVERY_S = 30.0
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, ProgrammingError, PoolTimeout)
"""The database is away, busy or not migrated yet: nothing is wrong with the messages, so they are tried again."""

_NOTHING = Taken(stored=0, duplicates=0, last_wills=0, ignored=0, dropped=0)


@dataclass(frozen=True, slots=True)
class Held:
    """A message in hand, and what the broker needs to hear once it is stored."""

    message: Message
    mid: int
    qos: int
    connection: int
    """Counts connections: what an earlier one delivered is delivered again by the next, and acknowledged there."""


class Ingest:
    """Takes messages from the broker and stores them in batches, until told to end."""

    def __init__(self, settings: Settings, factory: SessionFactory) -> None:
        self._settings = settings
        self._factory = factory
        self._directory = CrewDirectory()
        self._held: SimpleQueue[Held] = SimpleQueue()
        self._held_max = BATCHES_HELD * settings.ingest_batch_rows
        self._overflown = 0
        self._heartbeat = Heartbeat(settings.run_dir, "ingest")
        self._is_listening = False
        self._connection = 0
        self._stop = threading.Event()
        self._is_draining = False
        self._tally = _NOTHING
        self._tally_at = time.monotonic()
        self._address: BrokerAddress = broker_address(settings.mqtt_url)
        self._client = make_client(self._address, client_id=settings.ingest_client_id, manual_ack=True)
        group = settings.ingest_share_group
        # Alone, we do not share: Mosquitto 2.0 keeps a session's plain subscriptions when it starts again, not its shared ones, and what
        # phones send before we are back would be lost.
        self._topic = f"$share/{group}/{TOPIC}" if group else TOPIC
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def end(self) -> None:
        """Ask to end; safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until told to end, then finish what is in hand.

        Raises
        ------
        RuntimeError
            The network thread has died; whoever keeps this process starts it anew.
        """
        if not self._load_clock():
            return
        log.info("ingest.started", workspace=self._settings.workspace, factor=clock.current().factor)
        connect_to(
            self._client,
            self._address,
            session_expiry_s=SESSION_EXPIRY_S,
            receive_maximum=self._held_max,
        )
        before = set(threading.enumerate())
        self._client.loop_start()
        (network,) = set(threading.enumerate()) - before
        while not self._stop.is_set():
            if not network.is_alive():
                raise RuntimeError("the network thread has died")
            self._take(self._gather())
            if self._is_listening:
                self._heartbeat.beat()
        self._drain()

    def _load_clock(self) -> bool:
        """Read the workspace's clock, waiting for the database if need be; tells whether to go on."""
        while not self._stop.is_set():
            try:
                with self._factory() as session:
                    clock.use(clock.load(session))
            except DATABASE_AWAY as error:
                log.error("ingest.database_unavailable", error=type(error).__name__)
                self._stop.wait(STORE_RETRY_S)
            else:
                return True
        return False

    # --- the network thread ----------------------------------------------------------------------------------------------

    def _on_connect(
        self, client: mqtt.Client, _: object, flags: mqtt.ConnectFlags, code: ReasonCode, properties: object
    ) -> None:
        if code.is_failure:
            log.error("ingest.connection_refused", reason=str(code))
            return
        self._connection += 1
        client.subscribe(self._topic, qos=1)
        log.info("ingest.connected", session_present=flags.session_present)

    def _on_subscribe(
        self, client: mqtt.Client, _: object, mid: int, codes: Sequence[ReasonCode], properties: object
    ) -> None:
        if any(code.is_failure for code in codes):
            log.error("ingest.subscription_refused", reasons=[str(code) for code in codes])
            return
        self._is_listening = True
        log.info("ingest.subscribed", topic=self._topic)

    def _on_disconnect(
        self, client: mqtt.Client, _: object, flags: object, code: ReasonCode, properties: object
    ) -> None:
        self._connection += 1
        self._is_listening = False
        log.info("ingest.disconnected", reason=str(code))

    def _on_message(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        if self._is_draining:
            return  # not acknowledged, so the broker keeps it
        if message.qos == 0 and self._held.qsize() >= self._held_max:
            self._overflown += 1  # nobody was promised that it is safe, and nothing but memory bounds it
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        held = Message(topic, bytes(message.payload), utc_now())
        self._held.put(Held(held, message.mid, message.qos, self._connection))

    # --- the storing thread ------------------------------------------------------------------------------------------------

    def _gather(self) -> list[Held]:
        """Wait for a first message, then for its batch to fill or its time to pass."""
        try:
            batch = [self._held.get(timeout=IDLE_S)]
        except Empty:
            return []
        full_at = time.monotonic() + self._settings.ingest_batch_ms / 1000
        while len(batch) < self._settings.ingest_batch_rows:
            try:
                batch.append(self._held.get(timeout=max(0.0, full_at - time.monotonic())))
            except Empty:
                break
        return batch

    def _take(self, batch: Sequence[Held], *, give_up_at: float = float("inf")) -> None:
        """Store a batch however long the database is away, then acknowledge it."""
        while batch and time.monotonic() < give_up_at:
            try:
                self._store(batch)
            except DATABASE_AWAY as error:
                log.error("ingest.storing_failed", messages=len(batch), error=type(error).__name__)
                if self._stop.wait(STORE_RETRY_S):
                    break  # not acknowledged: the broker hands it over again
                continue
            self._acknowledge(batch)
            break
        self._count_overflown()
        self._tell_tally()

    def _store(self, batch: Sequence[Held]) -> None:
        """Store a batch in one transaction; a message that cannot be stored is found by halving, counted, and let go."""
        try:
            with transaction(self._factory) as session:
                taken = take_messages(
                    session,
                    [held.message for held in batch],
                    directory=self._directory,
                    settings=self._settings,
                )
        except DATABASE_AWAY:
            raise
        except Exception as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                self._store(batch[:middle])
                self._store(batch[middle:])
                return
            log.error("ingest.message_unstorable", error=type(error).__name__, exc_info=error)
            self._drop(batch[0].message, DropReason.UNSTORABLE)
            return
        self._tally = _sum(self._tally, taken)

    def _drop(self, message: Message, reason: DropReason) -> None:
        with transaction(self._factory) as session:
            count_dropped(session, [Drop(message.topic, reason, message.received_at)])
        self._tally = _sum(self._tally, Taken(0, 0, 0, 0, 1))

    def _count_overflown(self) -> None:
        """Count what came faster than it could be stored, sent by phones that wanted no acknowledgement."""
        overflown, self._overflown = self._overflown, 0
        if not overflown:
            return
        drops = [Drop("", DropReason.OVERFLOW, utc_now())] * overflown
        try:
            with transaction(self._factory) as session:
                count_dropped(session, drops)
        except DATABASE_AWAY:
            self._overflown += overflown
            return
        self._tally = _sum(self._tally, Taken(0, 0, 0, 0, overflown))

    def _acknowledge(self, batch: Sequence[Held]) -> None:
        for held in batch:
            if held.qos > 0 and held.connection == self._connection:
                self._client.ack(held.mid, held.qos)

    def _drain(self) -> None:
        """Store and acknowledge what is in hand; what comes meanwhile stays with the broker."""
        self._is_draining = True
        give_up_at = time.monotonic() + DRAIN_S
        while not self._held.empty():
            self._take(self._gather(), give_up_at=give_up_at)
            if time.monotonic() >= give_up_at:
                log.error("ingest.drain_given_up", messages=self._held.qsize())
                break
        self._tell_tally(is_last=True)
        # Without unsubscribing, and without ending the session: the broker goes on collecting for us.
        self._client.disconnect(properties=_keep_session())
        self._client.loop_stop()

    def _tell_tally(self, *, is_last: bool = False) -> None:
        if not is_last and time.monotonic() - self._tally_at < TALLY_EVERY_S:
            return
        told = self._tally
        if told != _NOTHING:
            log.info(
                "ingest.messages_taken",
                stored=told.stored,
                duplicates=told.duplicates,
                last_wills=told.last_wills,
                ignored=told.ignored,
                dropped=told.dropped,
            )
        self._tally, self._tally_at = _NOTHING, time.monotonic()


def _keep_session() -> Properties:
    properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    return properties


def _sum(a: Taken, b: Taken) -> Taken:
    return Taken(
        stored=a.stored + b.stored,
        duplicates=a.duplicates + b.duplicates,
        last_wills=a.last_wills + b.last_wills,
        ignored=a.ignored + b.ignored,
        dropped=a.dropped + b.dropped,
    )


def main() -> None:
    """Take messages until told to end."""
    settings = get_settings()
    logs.configure("ingest", level=settings.log_level)
    factory = session_factory(settings.database_url.get_secret_value(), pool_size=2)
    ingest = Ingest(settings, factory)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ingest.end())
    ingest.run()
    log.info("ingest.ended")


if __name__ == "__main__":
    main()
