"""Files sent as pictures, read with suspicion: what comes out is drawn anew and holds nothing but what is seen."""

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image

from gis.coordinates import LonLat
from gis.errors import BadCoordinate, BadPicture, PictureTooLarge

FORMATS: Final = ("JPEG", "PNG", "WEBP")
MEDIA_TYPE: Final = "image/jpeg"
"""Of everything kept."""
PIXELS_MAX: Final = 50_000_000
"""Width by height of what is unpacked at all: a small file may unpack into anything."""
SIDE_MAX: Final = 2560
"""Longer side of what is kept, pixels."""
THUMBNAIL_SIDE_MAX: Final = 320
QUALITY: Final = 85
PAPER: Final = "white"
"""What shows through where a picture is transparent."""
# What Pillow raises on files that are damaged, cut off or made to hurt.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by EXIF's orientation."""
_UNPACKING = Lock()
"""One picture at a time: unpacked it takes up to 200 MB."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture drawn anew, and what its file said of itself."""

    content: bytes
    thumbnail: bytes
    width: int
    height: int
    place: LonLat | None
    taken_at: datetime | None


def read_photograph(sent: bytes, *, zone: ZoneInfo) -> Photograph:
    """Read a file as a picture, turn it upright, make it no larger than `SIDE_MAX` and draw it anew.

    Parameters
    ----------
    zone
        Where the camera's clock was set, if it does not say so.

    Raises
    ------
    BadPicture
        It is no JPEG, PNG or WebP file, or not a whole one.
    PictureTooLarge
        It unpacks into more than `PIXELS_MAX`.
    """
    with _UNPACKING:
        try:
            image = Image.open(io.BytesIO(sent), formats=FORMATS)
            if image.width * image.height > PIXELS_MAX:
                raise PictureTooLarge
            said = _said(image)
            image.draft("RGB", (SIDE_MAX, SIDE_MAX))
            drawn = _on_paper(image)
            drawn.thumbnail((SIDE_MAX, SIDE_MAX))
            if said.turn is not None:
                drawn = drawn.transpose(said.turn)
            small = drawn.copy()
            small.thumbnail((THUMBNAIL_SIDE_MAX, THUMBNAIL_SIDE_MAX))
            content, thumbnail = _jpeg(drawn), _jpeg(small)
        except Image.DecompressionBombError as error:
            raise PictureTooLarge from error
        except _UNREADABLE as error:
            raise BadPicture from error
    return Photograph(
        content=content,
        thumbnail=thumbnail,
        width=drawn.width,
        height=drawn.height,
        place=place_of(said.gps),
        taken_at=time_of(said.camera, zone=zone),
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """EXIF of a file; Any: tags hold numbers, words, bytes and tuples of them, right or wrong."""

    camera: Mapping[int, Any]
    gps: Mapping[int, Any]
    turn: Image.Transpose | None


def _said(image: Image.Image) -> _Said:
    """Read what a file says of itself; a file whose EXIF is broken says nothing."""
    try:
        exif = image.getexif()
        return _Said(
            camera=exif.get_ifd(ExifTags.IFD.Exif),
            gps=exif.get_ifd(ExifTags.IFD.GPSInfo),
            turn=_TURNS.get(exif.get(ExifTags.Base.Orientation, 1)),
        )
    except _UNREADABLE:
        return _Said({}, {}, None)


def _on_paper(image: Image.Image) -> Image.Image:
    """Draw a picture in plain colours on white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    paper = Image.new("RGB", image.size, PAPER)
    paper.paste(layer, mask=layer)
    return paper


def _jpeg(image: Image.Image) -> bytes:
    """Write pixels as JPEG, and nothing besides: Pillow carries comments over from what it read."""
    image.info.clear()
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def place_of(gps: Mapping[int, Any]) -> LonLat | None:
    """Read where a camera was from its EXIF; None where it does not say, or says (0, 0), as one without a fix does.

    Parameters
    ----------
    gps
        Tags of the GPS directory; Any: see `_Said`.
    """
    try:
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], {"N": 1, "S": -1})
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], {"E": 1, "W": -1})
        return LonLat(lon=lon, lat=lat) if lon or lat else None
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, BadCoordinate):
        return None


def _degrees(parts: Any, side: Any, signs: Mapping[str, int]) -> float:
    """Put degrees, minutes and seconds together (Any: see `_Said`)."""
    degrees, minutes, seconds = (float(part) for part in parts)
    return signs[str(side).strip("\0 ").upper()] * (degrees + minutes / 60 + seconds / 3600)


def time_of(camera: Mapping[int, Any], *, zone: ZoneInfo) -> datetime | None:
    """Read when a picture was taken from its EXIF; None where it does not say.

    Parameters
    ----------
    camera
        Tags of the camera's directory; Any: see `_Said`.
    zone
        Where its clock was set, if it does not say so.
    """
    try:
        said = str(camera[ExifTags.Base.DateTimeOriginal]).strip("\0 ")
        taken = datetime.strptime(said, "%Y:%m:%d %H:%M:%S").replace(tzinfo=zone)
    except (LookupError, ValueError):
        return None
    try:
        offset = str(camera[ExifTags.Base.OffsetTimeOriginal]).strip("\0 ")
        return datetime.strptime(f"{said} {offset}", "%Y:%m:%d %H:%M:%S %z")
    except (LookupError, ValueError):
        return taken
