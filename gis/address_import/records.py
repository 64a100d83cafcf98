"""An address and a road as their file gives them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import shapely

from gis.coordinates import LonLat
from gis.errors import BadAddressFile

HOUSE_DIGITS_MAX = 9
TEXT_MAX = 500
_HAN = re.compile(r"[㐀-鿿]")
_HOUSE = re.compile(r"^\s*([0-9]+)")


class Source(StrEnum):
    """What kind of file brought an address; the next of its kind replaces it."""

    TABLE = "table"
    LAYER = "layer"
    OSM = "osm"


@dataclass(frozen=True, slots=True)
class ImportedAddress:
    """One address as its file gives it, its place in WGS 84."""

    code: str
    district: str
    road: str
    house_number: str
    place: str
    building: str
    postcode: str
    point: LonLat

    @property
    def ordinal(self) -> int | None:
        """Leading digits of the house number."""
        match = _HOUSE.match(self.house_number)
        return int(match[1]) if match and len(match[1]) <= HOUSE_DIGITS_MAX else None

    def text(self) -> str:
        """Write the address as one line, as its language does."""
        if _HAN.search(self.road + self.place):
            number = f"{self.house_number}号" if self.house_number.isdecimal() else self.house_number
            building = f"{self.building}幢" if self.building.isdecimal() else self.building
            return f"{self.district}{self.road}{number}{self.place}{building}"
        parts = (f"{self.road} {self.house_number}", f"{self.place} {self.building}", self.district)
        return ", ".join(part.strip() for part in parts if part.strip())


@dataclass(frozen=True, slots=True)
class ImportedRoad:
    """One road as its file gives it, in WGS 84."""

    name: str
    district: str
    line: shapely.MultiLineString


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of a table or a feature of a layer left out, by its number, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class AddressFile:
    """What a file of addresses holds."""

    addresses: list[ImportedAddress]
    rejected: list[Rejected]


def refuse_odd_text(where: str, texts: Iterable[str]) -> None:
    """Refuse what no address is written with.

    Raises
    ------
    BadAddressFile
        A text is too long, or holds a character that is none.
    """
    for text in texts:
        if len(text) > TEXT_MAX:
            raise BadAddressFile(f"{where}: a field is longer than {TEXT_MAX} characters.")
        if "\x00" in text:
            raise BadAddressFile(f"{where}: holds a character that is no text.")
