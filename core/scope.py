"""The part of a person's scope that is a place."""

WGS84_SRID = 4326
"""EPSG code of WGS 84; the storage CRS. `gis/coordinates.py` speaks of coordinates, this package only keeps areas of rights."""
