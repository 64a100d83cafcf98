"""Invented ground: smooth hills, the same for the same place, since street extracts carry no heights."""

import numpy as np

from gis.synthetic.chance import Floats, salt_of

# Wavelength and half height of each swell, metres: long ridges, hills, knolls.
SWELLS = ((14_000.0, 26.0), (5_200.0, 11.0), (1_300.0, 2.5))
DIRECTIONS = 3
LOWEST_M = 4.0


def elevation_m(x: Floats, y: Floats) -> Floats:
    """Give the height of the ground at plane coordinates, metres above the sea."""
    height = np.zeros(len(x))
    for length, half in SWELLS:
        for number in range(DIRECTIONS):
            turn = salt_of(f"ridge {length} {number}") % 10_000 / 10_000.0
            shift = salt_of(f"shift {length} {number}") % 10_000 / 10_000.0
            angle = np.pi * (number + turn) / DIRECTIONS
            along = (x * np.cos(angle) + y * np.sin(angle)) / length
            height += half / DIRECTIONS * np.sin(2.0 * np.pi * (along + shift))
    return np.asarray(height + sum(half for _, half in SWELLS) + LOWEST_M, dtype=np.float64)
