"""A draft as bytes and back: gzip of JSON lines, one asset a line, to be kept for good and read by anything."""

import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any, get_type_hints

import shapely

from gis.network_import.draft import (
    DraftControlLink,
    DraftCustomer,
    DraftHydrant,
    DraftJunction,
    DraftPipe,
    DraftValve,
    DraftZone,
    NetworkDraft,
)

FORMAT = "mainline-network/1"
GZIP_LEVEL = 4
KINDS: dict[str, type[Any]] = {  # Any: seven dataclasses without a common ancestor
    "zones": DraftZone,
    "junctions": DraftJunction,
    "pipes": DraftPipe,
    "control_links": DraftControlLink,
    "valves": DraftValve,
    "hydrants": DraftHydrant,
    "customers": DraftCustomer,
}
"""A draft's lists and what they hold."""
HEAD = ("source", "crs", "metric_srid", "transformation")


class UnknownPacking(ValueError):
    """The bytes are no packed network, or of a form this version does not read."""


def pack(draft: NetworkDraft) -> bytes:
    """Write a draft down; what was rejected and warned of is not part of the network and stays out."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as file:
        head = {"format": FORMAT} | {name: getattr(draft, name) for name in HEAD}
        file.write(_line(head))
        for kind, of in KINDS.items():
            write = _writer(of)
            for asset in getattr(draft, kind):
                file.write(_line({"kind": kind} | write(asset)))
    return packed.getvalue()


def unpack(packed: bytes) -> NetworkDraft:
    """Read what `pack` wrote.

    Raises
    ------
    UnknownPacking
        It did not write this.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        head = json.loads(file.readline())
        if head.pop("format", None) != FORMAT:
            raise UnknownPacking
        lists: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        readers = {kind: _reader(of) for kind, of in KINDS.items()}
        for line in file:
            row = json.loads(line)
            kind = row.pop("kind")
            lists[kind].append(readers[kind](row))
    values: dict[str, Any] = head | lists
    return NetworkDraft(**values)


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _writer(of: type[Any]) -> Callable[[Any], dict[str, Any]]:
    """Make what writes the fields of one kind that differ from their defaults."""
    defaults = [(one.name, one.default) for one in fields(of)]

    def write(asset: Any) -> dict[str, Any]:
        return {
            name: _coordinates(value) if isinstance(value, shapely.Geometry) else value
            for name, default in defaults
            if (value := getattr(asset, name)) is not default and (default is MISSING or value != default)
        }

    return write


def _coordinates(shape: shapely.Geometry) -> Any:
    """Give the nested lists of numbers of a shape; a number's repr is read back as the same number."""
    match shape:
        case shapely.Point():
            return [shape.x, shape.y]
        case shapely.LineString():
            return shapely.get_coordinates(shape).tolist()
        case shapely.MultiPolygon():
            return [[shapely.get_coordinates(ring).tolist() for ring in _rings(part)] for part in shape.geoms]
    raise TypeError(f"no draft holds a {type(shape).__name__}")


def _rings(polygon: shapely.Polygon) -> Iterator[Any]:
    yield polygon.exterior
    yield from polygon.interiors


def _multi_polygon(parts: Sequence[Sequence[Any]]) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in parts])


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "place": shapely.Point,
    "line": shapely.LineString,
    "outline": _multi_polygon,
}


def _reader(of: type[Any]) -> Callable[[dict[str, Any]], Any]:
    """Make what reads one kind."""
    enums = {
        name: hint
        for name, hint in get_type_hints(of).items()
        if isinstance(hint, type) and issubclass(hint, StrEnum)
    }
    convert: dict[str, Callable[[Any], Any]] = {**_SHAPES, **enums}

    def read(row: dict[str, Any]) -> Any:
        return of(**{name: convert[name](value) if name in convert else value for name, value in row.items()})

    return read
