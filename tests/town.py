"""The small invented town that serves every test; its numbers are meant to be checked by hand.

It lies in the open Atlantic, so that nothing real is near. Seven avenues run north (columns 0 to 6, 100 m apart), six
streets run east (rows 0 to 5, 80 m apart); they meet at junctions `J{column}{row}`, J00 in the south-west::

    row 5  +--H05--+--H15--+--H25--+       +--H45--+--H55--+--T1 (tank)
           |V04    |V14    |V24    |V34    |V44    |V54    |V64
    row 4  +--H04--+--H14--+--H24--+       +--H44--+--H54--+
           |V03 x  |V13    |V23    |V33    |V43    |V53    |V63
    row 3  +--H03--+--H13--+--H23--+       +--H43--+--H53--+
           |V02    |V12    |V22 !  |V32    |V42    |V52    |V62
    row 2  +--H02--+--H12--+--H22--+       +--H42--+--H52--+
           |V01    |V11    |V21    |V31    |V41    |V51    |V61
    row 1  +--H01--+--H11--+--H21--+       +--H41--+--H51--+
           |V00    |V10    |V20    |V30    |V40    |V50    |V60
    row 0  +--H00--+--H10--+--H20--+--H30-x+--H40--+--H50--+
      R1 --+                      closed valve
         col 0     1       2       3       4       5       6

Pipe `H{c}{r}` runs east from J{c}{r}, pipe `V{c}{r}` runs north from it. Reservoir R1 feeds zone West (columns 0-3) at
J00 through pipe FR; tank T1 feeds zone East (columns 4-6) at J65 through pipe FT. H30 joins the zones; its valve at J40
(`VH30`) is closed. Pipe V03 is closed (x). 35 + 31 + 2 = 68 pipes.

Valves: in zone West at the south end of every avenue's pipe (`VV{c}{r}`; V03 has none), so that each row with the
avenues' pipes south of it is a segment; the one on V22 (!) is known not to turn, so rows 2 and 3 are one. In zone East
at the west end of H4r and H5r (`VH{c}{r}`), so that each avenue with the streets' pipes west of it is a segment.

    segment of    pipes                                   length_m   valves   shutting it cuts off
    H00  (row 0)  FR H00 H10 H20 H30                       450       4 + 1x   rows 1-5
    H01  (row 1)  H01 H11 H21  V00 V10 V20 V30             620       8        rows 2-5
    H02  (2, 3)   H02 H12 H22 H03 H13 H23 V01-V31 V02-V32  1240      4 + 3    rows 4, 5
    H04  (row 4)  H04 H14 H24  V13 V23 V33                 540       3 + 4    row 5
    H05  (row 5)  H05 H15 H25  V04 V14 V24 V34             620       4        -
    V03           V03 (closed)                             80        -        -
    V40  (col 4)  V40-V44                                  400       6 + 1x   -
    V50  (col 5)  V50-V54 H40-H45                          1000      12       col 4
    V60  (col 6)  V60-V64 H50-H55 FT                       1050      6        cols 4, 5

Houses: four on every street pipe, numbers odd on the north side: on H{c}{r} numbers 1+4c and 3+4c (north, 30 m and 70 m
along), 2+4c and 4+4c (south). Two on either side of the pipes of Ash Avenue (column 0) but for V03: 25 m and 55 m along,
odd on the west side. 31 * 4 + 4 * 4 = 140 houses with one account each, and ten more accounts in the flats at
1 Mill Street: 150 accounts. Account numbers count up from 100001 in that order; phones are +12025550001 and so on.

Roads: all streets and avenues (also where no main lies), both ways, but row 1 (Church Street) is one-way east, row 2
(Market Street) one-way west, column 1 (Birch Avenue) one-way north. Everybody drives 10 m/s: 10 s a street block, 8 s
an avenue block.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.db import new_id
from gis.coordinates import LonLat, metric_plane, stored
from gis.geocoding import normalise
from gis.models import (
    Address,
    Building,
    CustomerAccount,
    CustomerClass,
    Hydrant,
    Junction,
    LandArea,
    LifecycleStatus,
    Meter,
    NodeType,
    Operable,
    Pipe,
    PipeClass,
    PressureZone,
    ServiceArea,
    ServiceConnection,
    Side,
    Street,
    Valve,
    ValveType,
)
from gis.roads.graph import E7, RoadGraph
from gis.roads.storing import store_road_graph
from gis.segments import rebuild_segments

SRID = 32625
ORIGIN_X, ORIGIN_Y = 500_000.0, 4_427_757.0
"""J00 in EPSG:32625: 33° W, 40° N to a few metres."""
COLUMNS, ROWS = 7, 6
BLOCK_EAST_M, BLOCK_NORTH_M = 100.0, 80.0
STREETS = ("Mill Street", "Church Street", "Market Street", "中山路", "Station Street", "River Street")
AVENUES = (
    "Ash Avenue",
    "Birch Avenue",
    "Cedar Avenue",
    "Elm Avenue",
    "Hazel Avenue",
    "Larch Avenue",
    "Oak Avenue",
)
PLACE = "Littlebrook"
SPEED_MPS = 10.0
SPECIAL = {
    (3, 2, 1): ("Littlebrook Hospital", CustomerClass.HOSPITAL),
    (1, 4, 1): ("Dialysis Centre", CustomerClass.DIALYSIS),
    (5, 1, 1): ("North School", CustomerClass.SCHOOL),
    (0, 5, 1): ("Fire Station", CustomerClass.FIRE_STATION),
}
"""Who lives at the first northern house of H{c}{r}, by (row, column, place on the pipe)."""
NAMES = (
    "Ann Miller",
    "王芳",
    "Bob Carter",
    "李伟",
    "Carol Reed",
    "张敏",
    "Dan Price",
    "刘洋",
    "Eve Stone",
    "陈静",
)


@dataclass
class Town:
    """Ids by name."""

    zones: dict[str, UUID] = field(default_factory=dict)
    junctions: dict[str, UUID] = field(default_factory=dict)
    pipes: dict[str, UUID] = field(default_factory=dict)
    valves: dict[str, UUID] = field(default_factory=dict)
    hydrants: dict[str, UUID] = field(default_factory=dict)
    segments: dict[str, int] = field(default_factory=dict)
    """The segment of each pipe, by the pipe's name."""
    accounts: dict[str, UUID] = field(default_factory=dict)
    """By account number."""
    account_at: dict[str, str] = field(default_factory=dict)
    """First account number at an address text such as `3 Mill Street`."""
    phones: dict[str, str] = field(default_factory=dict)
    """By account number."""
    addresses: dict[str, UUID] = field(default_factory=dict)
    """By address text."""
    account_pipe: dict[str, str] = field(default_factory=dict)
    """Name of the pipe an account is served from."""

    @staticmethod
    def place(east_m: float, north_m: float) -> LonLat:
        """The place so many metres east and north of J00."""
        return metric_plane(SRID).place(shapely.Point(ORIGIN_X + east_m, ORIGIN_Y + north_m))

    @classmethod
    def junction(cls, column: int, row: int) -> LonLat:
        """The place of J{column}{row}."""
        return cls.place(column * BLOCK_EAST_M, row * BLOCK_NORTH_M)

    @classmethod
    def on_pipe(cls, name: str, chainage_m: float, *, left_m: float = 0.0) -> LonLat:
        """A place along a street's or avenue's pipe, and so many metres to its left."""
        (x0, y0), _ = _ends(name)
        if name.startswith("H"):
            return cls.place(x0 + chainage_m, y0 + left_m)
        return cls.place(x0 - left_m, y0 + chainage_m)

    def accounts_on(self, *pipes: str) -> list[str]:
        """Account numbers served from these pipes."""
        return [number for number, pipe in self.account_pipe.items() if pipe in pipes]


