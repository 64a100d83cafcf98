"""How our processes reach the crews' broker."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import SecretStr

from core.errors import Unavailable

KEEPALIVE_S = 30
RECONNECT_S_MIN, RECONNECT_S_MAX = 1, 5
DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class NoBroker(Unavailable):
    """No broker is set: give MQTT_URL, as in mqtt://user:password@host:1883."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker listens, and as whom we come."""

    host: str
    port: int
    username: str | None
    password: str | None
    is_tls: bool


def broker_address(url: SecretStr | None) -> BrokerAddress:
    """Read `mqtt://user:password@host:port`, or `mqtts://` for TLS.

    Raises
    ------
    NoBroker
        There is no such address.
    """
    parts = urlsplit(url.get_secret_value() if url else "")
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise NoBroker
    return BrokerAddress(
        host=parts.hostname,
        port=parts.port or DEFAULT_PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        is_tls=parts.scheme == "mqtts",
    )


def make_client(address: BrokerAddress, *, client_id: str, manual_ack: bool = False) -> mqtt.Client:
    """Make an MQTT 5 client that connects again by itself; `connect_to` makes it try."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=manual_ack
    )
    client.username_pw_set(address.username, address.password)
    client.reconnect_delay_set(RECONNECT_S_MIN, RECONNECT_S_MAX)
    client.suppress_exceptions = True  # one in a callback would end the network thread in silence
    if address.is_tls:
        client.tls_set()
    return client


def connect_to(
    client: mqtt.Client, address: BrokerAddress, *, session_expiry_s: int, receive_maximum: int | None = None
) -> None:
    """Let the client connect as soon as the broker is there, now and after every loss.

    Parameters
    ----------
    session_expiry_s
        How long the broker keeps what the client misses; 0 starts clean each time.
    receive_maximum
        Messages the broker sends before they are acknowledged.
    """
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.SessionExpiryInterval = session_expiry_s
    if receive_maximum is not None:
        properties.ReceiveMaximum = min(receive_maximum, 65_535)
    client.connect_async(
        address.host,
        address.port,
        keepalive=KEEPALIVE_S,
        clean_start=session_expiry_s == 0,
        properties=properties,
    )
