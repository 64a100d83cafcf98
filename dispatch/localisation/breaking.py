"""How readily mains break: the belief before anybody has called."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from gis.isolation.arrays import Floats

MATERIAL_FACTOR: Final = {
    "cast_iron": 2.5,
    "asbestos_cement": 0.75,
    "steel": 0.55,
    "ductile_iron": 0.4,
    "concrete": 0.25,
    "plastic": 0.2,
}
"""Breaks a kilometre beside the mean of all mains: 34.8, 10.4, 7.6, 5.5, 3.1 and 2.3 a hundred miles and year beside 14.0.

Folkman (2018), Water main break rates in the USA and Canada, Utah State University.
"""
MATERIAL_WORDS: Final = {
    "cast_iron": ("ci", "cast iron", "grey iron", "gray iron", "灰口铸铁", "灰铁", "铸铁", "铸铁管"),
    "asbestos_cement": ("ac", "acp", "asbestos cement", "fibro", "石棉水泥", "石棉"),
    "steel": ("st", "steel", "ms", "mscl", "gs", "galvanised", "galvanized", "galvanised steel", "钢", "钢管", "镀锌", "镀锌钢管"),
    "ductile_iron": ("di", "dip", "dicl", "ductile iron", "ductile", "球墨", "球铁", "球墨铸铁", "球墨铸铁管"),
    "concrete": ("pccp", "rcp", "concrete", "prestressed concrete", "混凝土", "预应力混凝土", "砼"),
    "plastic": ("pvc", "upvc", "pvc-u", "pvc-o", "pvcu", "pe", "hdpe", "mdpe", "pe100", "pe80", "ppr", "pp-r", "塑料", "聚乙烯", "聚氯乙烯"),
}  # fmt: skip
"""What records call them; a material that is not among them counts as the mean."""

AGE_MEAN_YEARS: Final = 40.0
AGE_DOUBLES_YEARS: Final = 35.0
"""Breaks grow exponentially with age (Shamir and Howard 1979); so slowly, because the material has most of it in it already."""
AGE_FACTOR_RANGE: Final = (0.5, 2.5)

DIAMETER_MEAN_MM: Final = 150.0
DIAMETER_POWER: Final = -0.6
"""Small mains break more often (Kettler and Goulter 1985), being thinner and bending more."""
DIAMETER_FACTOR_RANGE: Final = (0.3, 1.5)

_FACTOR_OF_WORD: Final = {
    word: MATERIAL_FACTOR[kind] for kind, words in MATERIAL_WORDS.items() for word in words
}


def proneness(
    length_m: Floats,
    *,
    diameter_mm: Floats,
    material: Sequence[str],
    install_year: Floats,
    this_year: int,
) -> Floats:
    """Tell how likely each main is to break, beside the others: kilometres times factors for age, material and diameter.

    Parameters
    ----------
    length_m
        Length of each main.
    diameter_mm, install_year
        Not a number where it is not known; then its factor is one.
    material
        As the records have it; one that is not known has the factor one.
    this_year
        From which age is counted.
    """
    by_material = np.array([_FACTOR_OF_WORD.get(one.strip().lower(), 1.0) for one in material])
    years = this_year - install_year
    by_age = np.clip(2.0 ** ((years - AGE_MEAN_YEARS) / AGE_DOUBLES_YEARS), *AGE_FACTOR_RANGE)
    by_diameter = np.clip((diameter_mm / DIAMETER_MEAN_MM) ** DIAMETER_POWER, *DIAMETER_FACTOR_RANGE)
    known = np.nan_to_num(by_age, nan=1.0) * np.nan_to_num(by_diameter, nan=1.0)
    return np.asarray(length_m / 1000.0 * by_material * known, dtype=np.float64)
