"""Layers in whatever systems, brought into one plane of metres to work in, and from there to longitude and latitude."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coordinates import WGS84_SRID, LonLat, MetricPlane, metric_plane, straight_line_m
from gis.errors import BadNetworkFile
from gis.network_import.crs import (
    Placing,
    SourceSystem,
    metric_srid_for,
    place_on_earth,
    stated_system,
)
from gis.network_import.draft import LOCAL, Problem
from gis.network_import.features import Features, Lines
from gis.network_import.layers import is_geojson

STRAY_M = 300_000.0
"""What lies farther from the rest has a wrong coordinate: no utility's network is that wide."""


@dataclass(frozen=True, slots=True)
class Plane:
    """The plane everything is joined and measured in.

    Parameters
    ----------
    srid
        EPSG code; none for a network without a place on Earth.
    crs
        The sources' systems, as a draft tells them.
    transformation
        How PROJ placed them.
    """

    srid: int | None
    crs: str
    transformation: str | None
    _system: Placing | MetricPlane | None

    def degrees(self, shapes: Any) -> Lines:
        """Give plane shapes in longitude and latitude, all None without a place on Earth."""
        if self._system is None:
            return np.full(len(shapes), None, dtype=object)
        to_degrees = self._system.to_degrees
        return np.asarray(
            shapely.transform(shapes, lambda xy: np.column_stack(to_degrees(xy[:, 0], xy[:, 1]))),
            dtype=object,
        )


def to_one_plane(
    features: Sequence[Features], stated: SourceSystem | None, problems: tuple[list[Problem], list[Problem]]
) -> tuple[list[Features], Plane]:
    """Bring features into one plane; those whose coordinates make no sense are rejected and lose their shape.

    Parameters
    ----------
    features
        The pipes' first: their system is measured in, if it is fit for it.
    stated
        The system of layers that name none.

    Raises
    ------
    BadNetworkFile
        A layer names no system and none is stated, or the coordinates cannot be in it.
    """
    rejected, warnings = problems
    drawn = [_finite(one, rejected) for one in features]
    systems = [_system_of(one, stated, warnings) for one in drawn]
    has_shape = [bool((~shapely.is_missing(one.shapes)).any()) for one in drawn]
    used = [system for system, is_drawn in zip(systems, has_shape, strict=True) if is_drawn]
    if any(system.crs is None for system in used):
        if any(system.crs is not None for system in used):
            raise BadNetworkFile(
                "some layers have a place on Earth and others are local: they do not fit together"
            )
        return drawn, Plane(None, LOCAL, None, None)
    placings: dict[str, Placing] = {}
    in_degrees: list[Lines] = []
    for one, system, is_drawn in zip(drawn, systems, has_shape, strict=True):
        if not is_drawn:
            in_degrees.append(one.shapes)
            continue
        pairs = shapely.get_coordinates(one.shapes)
        try:
            placing = place_on_earth(system, pairs[:, 0], pairs[:, 1])
        except BadNetworkFile as error:
            raise BadNetworkFile(f"{one.layer.file}, layer {one.layer.name}: {error.detail}") from error
        if system.label not in placings:
            placings[system.label] = placing
            if placing.caution:
                warnings.append(Problem(one.layer.name, "", placing.caution))
        in_degrees.append(placings[system.label].geometries(one.shapes))
    centre = _centre(in_degrees)
    srid = metric_srid_for(used, centre)
    own = next((system for system in used if system.crs is not None and system.crs.to_epsg() == srid), None)
    working: Placing | MetricPlane = placings[own.label] if own is not None else metric_plane(srid)
    result = []
    for one, system, degrees in zip(drawn, systems, in_degrees, strict=True):
        near = _near(one, degrees, centre, rejected)
        if own is None or system.label != own.label:
            one = one.kept(np.arange(len(one)), _projected(working, degrees))
        result.append(one if near.all() else one.kept(near))
    return result, Plane(
        srid,
        ",".join(dict.fromkeys(system.label for system in used)),
        "; ".join(one.described for one in placings.values()),
        working,
    )


