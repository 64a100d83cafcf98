"""What OwnTracks phones say, in our words; their vocabulary (`tst`, `vel` in km/h, `cog`, `acc`, `batt`) stops here.

References
----------
OwnTracks booklet, "JSON"; owntracks/json-schema: messages are accepted and refused as its schema does.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import UUID

from gis.coordinates import LonLat
from gis.errors import BadCoordinate
from tracker.dropped import DropReason

TOPIC_ROOT: Final = "owntracks"
MESSAGE_BYTES_MAX: Final = 65_536
"""A card with a face has some 40 kB; a location some 300 bytes."""
DEVICE_CHARACTERS_MAX: Final = 60
KMH_PER_MPS: Final = 3.6

_BASE64: Final = re.compile(r"[-A-Za-z0-9+/]*={0,3}")
_ACTIONS: Final = frozenset(
    {"action", "clearWaypoints", "dump", "reportLocation", "reportSteps", "response"}
    | {"setConfiguration", "setWaypoints", "status", "waypoints"}
)
_REQUESTS: Final = frozenset({"tour", "tours", "untour"})

Fields = Mapping[str, Any]
"""A JSON object. Any: whatever a phone sends; every field is checked before it is used."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a device was, by its own clock. Optional values it did not know, or got wrong, are None."""

    username: str
    device: str
    recorded_at: datetime
    point: LonLat
    accuracy_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    battery_pct: float | None = None


@dataclass(frozen=True, slots=True)
class LastWill:
    """The broker speaks for a device whose connection broke. It carries no time of that."""

    username: str
    device: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message of a known type that has no position and is not needed here."""

    username: str
    device: str
    kind: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that makes no sense, and why."""

    reason: DropReason


Reading = Fix | LastWill | Ignored | Refused


class _Unusable(Exception):
    def __init__(self, reason: DropReason) -> None:
        self.reason = reason
        super().__init__(reason)


def read_message(topic: str, payload: bytes, *, bytes_max: int = MESSAGE_BYTES_MAX) -> tuple[Reading, ...]:
    """Read what came on a topic.

    Parameters
    ----------
    topic
        `owntracks/{user}/{device}`, or one more level: `event`, `status`, `info`, `waypoint` and so on. The type of a
        message is its own word; the level is not held against it.
    payload
        One JSON object, or a list of them.
    bytes_max
        Larger payloads are refused unread.

    Returns
    -------
    readings
        One for each object; a list that is empty gives none.
    """
    levels = topic.split("/")
    if len(levels) not in (3, 4) or levels[0] != TOPIC_ROOT or not all(levels):
        return (Refused(DropReason.WRONG_TOPIC),)
    username, device = levels[1], levels[2]
    if len(device) > DEVICE_CHARACTERS_MAX or not device.isprintable():
        return (Refused(DropReason.WRONG_TOPIC),)
    if len(payload) > bytes_max:
        return (Refused(DropReason.OVERSIZE),)
    try:
        said = json.loads(payload.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        return (Refused(DropReason.NOT_JSON),)
    objects = said if isinstance(said, list) else [said]
    return tuple(_read_object(username, device, fields) for fields in objects)


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and Infinity are no JSON


def _read_object(username: str, device: str, fields: object) -> Reading:
    if not isinstance(fields, dict):
        return Refused(DropReason.MALFORMED)
    kind = fields.get("_type")
    if not isinstance(kind, str) or kind not in _CHECKS:
        return Refused(DropReason.UNKNOWN_TYPE)
    try:
        _CHECKS[kind](fields)
        if kind in ("location", "transition"):
            return _fix(username, device, fields)
    except _Unusable as refusal:
        return Refused(refusal.reason)
    return LastWill(username, device) if kind == "lwt" else Ignored(username, device, kind)


def _fix(username: str, device: str, fields: Fields) -> Fix:
    lon, lat = _number(fields.get("lon")), _number(fields.get("lat"))
    if lon is None or lat is None:
        raise _Unusable(DropReason.NO_POSITION)
    try:
        point = LonLat(lon=lon, lat=lat)
    except BadCoordinate as error:
        raise _Unusable(DropReason.OUT_OF_RANGE) from error
    course = _not_negative(fields.get("cog"))
    speed_kmh = _not_negative(fields.get("vel"))
    return Fix(
        username=username,
        device=device,
        recorded_at=_instant(fields),
        point=point,
        accuracy_m=_not_negative(fields.get("acc")) or None,  # phones write 0 for "unknown"
        speed_mps=None if speed_kmh is None else speed_kmh / KMH_PER_MPS,
        course_deg=None if course is None or course > 360.0 else course % 360.0,
        battery_pct=_not_negative(fields.get("batt")),
    )


def _instant(fields: Fields) -> datetime:
    seconds = _number(fields.get("tst"))
    if seconds is None or seconds < 0.0:
        raise _Unusable(DropReason.BAD_TIME)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _Unusable(DropReason.BAD_TIME) from error


def _number(value: object) -> float | None:
    """Take a finite JSON number; text, true and 1e999 are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _not_negative(value: object) -> float | None:
    """Take an optional quantity; phones write -1 for "invalid"."""
    number = _number(value)
    return number if number is not None and number >= 0.0 else None


# --- what the schema demands of each type -----------------------------------------------------------------------------------


def _demand(is_right: bool) -> None:
    if not is_right:
        raise _Unusable(DropReason.MALFORMED)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _nothing(fields: Fields) -> None:
    pass


def _last_will(fields: Fields) -> None:
    _instant(fields)


def _transition(fields: Fields) -> None:
    _demand(_number(fields.get("acc")) is not None and _number(fields.get("wtst")) is not None)
    _demand(fields.get("event") in ("enter", "leave"))


def _steps(fields: Fields) -> None:
    _demand(all(_is_integer(fields.get(name)) for name in ("from", "steps", "to", "tst")))


def _card(fields: Fields) -> None:
    _demand(isinstance(fields.get("name", ""), str) and _is_base64(fields.get("face", "")))


def _command(fields: Fields) -> None:
    action = fields.get("action")
    _demand(isinstance(action, str) and action in _ACTIONS)


def _request(fields: Fields) -> None:
    request = fields.get("request")
    _demand(isinstance(request, str) and request in _REQUESTS)
    _demand(request != "untour" or _is_uuid(fields.get("uuid")))


def _encrypted(fields: Fields) -> None:
    _demand("data" in fields and _is_base64(fields["data"]))
    raise _Unusable(DropReason.ENCRYPTED)  # without the phone's key a position is lost: counted, not ignored


def _is_base64(value: object) -> bool:
    return isinstance(value, str) and _BASE64.fullmatch(value) is not None


def _is_uuid(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        UUID(value)
    except ValueError:
        return False
    return True


_CHECKS: Final[dict[str, Callable[[Fields], None]]] = {
    "beacon": _nothing,
    "card": _card,
    "cmd": _command,
    "configuration": _nothing,
    "dump": _nothing,
    "encrypted": _encrypted,
    "location": _nothing,
    "lwt": _last_will,
    "request": _request,
    "status": _nothing,
    "steps": _steps,
    "transition": _transition,
    "waypoint": _nothing,
    "waypoints": _nothing,
}
