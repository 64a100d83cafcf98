"""Addresses, named places and streets by name from an OpenStreetMap extract."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyrosm
import shapely

from gis.address_import.records import AddressFile, ImportedAddress, ImportedRoad
from gis.coordinates import LonLat
from gis.errors import BadExtract
from gis.roads.reading import understood

SUFFIX = ".pbf"
_ADDRESS_TAGS = ["addr:street", "addr:place", "addr:suburb", "addr:city", "addr:postcode", "name"]
_PLACE_KEYS = (
    "amenity",
    "shop",
    "tourism",
    "leisure",
    "office",
    "public_transport",
    "railway",
    "healthcare",
    "historic",
)
"""Features whose names people say when they tell where they are."""


def read_extract_places(path: Path) -> tuple[AddressFile, list[ImportedRoad]]:
    """Read what an extract names: house numbers, places, and streets.

    Raises
    ------
    BadExtract
        The file is missing or unreadable, or names nothing.
    """
    if not path.is_file():
        raise BadExtract(f"{path}: no such file.")
    with understood(path):
        source = pyrosm.OSM(str(path))
        houses = source.get_data_by_custom_criteria(
            custom_filter={"addr:housenumber": True},
            keep_relations=False,
            extra_attributes=["addr:housenumber", *_ADDRESS_TAGS],
        )
        places = source.get_data_by_custom_criteria(
            custom_filter=dict.fromkeys(_PLACE_KEYS, True),
            keep_relations=False,
            extra_attributes=["addr:housenumber", *_ADDRESS_TAGS],
        )
        ways = source.get_data_by_custom_criteria(
            custom_filter={"highway": True}, keep_nodes=False, keep_relations=False, extra_attributes=["name"]
        )
    found = {one.code: one for frame in (houses, places) for one in _addresses(frame)}
    roads = _roads(ways)
    if not found and not roads:
        raise BadExtract(f"{path.name}: names no street, house or place.")
    return AddressFile(list(found.values()), []), roads


def _rows(frame: gpd.GeoDataFrame | None) -> Iterator[dict[str, Any]]:
    """Give the features that have a place; pyrosm gives tags of any type."""
    if frame is not None:
        yield from (
            row
            for row in frame.to_dict("records")
            if row["geometry"] is not None and not row["geometry"].is_empty
        )


def _addresses(frame: gpd.GeoDataFrame | None) -> Iterator[ImportedAddress]:
    """Give houses on a street, and whatever has a name."""
    for row in _rows(frame):
        road, place = _tag(row, "addr:street"), _tag(row, "name") or _tag(row, "addr:place")
        if not road and not place:
            continue
        inside: shapely.Point = row["geometry"].representative_point()
        yield ImportedAddress(
            code=f"{_tag(row, 'osm_type')}/{row.get('id')}",
            district=_tag(row, "addr:suburb") or _tag(row, "addr:city"),
            road=road,
            house_number=_tag(row, "addr:housenumber") if road else "",
            place=place,
            building="",
            postcode=_tag(row, "addr:postcode"),
            point=LonLat.from_geometry(inside),
        )


def _roads(frame: gpd.GeoDataFrame | None) -> list[ImportedRoad]:
    """Put the ways of one name together."""
    pieces: dict[str, list[shapely.LineString]] = {}
    for row in _rows(frame):
        name = _tag(row, "name")
        lines = [
            part for part in shapely.get_parts(row["geometry"]).tolist() if part.geom_type == "LineString"
        ]
        if name and lines:
            pieces.setdefault(name, []).extend(lines)
    return [ImportedRoad(name, "", shapely.MultiLineString(lines)) for name, lines in pieces.items()]


def _tag(row: dict[str, Any], tag: str) -> str:
    value = row.get(tag)
    return value.strip() if isinstance(value, str) else ""
