"""The layers of GeoPackages, Shapefiles and GeoJSON files as arrays."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from gis.errors import BadNetworkFile
from gis.network_import.crs import SourceSystem, described_system
from gis.network_import.dbf import text_encoding
from gis.network_import.uploads import FileKind, SourceFile, readable_tables

_UNREADABLE = (
    CRSError,
    DataLayerError,
    DataSourceError,
    FeatureError,
    FieldError,
    GeometryError,
    UnicodeDecodeError,
    ValueError,
    RuntimeError,
)
_CRS_SCAN_BYTES = 1 << 16
_GEOJSON_CRS = re.compile(rb'"crs"\s*:\s*\{')
_FALLBACK_ENCODING = "ISO-8859-1"

pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES", "GDAL_HTTP_MAX_RETRY": "0"})


class Shape(StrEnum):
    """What a layer draws."""

    LINE = "line"
    POINT = "point"
    AREA = "area"
    NONE = "none"
    MIXED = "mixed"


_SHAPE_OF_TYPE = {
    0: Shape.POINT,
    4: Shape.POINT,
    1: Shape.LINE,
    2: Shape.LINE,
    5: Shape.LINE,
    3: Shape.AREA,
    6: Shape.AREA,
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Parameters
    ----------
    name
        As the file calls it; a Shapefile and a GeoJSON file are called by their file.
    file
        Name of the file.
    fields
        Values of every field, one a feature.
    shapes
        Geometries as they are in the file, None where there is none or where it is damaged.
    features
        What the features are called in messages while they have no code: the file's own numbers.
    system
        The coordinates' system the file names, if it names one.
    """

    name: str
    file: str
    fields: dict[str, NDArray[Any]]
    shapes: NDArray[np.object_]
    features: NDArray[np.int64]
    system: SourceSystem | None

    def __len__(self) -> int:
        return len(self.features)

    @property
    def shape(self) -> Shape:
        """What most of its features draw."""
        types = shapely.get_type_id(self.shapes)
        kinds = {
            kind: sum(int(np.count_nonzero(types == one)) for one, of in _SHAPE_OF_TYPE.items() if of is kind)
            for kind in (Shape.LINE, Shape.POINT, Shape.AREA)
        }
        total = sum(kinds.values())
        if not total:
            return Shape.NONE
        most = max(kinds, key=lambda kind: kinds[kind])
        return most if kinds[most] >= 0.9 * total else Shape.MIXED

    def picked(self, rows: NDArray[Any]) -> "Layer":
        """Keep some of the features."""
        return Layer(
            self.name,
            self.file,
            {name: values[rows] for name, values in self.fields.items()},
            self.shapes[rows],
            self.features[rows],
            self.system,
        )


def read_layers(sources: Sequence[SourceFile]) -> list[Layer]:
    """Read every layer of every file.

    Raises
    ------
    BadNetworkFile
        A file cannot be opened, or is not what its name says.
    """
    return [layer for source in sources for layer in _layers_of(source)]


def _layers_of(source: SourceFile) -> list[Layer]:
    try:
        names = [str(name) for name, _ in pyogrio.list_layers(source.path)]
    except _UNREADABLE as error:
        raise BadNetworkFile(f"{source.called}: it cannot be opened: {_first_line(error)}") from error
    if source.kind is FileKind.GEOPACKAGE:
        tables = readable_tables(source.path, source.called)
        names = [name for name in names if name in tables]
    layers = [layer for name in names if (layer := _read(source, name)) is not None]
    if not layers:
        raise BadNetworkFile(f"{source.called}: there is no layer with features in it")
    return layers


def _read(source: SourceFile, name: str) -> Layer | None:
    encoding = None
    if source.kind is FileKind.SHAPEFILE:
        encoding = text_encoding(source.path.with_suffix(".dbf"), source.path.with_suffix(".cpg"))
    try:
        if pyogrio.read_info(source.path, layer=name, encoding=encoding)["driver"] != source.kind.value:
            raise BadNetworkFile(f"{source.called}: this is no {source.kind.value}")
        try:
            read = pyogrio.raw.read(
                source.path, layer=name, encoding=encoding, force_2d=True, return_fids=True
            )
        except UnicodeDecodeError:  # a text cut in the middle of a character
            read = pyogrio.raw.read(
                source.path, layer=name, encoding=_FALLBACK_ENCODING, force_2d=True, return_fids=True
            )
    except _UNREADABLE as error:
        raise BadNetworkFile(
            f"{source.called}, layer {name}: it cannot be read: {_first_line(error)}"
        ) from error
    meta, numbers, drawn, values = read
    if not len(numbers):
        return None
    shapes: NDArray[np.object_] = np.full(len(numbers), None, dtype=object)
    if drawn is not None:
        shapes = np.asarray(shapely.from_wkb(drawn, on_invalid="ignore"), dtype=object)
    called = Path(source.called).stem if source.kind is not FileKind.GEOPACKAGE else name
    return Layer(
        called,
        source.called,
        {str(field): np.asarray(column) for field, column in zip(meta["fields"], values, strict=True)},
        shapes,
        np.asarray(numbers, dtype=np.int64),
        _named_system(source, meta["crs"]),
    )


def _named_system(source: SourceFile, crs: str | None) -> SourceSystem | None:
    """Take the system the file itself names; GDAL gives every GeoJSON file one, named or not."""
    if crs is None or (source.kind is FileKind.GEOJSON and not _names_crs(source.path)):
        return None
    return described_system(crs)


def _names_crs(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(_CRS_SCAN_BYTES)
        stream.seek(max(0, path.stat().st_size - _CRS_SCAN_BYTES))
        return _GEOJSON_CRS.search(head) is not None or _GEOJSON_CRS.search(stream.read()) is not None


def is_geojson(layer: Layer) -> bool:
    """Tell whether a layer without a named system is in longitude and latitude, as RFC 7946 rules."""
    return Path(layer.file).suffix.lower() in (".geojson", ".json")


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0][:200]
