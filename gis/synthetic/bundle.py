"""A built city as files: `manifest.json`, `city.npz` (every table as columns), `roads.npz`, `city.inp`.

The same extract and the same program give the same bytes, so a bundle can be kept and compared by its digest.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import BadBundle
from gis.roads.graph import RoadGraph
from gis.synthetic.chance import Floats, Ints

FORMAT = 1
MANIFEST, TABLES, ROADS, MODEL = "manifest.json", "city.npz", "roads.npz", "city.inp"
_SEPARATOR = "\x1f"
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Shapes:
    """Geometries in longitude and latitude as one run of WKB bytes."""

    starts: Ints
    raw: NDArray[np.uint8]

    @classmethod
    def of(cls, geometries: NDArray[Any]) -> "Shapes":
        """Pack geometries, 7 decimals."""
        rounded = shapely.transform(geometries, lambda pairs: np.round(pairs, 7))
        parts = [bytes(one) for one in shapely.to_wkb(rounded)]
        starts = np.zeros(len(parts) + 1, dtype=np.int64)
        np.cumsum([len(part) for part in parts], out=starts[1:])
        return cls(starts, np.frombuffer(b"".join(parts), dtype=np.uint8))

    def geometries(self) -> NDArray[Any]:
        """Unpack."""
        raw, starts = self.raw.tobytes(), self.starts.tolist()
        parts = np.empty(len(starts) - 1, dtype=object)
        parts[:] = [raw[a:b] for a, b in pairwise(starts)]
        return np.asarray(shapely.from_wkb(parts), dtype=object)

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class AreaTable:
    """The service area; one row."""

    shape: Shapes


@dataclass(frozen=True)
class ZoneTable:
    """Pressure zones."""

    code: list[str]
    name: list[str]
    head_m: Floats
    shape: Shapes


@dataclass(frozen=True)
class NodeTable:
    """Junctions, tanks and reservoirs; `head_m` is NaN for junctions."""

    code: list[str]
    kind: list[str]
    lon: Floats
    lat: Floats
    elevation_m: Floats
    head_m: Floats
    demand_lps: Floats
    zone: Ints


@dataclass(frozen=True)
class PipeTable:
    """Mains; `start` and `end` index nodes, `street` indexes streets (-1: none)."""

    code: list[str]
    kind: list[str]
    start: Ints
    end: Ints
    diameter_mm: Ints
    material: list[str]
    year: Ints
    length_m: Floats
    roughness: Floats
    street: Ints
    zone: Ints
    closed: Flags
    shape: Shapes


@dataclass(frozen=True)
class ValveTable:
    """Isolation valves; `at_end` says which end of the pipe."""

    code: list[str]
    pipe: Ints
    at_end: Flags
    kind: list[str]
    closed: Flags
    operable: list[str]
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class HydrantTable:
    """Hydrants."""

    code: list[str]
    pipe: Ints
    chainage_m: Floats
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class StreetTable:
    """Street names, each once for each place."""

    name: list[str]
    place: list[str]
    shape: Shapes


@dataclass(frozen=True)
class BuildingTable:
    """Building outlines."""

    floors: Ints
    use: list[str]
    shape: Shapes


@dataclass(frozen=True)
class AddressTable:
    """Addresses; `building` -1 where there is none."""

    street: Ints
    number: list[str]
    ordinal: Ints
    text: list[str]
    building: Ints
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class ConnectionTable:
    """Service connections."""

    address: Ints
    pipe: Ints
    chainage_m: Floats
    side: list[str]
    diameter_mm: Ints
    shape: Shapes


@dataclass(frozen=True)
class AccountTable:
    """Customer accounts, each with a meter."""

    connection: Ints
    account_no: list[str]
    name: list[str]
    phone: list[str]
    customer_class: list[str]


@dataclass(frozen=True)
class LandTable:
    """Surfaces of the base map."""

    kind: list[str]
    name: list[str]
    shape: Shapes


@dataclass(frozen=True)
class City:
    """Everything a bundle holds but the hydraulic model."""

    manifest: Mapping[str, Any]
    """Plain JSON: name, srid, source, counts, hydraulics, generator."""
    area: AreaTable
    zones: ZoneTable
    nodes: NodeTable
    pipes: PipeTable
    valves: ValveTable
    hydrants: HydrantTable
    streets: StreetTable
    buildings: BuildingTable
    addresses: AddressTable
    connections: ConnectionTable
    accounts: AccountTable
    land: LandTable
    roads: RoadGraph


_TABLES = {
    "area": AreaTable,
    "zones": ZoneTable,
    "nodes": NodeTable,
    "pipes": PipeTable,
    "valves": ValveTable,
    "hydrants": HydrantTable,
    "streets": StreetTable,
    "buildings": BuildingTable,
    "addresses": AddressTable,
    "connections": ConnectionTable,
    "accounts": AccountTable,
    "land": LandTable,
}
T = TypeVar("T")


def _columns(name: str, table: Any) -> dict[str, NDArray[Any]]:
    """Flatten a table (any of the dataclasses above) into named arrays."""
    columns: dict[str, NDArray[Any]] = {}
    for field in fields(table):
        value, key = getattr(table, field.name), f"{name}.{field.name}"
        if isinstance(value, Shapes):
            columns[f"{key}.starts"], columns[f"{key}.raw"] = value.starts, value.raw
        elif isinstance(value, list):
            columns[f"{key}.text"] = np.frombuffer(_SEPARATOR.join(value).encode(), dtype=np.uint8)
            columns[f"{key}.rows"] = np.array([len(value)])
        else:
            columns[key] = value
    return columns


def _table(name: str, kind: type[T], columns: Mapping[str, NDArray[Any]]) -> T:
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # every kind is a dataclass
        key = f"{name}.{field.name}"
        if f"{key}.raw" in columns:
            values[field.name] = Shapes(columns[f"{key}.starts"], columns[f"{key}.raw"])
        elif f"{key}.text" in columns:
            rows = int(columns[f"{key}.rows"][0])
            values[field.name] = columns[f"{key}.text"].tobytes().decode().split(_SEPARATOR) if rows else []
        else:
            values[field.name] = columns[key]
    return kind(**values)


def write_bundle(city: City, folder: Path, *, model: str) -> None:
    """Write a bundle; the folder appears only when it is complete.

    Parameters
    ----------
    folder
        Where it shall be; one that exists is replaced.
    model
        The EPANET model's text.
    """
    draft = folder.with_name(folder.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    columns: dict[str, NDArray[Any]] = {}
    for name in _TABLES:
        columns |= _columns(name, getattr(city, name))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **columns)
    (draft / TABLES).write_bytes(buffer.getvalue())
    (draft / ROADS).write_bytes(city.roads.to_npz())
    (draft / MODEL).write_text(model, encoding="utf-8")
    digests = {name: _digest(draft / name) for name in (TABLES, ROADS, MODEL)}
    manifest = {"format": FORMAT, **city.manifest, "files": digests}
    (draft / MANIFEST).write_text(
        json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def _digest(file: Path) -> str:
    return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a bundle says of itself.

    Raises
    ------
    BadBundle
        There is none, or it is of another format.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadBundle(f"{folder}: no readable {MANIFEST}.") from error
    if manifest.get("format") != FORMAT:
        raise BadBundle(f"{folder}: made by another version; build it again.")
    return manifest


def read_bundle(folder: Path) -> City:
    """Read a bundle whole.

    Raises
    ------
    BadBundle
        A file is missing or damaged.
    """
    manifest = read_manifest(folder)
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise BadBundle(f"{folder / name}: missing or damaged; build the bundle again.")
    with np.load(folder / TABLES, allow_pickle=False) as archive:
        columns = {name: archive[name] for name in archive.files}
    tables: dict[str, Any] = {name: _table(name, kind, columns) for name, kind in _TABLES.items()}
    return City(manifest=manifest, roads=RoadGraph.from_npz((folder / ROADS).read_bytes()), **tables)


def strings(values: Sequence[Any]) -> list[str]:
    """Write enum members, or anything, as text for a column."""
    return [str(value) for value in values]
