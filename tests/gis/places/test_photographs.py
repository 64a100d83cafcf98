"""Files sent as pictures, friendly and hostile."""

import io
import struct
import zlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gis.coordinates import LonLat
from gis.errors import BadPicture, PictureTooLarge
from gis.places.photographs import (
    PIXELS_MAX,
    SIDE_MAX,
    THUMBNAIL_SIDE_MAX,
    Photograph,
    place_of,
    read_photograph,
    time_of,
)
from tests.gis.places.camera import PAYLOAD, photo, red_left

SHANGHAI = ZoneInfo("Asia/Shanghai")
JPEG, PNG, WEBP = photo("JPEG"), photo("PNG"), photo("WEBP")


def read(sent: bytes) -> Photograph:
    return read_photograph(sent, zone=SHANGHAI)


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("sent", [JPEG, PNG, WEBP], ids=["jpeg", "png", "webp"])
def test_each_kind_becomes_a_plain_jpeg_with_a_thumbnail(sent: bytes) -> None:
    made = read(sent)
    image, small = opened(made.content), opened(made.thumbnail)
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (made.width, made.height))
    assert max(small.size) <= THUMBNAIL_SIDE_MAX
    assert red_left(image)


def test_a_picture_sent_through_two_cameras_at_once_is_one_picture() -> None:
    """Phones write JPEG files of several pictures, the second one a map of depths or brightness."""
    file = io.BytesIO()
    first, second = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (40, 30), "blue")
    first.save(file, "MPO", save_all=True, append_images=[second])
    made = opened(read(file.getvalue()).content)
    red, _, blue = made.getpixel((20, 15))
    assert red > 200
    assert blue < 60


def test_a_large_picture_is_made_smaller_and_keeps_its_shape() -> None:
    made = read(photo("JPEG", size=(SIDE_MAX * 2, SIDE_MAX)))
    assert (made.width, made.height) == (SIDE_MAX, SIDE_MAX // 2)
    small = opened(made.thumbnail)
    assert small.size == (THUMBNAIL_SIDE_MAX, THUMBNAIL_SIDE_MAX // 2)


@pytest.mark.parametrize(
    ("orientation", "red_at"), [(1, (5, 20)), (2, (55, 20)), (3, (55, 20)), (6, (20, 5)), (8, (20, 55))]
)
def test_a_picture_is_turned_upright(orientation: int, red_at: tuple[int, int]) -> None:
    """A camera held on its side writes the picture lying and says so: 6 and 8 swap width and height, red left becomes top or bottom."""
    made = read(photo("JPEG", size=(60, 40), orientation=orientation))
    image = opened(made.content)
    assert image.size == ((40, 60) if orientation in (6, 8) else (60, 40))
    red, _, blue = image.getpixel(red_at)
    assert (red > 200, blue < 60) == (True, True)
    assert image.getexif().get(0x0112) is None


def test_what_is_transparent_becomes_white() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(file, "PNG")
    assert opened(read(file.getvalue()).content).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK", "F"])
def test_pictures_of_other_colours_are_read_or_refused_by_name(mode: str) -> None:
    file = io.BytesIO()
    form = {"CMYK": "JPEG"}.get(mode, "PNG")
    image = Image.new("L", (20, 10), 128) if mode == "F" else Image.new(mode, (20, 10))
    image.save(file, form)
    assert read(file.getvalue()).width == 20


def test_nothing_of_the_file_is_left_but_what_is_seen() -> None:
    """EXIF with place and words, a comment, and a page hidden behind the last byte."""
    sent = photo("JPEG", place=LonLat(lon=121.5, lat=31.25), words=PAYLOAD.decode()) + PAYLOAD
    assert sent.count(PAYLOAD) >= 2
    made = read(sent)
    for kept in (made.content, made.thumbnail):
        assert PAYLOAD not in kept
        assert b"Exif" not in kept
        assert opened(kept).info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_place_and_time_are_read_from_the_file() -> None:
    made = read(photo("JPEG", place=LonLat(lon=-58.5, lat=-34.25), taken="2026:03:02 08:00:00"))
    assert made.place == LonLat(lon=-58.5, lat=-34.25)
    assert made.taken_at == datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


def test_a_camera_that_says_its_zone_is_believed() -> None:
    camera = {0x9003: "2026:03:02 08:00:00", 0x9011: "+02:00"}
    assert time_of(camera, zone=SHANGHAI) == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
    assert time_of(camera | {0x9011: "nonsense"}, zone=SHANGHAI) == datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    assert time_of({0x9003: "0000:00:00 00:00:00"}, zone=SHANGHAI) is None
    assert time_of({}, zone=SHANGHAI) is None


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {1: "X", 2: (31.0, 0.0, 0.0), 3: "E", 4: (121.0, 0.0, 0.0)},
        {1: "", 2: (31.0, 0.0, 0.0), 3: "E", 4: (121.0, 0.0, 0.0)},
        {1: "N", 2: (31.0,), 3: "E", 4: (121.0, 0.0, 0.0)},
        {1: "N", 2: "31", 3: "E", 4: b"\0"},
        {1: "N", 2: (float("nan"), 0.0, 0.0), 3: "E", 4: (121.0, 0.0, 0.0)},
    ],
)
def test_a_place_that_is_none_is_not_believed(gps: dict[int, object]) -> None:
    assert place_of(gps) is None


def test_degrees_minutes_and_seconds_make_a_place() -> None:
    gps = {1: "S", 2: (33.0, 51.0, 36.0), 3: "W", 4: (70.0, 30.0, 0.0)}
    assert place_of(gps) == LonLat(lon=-70.5, lat=-33.86)


# --- hostile ---------------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, more: bytes = b"", rows: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        GIF,
        JPEG[:20],
        JPEG[: len(JPEG) // 2],
        PNG[: len(PNG) // 2],
        WEBP[: len(WEBP) // 2],
        b"\xff\xd8\xff\xe0" + b"\0" * 100,
        png(100, 100, rows=b"\0" * 50),
        png(
            100,
            100,
            more=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 100_000_000, 9)),
            rows=b"\0" * 10_100,
        ),
    ],
    ids=[
        "nothing",
        "svg",
        "html",
        "pdf",
        "zip",
        "gif",
        "jpeg's head",
        "half a jpeg",
        "half a png",
        "half a webp",
        "false jpeg",
        "png that ends early",
        "png with a bomb in its words",
    ],
)
def test_what_is_no_whole_picture_is_refused(sent: bytes) -> None:
    with pytest.raises(BadPicture):
        read(sent)


@pytest.mark.parametrize("side", [8_000, 100_000])
def test_a_small_file_that_would_unpack_into_a_huge_picture_is_refused_unread(side: int) -> None:
    assert side * side > PIXELS_MAX
    with pytest.raises(PictureTooLarge):
        read(png(side, side))


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    at=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=20),
    sent=st.sampled_from([JPEG, PNG, WEBP, photo("JPEG", orientation=6, place=LonLat(lon=1.0, lat=1.0))]),
)
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_read_or_refused_by_name(at: list[tuple[int, int]], sent: bytes) -> None:
    broken = bytearray(sent)
    for place, value in at:
        broken[place % len(broken)] = value
    try:
        made = read(bytes(broken))
    except (BadPicture, PictureTooLarge):
        return
    assert opened(made.content).size == (made.width, made.height)
