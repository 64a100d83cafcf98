"""Addresses from layers of buildings or points: GeoPackage, Shapefile, GeoJSON.

A layer's fields bear the names of a table's columns, or others told by a mapping; a building stands where a point surely inside it lies.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from pyogrio.errors import DataSourceError

from gis.address_import.records import AddressFile, ImportedAddress, Rejected
from gis.coordinates import WGS84_SRID, LonLat
from gis.errors import BadAddressFile

SUFFIXES = frozenset({".gpkg", ".shp", ".geojson", ".json"})
FIELDS = ("district", "road", "road_no", "place", "building", "postcode")


def read_layers(path: Path) -> AddressFile:
    """Read every layer of a file that has a field `road` or `place`.

    Raises
    ------
    BadAddressFile
        The file cannot be read, has no such layer, or one without a coordinate system.
    """
    found, rejected, seen = [], [], set()
    layers = list(_layers(path))
    if not layers:
        raise BadAddressFile(f"{path}: no layer has a field road or place.")
    for name, layer in layers:
        for number, row in enumerate(layer.to_dict("records"), start=1):
            where = f"layer {name}, feature {number}"
            shape, code = row["geometry"], _text(row, "address_id") or f"{name}:{number}"
            if code in seen:
                raise BadAddressFile(f"{path}: {where}: address_id {code!r} came before.")
            seen.add(code)
            if shape is None or shape.is_empty:
                rejected.append(Rejected(number, f"layer {name}: no place"))
                continue
            parts = {field: _text(row, field) for field in FIELDS}
            if not parts["road"] and not parts["place"]:
                rejected.append(Rejected(number, f"layer {name}: neither road nor place"))
                continue
            inside: shapely.Point = shape.representative_point()
            found.append(
                ImportedAddress(
                    code=code,
                    district=parts["district"],
                    road=parts["road"],
                    house_number=parts["road_no"],
                    place=parts["place"],
                    building=parts["building"],
                    postcode=parts["postcode"],
                    point=LonLat.from_geometry(inside),
                )
            )
    return AddressFile(found, rejected)


def _layers(path: Path) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    """Give the layers that have addresses, in longitude and latitude, their fields in small letters."""
    if not path.is_file():
        raise BadAddressFile(f"{path}: no such file.")
    try:
        for name in gpd.list_layers(path)["name"]:
            layer = gpd.read_file(path, layer=name)
            if not isinstance(layer, gpd.GeoDataFrame):
                continue
            layer = layer.rename(
                columns={field: str(field).lower() for field in layer.columns if field != "geometry"}
            )
            if not {"road", "place"} & set(layer.columns):
                continue
            if layer.crs is None:
                raise BadAddressFile(f"{path}: layer {name} names no coordinate system.")
            yield str(name), layer.to_crs(WGS84_SRID)
    except (DataSourceError, ValueError, RuntimeError) as error:
        raise BadAddressFile(f"{path}: cannot be read: {' '.join(str(error).split())}.") from error


def _text(row: Mapping[str, object], field: str) -> str:
    """Read a field that may be missing, empty or a number."""
    value = row.get(field)
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
