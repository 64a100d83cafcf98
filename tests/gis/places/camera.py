"""A camera: pictures whose left half is red and right half blue, with whatever EXIF is wanted."""

import io

from PIL import Image

from gis.coordinates import LonLat

PAYLOAD = b"<script>document.cookie</script>"


def photo(
    form: str = "JPEG",
    *,
    size: tuple[int, int] = (64, 48),
    colour: str = "blue",
    orientation: int | None = None,
    place: LonLat | None = None,
    taken: str | None = None,
    words: str | None = None,
) -> bytes:
    """Take a picture.

    Parameters
    ----------
    colour
        Of the right half; another one is another picture.
    """
    image = Image.new("RGB", size, colour)
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    if words is not None:
        exif[0x010E] = words
    if taken is not None:
        exif.get_ifd(0x8769)[0x9003] = taken
    if place is not None:
        exif.get_ifd(0x8825).update(
            {
                1: "N" if place.lat >= 0 else "S",
                2: (abs(place.lat), 0.0, 0.0),
                3: "E" if place.lon >= 0 else "W",
                4: (abs(place.lon), 0.0, 0.0),
            }
        )
    file = io.BytesIO()
    more = {"comment": words.encode()} if words is not None and form == "JPEG" else {}
    image.save(file, form, exif=exif, **more)
    return file.getvalue()


def red_left(image: Image.Image) -> bool:
    """Whether it is such a picture, upright."""
    left, right = (
        image.convert("RGB").getpixel((x, image.height // 2))
        for x in (image.width // 8, image.width - image.width // 8)
    )
    return left[0] > 200 > left[2] and right[2] > 200 > right[0]
