"""Reading what an address asks for: nothing unknown, nothing twice, nothing guessed."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from maps.ogc.collections import Collection, Kind
from maps.ogc.crs import CRS84, Crs, by_uri
from maps.ogc.errors import BadParameter

LIMIT_DEFAULT = 1000
LIMIT_MAX = 10_000
HTML_LIMIT_DEFAULT = 100
"""A page for people."""
PLANE_EDGE_M = 1e8
"""Beyond every plane system's numbers, also those that begin with their zone."""
_CURSOR = re.compile(r"(\d{1,12})\.([0-9a-f-]{1,36})", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_INT4_MAX = 2**31 - 1

FeatureId = UUID | int
Value = str | int | float | bool | datetime


@dataclass(frozen=True, slots=True)
class Box:
    """A bounding box in a system's own units, east and north; `west` greater than `east` crosses the date line."""

    crs: Crs
    west: float
    south: float
    east: float
    north: float

    @property
    def parts(self) -> tuple[tuple[float, float, float, float], ...]:
        """West, south, east, north of the one or two boxes it is."""
        if self.west <= self.east:
            return ((self.west, self.south, self.east, self.north),)
        return ((self.west, self.south, 180.0, self.north), (-180.0, self.south, self.east, self.north))


@dataclass(frozen=True, slots=True)
class Span:
    """A time from and to, either open."""

    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the page before ended, and how many features matched when the walk began."""

    matched: int
    after: FeatureId

    def __str__(self) -> str:
        return f"{self.matched}.{self.after}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a collection."""

    crs: Crs
    limit: int
    box: Box | None = None
    span: Span | None = None
    filters: tuple[tuple[str, Value], ...] = ()
    cursor: Cursor | None = None


def only_known(pairs: Iterable[tuple[str, str]], known: Iterable[str]) -> dict[str, str]:
    """Take an address's parameters.

    Raises
    ------
    BadParameter
        One is not known here, or stands there twice.
    """
    names = list(known)
    taken: dict[str, str] = {}
    for name, value in pairs:
        if name not in names:
            raise BadParameter.named(name, f"unknown here; there are: {', '.join(names)}")
        if name in taken:
            raise BadParameter.named(name, "given twice")
        taken[name] = value
    return taken


def parameter_names(collection: Collection) -> list[str]:
    """Name what may be asked of a collection."""
    return ["bbox", "bbox-crs", "datetime", "limit", "crs", "f", "cursor", *collection.filters]


def read_question(
    collection: Collection,
    pairs: Iterable[tuple[str, str]],
    *,
    systems: Sequence[Crs],
    limit_default: int = LIMIT_DEFAULT,
) -> Question:
    """Read what is asked of a collection's items.

    Parameters
    ----------
    pairs
        The address's parameters as they stand there.
    systems
        The coordinate systems that are offered.

    Raises
    ------
    BadParameter
        Something is unknown, given twice or makes no sense.
    """
    given = only_known(pairs, parameter_names(collection))
    box_crs = read_crs("bbox-crs", given.get("bbox-crs"), systems)
    return Question(
        crs=read_crs("crs", given.get("crs"), systems),
        limit=_limit(given["limit"]) if "limit" in given else limit_default,
        box=_box(given["bbox"], box_crs) if "bbox" in given else None,
        span=_span(given["datetime"]) if "datetime" in given else None,
        filters=tuple(
            (name, _value(name, kind, given[name]))
            for name, kind in collection.filters.items()
            if name in given
        ),
        cursor=_cursor(collection, given["cursor"]) if "cursor" in given else None,
    )


def read_crs(name: str, uri: str | None, systems: Sequence[Crs]) -> Crs:
    """Read a coordinate system's name; without one it is longitude and latitude in WGS 84."""
    if uri is None:
        return CRS84
    found = by_uri(uri, systems)
    if found is None:
        offered = ", ".join(one.uri for one in systems)
        raise BadParameter.named(name, f"this system is not offered; there are: {offered}")
    return found


def read_id(collection: Collection, word: str) -> FeatureId | None:
    """Read a feature's id; None when no feature can have it."""
    try:
        if collection.has_number_ids:
            return int(word) if word.isascii() and word.isdigit() and int(word) <= _INT4_MAX else None
        return UUID(word)
    except ValueError:
        return None


def _limit(word: str) -> int:
    if not _WHOLE.fullmatch(word) or int(word) < 1:
        raise BadParameter.named("limit", "give a whole number from 1 on")
    return min(int(word), LIMIT_MAX)


def _box(word: str, crs: Crs) -> Box:
    numbers = [_number(part) for part in word.split(",")]
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        raise BadParameter.named("bbox", "give four numbers, or six with heights, separated by commas")
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if crs.is_north_first:
        south, west, north, east = numbers
    else:
        west, south, east, north = numbers
    if south > north:
        raise BadParameter.named("bbox", "its lower edge lies above its upper edge")
    if not crs.is_degrees:
        if west > east:
            raise BadParameter.named("bbox", "its left edge lies right of its right edge")
        edges = [min(max(edge, -PLANE_EDGE_M), PLANE_EDGE_M) for edge in (west, south, east, north)]
        return Box(crs, *edges)
    if south > 90 or north < -90:
        raise BadParameter.named(
            "bbox", "there is no such latitude: are the axes in the order of their system?"
        )
    if west > 180 or east < -180:
        raise BadParameter.named("bbox", "there is no such longitude")
    return Box(crs, max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0))


def _number(word: str) -> float:
    """Read a number; what is none is not a number."""
    return float(word) if _NUMBER.fullmatch(word) else math.nan


def _span(word: str) -> Span:
    parts = word.split("/")
    if len(parts) == 1:
        at = _time("datetime", word)
        return Span(at, at)
    if len(parts) != 2:
        raise BadParameter.named("datetime", "give a time, or two separated by a slash")
    since, until = (None if part in ("", "..") else _time("datetime", part) for part in parts)
    if since is None and until is None:
        return Span(None, None)
    if since and until and since > until:
        raise BadParameter.named("datetime", "it ends before it begins")
    return Span(since, until)


def _time(name: str, word: str) -> datetime:
    try:
        at = datetime.fromisoformat(word.replace(" ", "+"))  # an unescaped plus sign arrives as a space
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadParameter.named(name, "give a time with its zone, such as 2026-05-04T08:00:00Z") from error


def _value(name: str, kind: Kind, word: str) -> Value:
    if kind is Kind.INTEGER:
        if not _WHOLE.fullmatch(word):
            raise BadParameter.named(name, "give a whole number")
        return int(word)
    if kind is Kind.NUMBER:
        number = _number(word)
        if not math.isfinite(number):
            raise BadParameter.named(name, "give a number")
        return number
    if kind is Kind.BOOLEAN:
        if word not in ("true", "false"):
            raise BadParameter.named(name, "give true or false")
        return word == "true"
    if kind is Kind.TIME:
        return _time(name, word)
    if "\x00" in word or not word.isprintable():
        raise BadParameter.named(name, "give plain text")
    return word


def _cursor(collection: Collection, word: str) -> Cursor:
    match = _CURSOR.fullmatch(word)
    after = read_id(collection, match[2]) if match else None
    if match is None or after is None:
        raise BadParameter.named("cursor", "take it from a link called next")
    return Cursor(int(match[1]), after)