def _projected(plane: Placing | MetricPlane, degrees: Lines) -> Lines:
    return np.asarray(
        shapely.transform(degrees, lambda xy: np.column_stack(plane.to_plane(xy[:, 0], xy[:, 1]))),
        dtype=object,
    )


def _system_of(one: Features, stated: SourceSystem | None, warnings: list[Problem]) -> SourceSystem:
    """Take the mapping's word, else the file's, else what was stated for files that say nothing; never guess."""
    layer, own = one.layer, one.layer.system
    if one.rule.crs is not None:
        system = stated_system(one.rule.crs)
        if own is not None and own.label != system.label:
            warnings.append(
                Problem(
                    layer.name,
                    "",
                    f"its file names {own.label}; it was read in {system.label} as the mapping says",
                )
            )
        return system
    if own is not None:
        if stated is not None and stated.crs is None:
            raise BadNetworkFile(
                f"{layer.file}, layer {layer.name}: it names {own.label}: leave --crs local out, or say local in the mapping"
            )
        if stated is not None and stated.label != own.label:
            warnings.append(
                Problem(
                    layer.name,
                    "",
                    f"it names {own.label} and was read in that; {stated.label} is for layers that name none",
                )
            )
        return own
    if stated is not None:
        return stated
    if is_geojson(layer):
        return stated_system(f"EPSG:{WGS84_SRID}")
    raise BadNetworkFile(
        f"{layer.file}, layer {layer.name}: it names no coordinate system: give --crs EPSG:NUMBER, or crs in the mapping"
    )


def _finite(one: Features, rejected: list[Problem]) -> Features:
    """Turn axes where the mapping says so, and reject what has no number for a coordinate."""
    shapes = one.shapes
    if one.rule.swap_axes:
        shapes = np.asarray(shapely.transform(shapes, lambda xy: xy[:, (1, 0)]), dtype=object)
    pairs, owner = shapely.get_coordinates(shapes, return_index=True)
    broken = np.unique(owner[~np.isfinite(pairs).all(axis=1)])
    if len(broken):
        shapes = shapes.copy()
        shapes[broken] = None
        rejected += [
            Problem(one.layer.name, one.codes[row], "a coordinate is no number") for row in broken.tolist()
        ]
    kept = one.kept(np.arange(len(one)), shapes)
    if not len(broken):
        return kept
    stay = np.ones(len(one), dtype=np.bool_)
    stay[broken] = False
    return kept.kept(stay)


def _centre(in_degrees: Sequence[Lines]) -> LonLat:
    pairs = np.vstack([shapely.get_coordinates(shapes) for shapes in in_degrees])
    known = pairs[np.isfinite(pairs).all(axis=1)]
    return LonLat(lon=float(np.median(known[:, 0])), lat=float(np.median(known[:, 1])))


def _near(one: Features, degrees: Lines, centre: LonLat, rejected: list[Problem]) -> NDArray[np.bool_]:
    """Tell what lies near the rest; reject what is off the Earth or hundreds of kilometres away: zeros, a digit too many."""
    pairs, owner = shapely.get_coordinates(degrees, return_index=True)
    finite = np.isfinite(pairs).all(axis=1)
    away = np.hypot((pairs[:, 0] - centre.lon) * np.cos(np.radians(centre.lat)), pairs[:, 1] - centre.lat)
    degree_m = straight_line_m(LonLat(lon=0.0, lat=0.0), LonLat(lon=0.0, lat=1.0))
    near = np.ones(len(one), dtype=np.bool_)
    near[owner[~finite | (away * degree_m > STRAY_M)]] = False
    rejected += [
        Problem(one.layer.name, one.codes[row], f"it lies more than {STRAY_M / 1000:.0f} km from the rest")
        for row in np.flatnonzero(~near).tolist()
    ]
    return near