def pipe_names() -> list[str]:
    """All street and avenue pipes, streets first; the two feeds are apart."""
    streets = [f"H{c}{r}" for r in range(ROWS) for c in range(COLUMNS - 1) if c != 3 or r == 0]
    avenues = [f"V{c}{r}" for c in range(COLUMNS) for r in range(ROWS - 1)]
    return streets + avenues


def _ends(name: str) -> tuple[tuple[float, float], tuple[float, float]]:
    column, row = int(name[1]), int(name[2])
    x, y = column * BLOCK_EAST_M, row * BLOCK_NORTH_M
    return (x, y), ((x + BLOCK_EAST_M, y) if name[0] == "H" else (x, y + BLOCK_NORTH_M))


def _end_nodes(name: str) -> tuple[str, str]:
    column, row = int(name[1]), int(name[2])
    other = f"J{column + 1}{row}" if name[0] == "H" else f"J{column}{row + 1}"
    return f"J{column}{row}", other


def _street_of(name: str) -> str:
    return STREETS[int(name[2])] if name[0] == "H" else AVENUES[int(name[1])]


def _line(*points: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([_xy(x, y) for x, y in points])


@lru_cache(maxsize=4096)
def _xy(x: float, y: float) -> tuple[float, float]:
    place = Town.place(x, y)
    return place.lon, place.lat


def _point(x: float, y: float) -> shapely.Point:
    return shapely.Point(_xy(x, y))


def load_town(session: Session) -> Town:
    """Store the town in an empty database and tell its ids."""
    town = Town()
    _store_area(session, town)
    _store_network(session, town)
    _store_houses(session, town)
    store_road_graph(session, town_roads(), source="tests/town.py")
    session.flush()
    network = rebuild_segments(session)
    town.segments = {
        name: int(network.segment_of[network.pipe_index(pipe_id)]) for name, pipe_id in town.pipes.items()
    }
    session.expire_all()
    return town


def _box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.Polygon(
        [_xy(west, south), _xy(east, south), _xy(east, north), _xy(west, north), _xy(west, south)]
    )


def _store_area(session: Session, town: Town) -> None:
    session.execute(
        insert(ServiceArea).values(
            id=1,
            name=PLACE,
            metric_srid=SRID,
            built_from="tests/town.py",
            geom=stored(shapely.MultiPolygon([_box(-200, -200, 800, 600)])),
        )
    )
    zones = {"West": (-200.0, 350.0), "East": (350.0, 800.0)}
    town.zones = {name: new_id() for name in zones}
    session.execute(
        insert(PressureZone),
        [
            {
                "id": town.zones[name],
                "code": name.upper(),
                "name": f"Zone {name}",
                "source_head_m": 60.0,
                "geom": stored(shapely.MultiPolygon([_box(west, -200, east, 600)])),
            }
            for name, (west, east) in zones.items()
        ],
    )
    session.execute(
        insert(LandArea).values(
            kind="water", name="River", geom=stored(shapely.MultiPolygon([_box(-200, 450, 800, 500)]))
        )
    )


def _store_network(session: Session, town: Town) -> None:
    nodes = [
        {
            "id": new_id(),
            "asset_code": f"J{c}{r}",
            "node_type": NodeType.JUNCTION,
            "elevation_m": 10.0 + r,
            "head_m": None,
            "base_demand_lps": 0.05,
            "zone_id": town.zones["West" if c <= 3 else "East"],
            "geom": stored(_point(c * BLOCK_EAST_M, r * BLOCK_NORTH_M)),
        }
        for r in range(ROWS)
        for c in range(COLUMNS)
    ]
    for code, kind, zone, (x, y) in (
        ("R1", NodeType.RESERVOIR, "West", (-50.0, 0.0)),
        ("T1", NodeType.TANK, "East", (650.0, 400.0)),
    ):
        nodes.append(
            {
                "id": new_id(),
                "asset_code": code,
                "node_type": kind,
                "elevation_m": 55.0,
                "head_m": 60.0,
                "base_demand_lps": 0.0,
                "zone_id": town.zones[zone],
                "geom": stored(_point(x, y)),
            }
        )
    session.execute(insert(Junction), nodes)
    town.junctions = {str(node["asset_code"]): node["id"] for node in nodes}  # type: ignore[misc]
    pipes = []
    for name in [*pipe_names(), "FR", "FT"]:
        if name == "FR":
            ends, nodes_at, length, street = ((-50.0, 0.0), (0.0, 0.0)), ("R1", "J00"), 50.0, None
        elif name == "FT":
            ends, nodes_at, length, street = ((650.0, 400.0), (600.0, 400.0)), ("T1", "J65"), 50.0, None
        else:
            ends, nodes_at, street = _ends(name), _end_nodes(name), _street_of(name)
            length = BLOCK_EAST_M if name[0] == "H" else BLOCK_NORTH_M
        feeds = name in ("FR", "FT")
        east = name == "FT" or (not feeds and int(name[1]) >= 4)
        pipes.append(
            {
                "id": new_id(),
                "asset_code": name,
                "from_node_id": town.junctions[nodes_at[0]],
                "to_node_id": town.junctions[nodes_at[1]],
                "pipe_class": PipeClass.TRANSMISSION if feeds else PipeClass.DISTRIBUTION,
                "diameter_mm": 300 if feeds else 150,
                "material": "DI",
                "install_year": 1998,
                "length_m": length,
                "roughness": 130.0,
                "road_name": street,
                "zone_id": town.zones["East" if east else "West"],
                "lifecycle_status": LifecycleStatus.IN_SERVICE,
                "is_closed": name == "V03",
                "geom": stored(_line(*ends)),
            }
        )
    session.execute(insert(Pipe), pipes)
    town.pipes = {str(pipe["asset_code"]): pipe["id"] for pipe in pipes}  # type: ignore[misc]
    valves = []
    for name in pipe_names():
        column = int(name[1])
        (x0, y0), (x1, y1) = _ends(name)
        at_end = name == "H30"
        west_avenue = name[0] == "V" and column <= 3 and name != "V03"
        east_street = name[0] == "H" and column >= 4
        if not (at_end or west_avenue or east_street):
            continue
        share = 2.0 / (BLOCK_EAST_M if name[0] == "H" else BLOCK_NORTH_M)
        share = 1.0 - share if at_end else share
        valves.append(
            {
                "id": new_id(),
                "asset_code": f"V{name}",
                "pipe_id": town.pipes[name],
                "node_id": town.junctions[_end_nodes(name)[1 if at_end else 0]],
                "valve_type": ValveType.ZONE_BOUNDARY if at_end else ValveType.GATE,
                "diameter_mm": 150,
                "is_closed": at_end,
                "operable": Operable.NO if name == "V22" else Operable.YES,
                "geom": stored(_point(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)),
            }
        )
    session.execute(insert(Valve), valves)
    town.valves = {str(valve["asset_code"]): valve["id"] for valve in valves}  # type: ignore[misc]
    hydrants = [
        {
            "id": new_id(),
            "asset_code": f"HY{r}",
            "pipe_id": town.pipes[f"H0{r}"],
            "chainage_m": 50.0,
            "diameter_mm": 80,
            "geom": stored(_point(50.0, r * BLOCK_NORTH_M)),
        }
        for r in range(ROWS)
    ]
    session.execute(insert(Hydrant), hydrants)
    town.hydrants = {str(hydrant["asset_code"]): hydrant["id"] for hydrant in hydrants}  # type: ignore[misc]


def _houses() -> list[tuple[str, int, float, Side]]:
    """Pipe, house number, chainage and side of every house."""
    houses = []
    for name in pipe_names():
        column, row = int(name[1]), int(name[2])
        if name[0] == "H":
            for k, chainage in enumerate((30.0, 70.0)):
                houses.append((name, 4 * column + 2 * k + 1, chainage, Side.LEFT))
                houses.append((name, 4 * column + 2 * k + 2, chainage, Side.RIGHT))
        elif column == 0 and row != 3:
            for k, chainage in enumerate((25.0, 55.0)):
                houses.append((name, 4 * row + 2 * k + 1, chainage, Side.LEFT))
                houses.append((name, 4 * row + 2 * k + 2, chainage, Side.RIGHT))
    return houses


def _store_houses(session: Session, town: Town) -> None:
    streets = {name: new_id() for name in (*STREETS, AVENUES[0])}
    session.execute(
        insert(Street),
        [
            {
                "id": key,
                "name": name,
                "district": PLACE,
                "normalised": normalise(name),
                "geom": stored(
                    shapely.MultiLineString(
                        [_line((0, 0), (0, 400))]
                        if name == AVENUES[0]
                        else [_line((0, 80 * STREETS.index(name)), (600, 80 * STREETS.index(name)))]
                    )
                ),
            }
            for name, key in streets.items()
        ],
    )
    rows: dict[type, list[dict[str, object]]] = {
        model: [] for model in (Building, Address, ServiceConnection, Meter, CustomerAccount)
    }
    number = 100_000
    for name, house, chainage, side in _houses():
        (x0, y0), _ = _ends(name)
        sign = 1.0 if side is Side.LEFT else -1.0
        along = (x0 + chainage, y0) if name[0] == "H" else (x0, y0 + chainage)
        away = 12.0 * sign
        door = (along[0], along[1] + away) if name[0] == "H" else (along[0] - away, along[1])
        street = _street_of(name)
        text = f"{street}{house}号" if street == "中山路" else f"{house} {street}"
        ids = {model: new_id() for model in (Building, Address, ServiceConnection)}
        rows[Building].append(
            {
                "id": ids[Building],
                "floor_count": 2,
                "use": "residential",
                "geom": stored(_box(door[0] - 5, door[1] - 5, door[0] + 5, door[1] + 5)),
            }
        )
        rows[Address].append(
            {
                "id": ids[Address],
                "street_id": streets[street],
                "street": street,
                "house_number": str(house),
                "house_ordinal": house,
                "district": PLACE,
                "text": text,
                "normalised": normalise(f"{text} {PLACE}"),
                "building_id": ids[Building],
                "geom": stored(_point(*door)),
            }
        )
        rows[ServiceConnection].append(
            {
                "id": ids[ServiceConnection],
                "pipe_id": town.pipes[name],
                "tap_chainage_m": chainage,
                "tap_side": side,
                "diameter_mm": 25,
                "building_id": ids[Building],
                "geom": stored(_line(along, door)),
            }
        )
        town.addresses[text] = ids[Address]
        flats = 11 if text == "1 Mill Street" else 1
        for _ in range(flats):
            number += 1
            account_no, meter_id, account_id = str(number), new_id(), new_id()
            special = None
            if name[0] == "H" and chainage == 30.0 and side is Side.LEFT:
                special = SPECIAL.get((int(name[2]), int(name[1]), 1))
            rows[Meter].append(
                {
                    "id": meter_id,
                    "service_connection_id": ids[ServiceConnection],
                    "serial_no": f"M{account_no}",
                    "diameter_mm": 15,
                    "geom": stored(_point(*door)),
                }
            )
            phone = f"+1202555{number - 100_000:04d}"
            rows[CustomerAccount].append(
                {
                    "id": account_id,
                    "account_no": account_no,
                    "name": special[0] if special else NAMES[number % len(NAMES)],
                    "phone": phone,
                    "address_id": ids[Address],
                    "service_connection_id": ids[ServiceConnection],
                    "meter_id": meter_id,
                    "customer_class": special[1] if special else CustomerClass.HOUSEHOLD,
                }
            )
            town.accounts[account_no] = account_id
            town.account_at.setdefault(text, account_no)
            town.phones[account_no] = phone
            town.account_pipe[account_no] = name
    for model, some in rows.items():
        session.execute(insert(model), some)


def town_roads() -> RoadGraph:
    """The town's road graph; node `c + 7 r` is J{c}{r}, edge order: streets, then avenues, each way."""
    e7 = [tuple(round(v * E7) for v in _xy(c * 100.0, r * 80.0)) for r in range(ROWS) for c in range(COLUMNS)]
    names = (*STREETS, *AVENUES)
    edges: list[tuple[int, int, float, int, int]] = []  # u, v, length, name, reverse

    def add(u: int, v: int, length: float, name: int, *, forth: bool, back: bool) -> None:
        first = len(edges)
        if forth:
            edges.append((u, v, length, name, first + 1 if back else -1))
        if back:
            edges.append((v, u, length, name, first if forth else -1))

    for r in range(ROWS):
        for c in range(COLUMNS - 1):
            add(c + 7 * r, c + 1 + 7 * r, BLOCK_EAST_M, r, forth=r != 2, back=r != 1)
    for c in range(COLUMNS):
        for r in range(ROWS - 1):
            add(c + 7 * r, c + 7 * (r + 1), BLOCK_NORTH_M, ROWS + c, forth=True, back=c != 1)
    u, v, length, name, reverse = (np.array(column) for column in zip(*edges, strict=True))
    ends = np.column_stack([u, v]).ravel()
    lon = np.array([one[0] for one in e7], dtype=np.int32)
    lat = np.array([one[1] for one in e7], dtype=np.int32)
    return RoadGraph(
        node_id=np.arange(len(e7)) + 1000,
        node_lon_e7=lon,
        node_lat_e7=lat,
        edge_u=u.astype(np.int32),
        edge_v=v.astype(np.int32),
        edge_length_m=length.astype(np.float64),
        edge_time_s=length / SPEED_MPS,
        edge_name=name.astype(np.int32),
        edge_class=np.zeros(len(edges), dtype=np.int16),
        edge_reverse=reverse.astype(np.int32),
        line_start=np.arange(len(edges) + 1, dtype=np.int64) * 2,
        vertex_lon_e7=lon[ends],
        vertex_lat_e7=lat[ends],
        names=names,
        classes=("residential",),
    )
