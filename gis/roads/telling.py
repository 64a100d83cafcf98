"""A way drawn and told: its geometry, the streets to follow, what to do at each, in words."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import shapely
import shapely.ops

from core.messages import say
from gis.coordinates import LonLat, metric_plane
from gis.roads.graph import RoadGraph
from gis.roads.overlay import Roads

COMPASS = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")


class Turn(StrEnum):
    """What the driver does where a step begins."""

    DEPART = "depart"
    STRAIGHT = "straight"
    SLIGHT_LEFT = "slight_left"
    LEFT = "left"
    SHARP_LEFT = "sharp_left"
    SLIGHT_RIGHT = "slight_right"
    RIGHT = "right"
    SHARP_RIGHT = "sharp_right"
    U_TURN = "u_turn"


@dataclass(frozen=True, slots=True)
class Step:
    """Follow one street."""

    road_name: str | None
    turn: Turn
    bearing_deg: float
    metres: float
    seconds: float
    vertex: int
    """Where in the route's geometry it begins."""


@dataclass(frozen=True, slots=True)
class Route:
    """The fastest way by road, drawn and told."""

    seconds: float
    metres: float
    geometry: tuple[LonLat, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an edge that is driven: from one share of its length to another."""

    edge: int
    start: float
    end: float


def _drawn_piece(graph: RoadGraph, piece: Piece) -> list[tuple[float, float]]:
    """Cut an edge's plane geometry to the part that is driven."""
    part = slice(graph.line_start[piece.edge], graph.line_start[piece.edge + 1])
    vertices = graph.plane_vertices[part]
    if piece.start == 0.0 and piece.end == 1.0:
        return [(x, y) for x, y in vertices.tolist()]
    whole = shapely.LineString(vertices)
    line = shapely.ops.substring(whole, piece.start, piece.end, normalized=True)
    return [(float(x), float(y)) for x, y in shapely.get_coordinates(line)]


def _bearing_deg(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(np.degrees(np.arctan2(b[0] - a[0], b[1] - a[1])) % 360.0)


def _turn(before_deg: float, after_deg: float) -> Turn:
    """Name the change of bearing; limits as drivers' instructions commonly draw them."""
    change = (after_deg - before_deg + 180.0) % 360.0 - 180.0
    size, right = abs(change), change > 0
    if size < 20.0:
        return Turn.STRAIGHT
    if size < 50.0:
        return Turn.SLIGHT_RIGHT if right else Turn.SLIGHT_LEFT
    if size < 125.0:
        return Turn.RIGHT if right else Turn.LEFT
    if size < 170.0:
        return Turn.SHARP_RIGHT if right else Turn.SHARP_LEFT
    return Turn.U_TURN


def tell(roads: Roads, pieces: list[Piece], origin: LonLat) -> Route:
    """Join driven pieces into one line and one list of streets.

    Parameters
    ----------
    origin
        Where the way begins when nothing is driven.
    """
    graph = roads.graph
    edge_s = roads.seconds_of(np.array([piece.edge for piece in pieces], dtype=np.int64)).tolist()
    corners: list[tuple[float, float]] = []
    steps: list[Step] = []
    arrived_deg: float | None = None
    for piece, whole_s in zip(pieces, edge_s, strict=True):
        line = _drawn_piece(graph, piece)
        share = piece.end - piece.start
        metres = share * float(graph.edge_length_m[piece.edge])
        seconds = share * whole_s
        vertex = max(0, len(corners) - 1)
        corners.extend(line if not corners else line[1:])
        if len(line) < 2 or line[0] == line[-1] == line[1]:
            continue
        name, leaves_deg = graph.edge_name_of(piece.edge), _bearing_deg(line[0], line[1])
        turn = Turn.DEPART if arrived_deg is None else _turn(arrived_deg, leaves_deg)
        goes_on = turn in (Turn.STRAIGHT, Turn.SLIGHT_LEFT, Turn.SLIGHT_RIGHT) or name is not None
        if steps and steps[-1].road_name == name and goes_on:
            last = steps[-1]
            steps[-1] = replace(last, metres=last.metres + metres, seconds=last.seconds + seconds)
        else:
            steps.append(Step(name, turn, leaves_deg, metres, seconds, vertex))
        arrived_deg = _bearing_deg(line[-2], line[-1])
    if corners:
        plane = np.array(corners)
        lons, lats = metric_plane(graph.srid).to_degrees(plane[:, 0], plane[:, 1])
        geometry = tuple(LonLat(lon=float(lon), lat=float(lat)) for lon, lat in zip(lons, lats, strict=True))
    else:
        geometry = (origin,)
    return Route(
        seconds=sum((p.end - p.start) * whole_s for p, whole_s in zip(pieces, edge_s, strict=True)),
        metres=sum((p.end - p.start) * float(graph.edge_length_m[p.edge]) for p in pieces),
        geometry=geometry,
        steps=tuple(steps),
    )


def compass_point(bearing_deg: float) -> str:
    """Name the nearest of eight directions; north is 0 degrees, east 90."""
    return COMPASS[round(bearing_deg / 45.0) % 8]


def step_text(step: Step, language: str) -> str:
    """Say what to do where a step begins."""
    if step.turn is Turn.DEPART:
        heading = say(f"roads.compass.{compass_point(step.bearing_deg)}", language)
        doing = say("roads.turn.depart", language, heading=heading)
    else:
        doing = say(f"roads.turn.{step.turn.value}", language)
    if step.road_name is None:
        return doing
    key = "roads.along_road" if step.turn in (Turn.DEPART, Turn.STRAIGHT) else "roads.onto_road"
    return say(key, language, doing=doing, road=step.road_name)
