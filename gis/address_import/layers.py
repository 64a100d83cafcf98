"""Addresses from layers of buildings or points: GeoPackage, Shapefile, GeoJSON.

A layer's fields bear the names of a table's columns; a building stands where a point surely inside it lies.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from pyogrio.errors import DataSourceError

from gis.address_import.records import AddressFile, ImportedAddress, Rejected, refuse_odd_text
from gis.coordinates import WGS84_SRID, Datum, LonLat, to_wgs84
from gis.errors import BadAddressFile, BadCoordinate

SUFFIXES = frozenset({".gpkg", ".shp", ".geojson", ".json"})
FIELDS = ("district", "road", "road_no", "place", "building", "postcode")


def read_layers(path: Path, *, datum: Datum = Datum.WGS84) -> AddressFile:
    """Read every layer of a file that has a field `road` or `place`.

    Without a field `address_id` an address is known by its words and its place, which stay the same when features are sorted anew.

    Parameters
    ----------
    datum
        How longitudes and latitudes are meant, once the layer's own system was taken to them.

    Raises
    ------
    BadAddressFile
        The file cannot be read, has no such layer, or one without a coordinate system; says which layer and feature.
    """
    found, rejected, seen = [], [], set()
    layers = list(_layers(path))
    if not layers:
        raise BadAddressFile(f"{path}: no layer has a field road or place.")
    for name, layer in layers:
        for number, row in enumerate(layer.to_dict("records"), start=1):
            where = f"{path}: layer {name}, feature {number}"
            shape, parts = row["geometry"], {field: _text(row, field) for field in FIELDS}
            refuse_odd_text(where, parts.values())
            if shape is None or shape.is_empty:
                rejected.append(Rejected(number, f"layer {name}: no place"))
                continue
            if not parts["road"] and not parts["place"]:
                rejected.append(Rejected(number, f"layer {name}: neither road nor place"))
                continue
            point = _point(where, shape, datum)
            code = _text(row, "address_id") or _code(parts, point)
            if code in seen and _text(row, "address_id"):
                raise BadAddressFile(f"{where}: address_id {code!r} came before.")
            if code in seen:
                rejected.append(Rejected(number, f"layer {name}: the same as another"))
                continue
            seen.add(code)
            found.append(
                ImportedAddress(
                    code=code,
                    district=parts["district"],
                    road=parts["road"],
                    house_number=parts["road_no"],
                    place=parts["place"],
                    building=parts["building"],
                    postcode=parts["postcode"],
                    point=point,
                )
            )
    if not found:
        raise BadAddressFile(f"{path}: holds no address.")
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


def _point(where: str, shape: shapely.Geometry, datum: Datum) -> LonLat:
    inside = shapely.point_on_surface(shape)
    try:
        return to_wgs84(LonLat(lon=float(shapely.get_x(inside)), lat=float(shapely.get_y(inside))), datum)
    except BadCoordinate as error:
        raise BadAddressFile(f"{where}: lies nowhere on Earth.") from error


def _code(parts: Mapping[str, str], point: LonLat) -> str:
    """Tell an address by what it says and where it is, to a decimetre."""
    said = "\x1f".join((*parts.values(), f"{point.lon:.6f}", f"{point.lat:.6f}"))
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def _text(row: Mapping[str, object], field: str) -> str:
    """Read a field that may be missing, empty or a number."""
    value = row.get(field)
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
