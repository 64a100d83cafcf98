"""What phones say; the numbers are taken from the format's own vectors."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gis.coordinates import LonLat
from tracker.dropped import DropReason
from tracker.owntracks import Fix, Ignored, LastWill, Refused, read_message

TOPIC = "owntracks/C-07/phone"
LOCATION = {"_type": "location", "lat": 53.430722, "lon": 5.112126, "tst": 1701263310}


def read(fields: object, *, topic: str = TOPIC) -> object:
    (reading,) = read_message(topic, json.dumps(fields).encode())
    return reading


def test_location_comes_in_our_words_and_units() -> None:
    said = LOCATION | {"acc": 9, "vel": 36, "cog": 252, "batt": 94, "alt": 93, "conn": "w", "t": "p"}
    assert read(said) == Fix(
        username="C-07",
        device="phone",
        recorded_at=datetime(2023, 11, 29, 13, 8, 30, tzinfo=UTC),
        point=LonLat(lon=5.112126, lat=53.430722),
        accuracy_m=9.0,
        speed_mps=10.0,
        course_deg=252.0,
        battery_pct=94.0,
    )


def test_time_of_the_fix_counts_not_the_time_of_the_message() -> None:
    fix = read(LOCATION | {"created_at": 1701270000})
    assert isinstance(fix, Fix)
    assert fix.recorded_at == datetime(2023, 11, 29, 13, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "value", "field"),
    [
        ("vel", -1, "speed_mps"),
        ("vel", "fast", "speed_mps"),
        ("cog", -1, "course_deg"),
        ("cog", 361, "course_deg"),
        ("acc", 0, "accuracy_m"),
        ("acc", -5, "accuracy_m"),
        ("batt", True, "battery_pct"),
        ("batt", 10**400, "battery_pct"),
    ],
)
def test_optional_value_that_means_nothing_is_unknown(word: str, value: object, field: str) -> None:
    fix = read(LOCATION | {word: value})
    assert isinstance(fix, Fix)
    assert getattr(fix, field) is None


def test_course_of_360_is_north() -> None:
    fix = read(LOCATION | {"cog": 360})
    assert isinstance(fix, Fix)
    assert fix.course_deg == 0.0


def test_crossing_a_region_is_a_position_too() -> None:
    said = {"_type": "transition", "acc": 6, "event": "enter", "lat": 61.2, "lon": 9.7, "tst": 1701264368}
    fix = read(said | {"wtst": 1610104404}, topic=f"{TOPIC}/event")
    assert isinstance(fix, Fix)
    assert fix.point == LonLat(lon=9.7, lat=61.2)
    assert read(said) == Refused(DropReason.MALFORMED)  # without the region's own time it is no transition


def test_last_will_is_told_by_its_type() -> None:
    assert read({"_type": "lwt", "tst": 1699882482}) == LastWill("C-07", "phone")


def test_known_types_without_a_position_are_ignored() -> None:
    assert read({"_type": "waypoint"}) == Ignored("C-07", "phone", "waypoint")
    assert read({"_type": "status", "iOS": {}}, topic=f"{TOPIC}/status") == Ignored("C-07", "phone", "status")


def test_list_gives_one_reading_each() -> None:
    readings = read_message(TOPIC, json.dumps([LOCATION, {"_type": "lwt", "tst": 1}, 7]).encode())
    assert [type(reading) for reading in readings] == [Fix, LastWill, Refused]
    assert read_message(TOPIC, b"[]") == ()


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "owntracks",
        "owntracks/C-07",
        "owntracks/C-07/phone/a/b",
        "positions/C-07/phone",
        "owntracks//phone",
        "owntracks/C-07/",
        f"owntracks/C-07/{'x' * 61}",
        "owntracks/C-07/ph\x07one",
    ],
)
def test_topic_of_another_form_is_refused(topic: str) -> None:
    assert read(LOCATION, topic=topic) == Refused(DropReason.WRONG_TOPIC)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"lat=1",
        b"{",
        b"\xff\xfe",
        b"[" * 50000,
        b'{"_type":"location","lat":NaN,"lon":1,"tst":1}',
        b'{"_type":"location","lat":Infinity,"lon":1,"tst":1}',
        b"1" * 5000,
    ],
)
def test_what_is_no_json_is_refused(payload: bytes) -> None:
    assert read_message(TOPIC, payload) == (Refused(DropReason.NOT_JSON),)


def test_oversize_is_refused_unread() -> None:
    payload = json.dumps(LOCATION | {"poi": "x" * 70_000}).encode()
    assert read_message(TOPIC, payload) == (Refused(DropReason.OVERSIZE),)
    (reading,) = read_message(TOPIC, payload, bytes_max=100_000)
    assert isinstance(reading, Fix)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, DropReason.UNKNOWN_TYPE),
        ("location", DropReason.MALFORMED),
        ({"_type": "teleport"}, DropReason.UNKNOWN_TYPE),
        ({"_type": ["location"]}, DropReason.UNKNOWN_TYPE),
        ({"_type": "location", "lon": 1, "tst": 1}, DropReason.NO_POSITION),
        (LOCATION | {"lat": None}, DropReason.NO_POSITION),
        (LOCATION | {"lat": "53.4"}, DropReason.NO_POSITION),
        (LOCATION | {"lon": True}, DropReason.NO_POSITION),
        (LOCATION | {"lon": [5.1]}, DropReason.NO_POSITION),
        (LOCATION | {"lat": 116.4, "lon": 39.9}, DropReason.OUT_OF_RANGE),  # Beijing with its axes swapped
        (LOCATION | {"lon": 180.1}, DropReason.OUT_OF_RANGE),
        ({"_type": "location", "lat": 1, "lon": 1}, DropReason.BAD_TIME),
        (LOCATION | {"tst": "now"}, DropReason.BAD_TIME),
        (LOCATION | {"tst": -1}, DropReason.BAD_TIME),
        (LOCATION | {"tst": 1701263310000}, DropReason.BAD_TIME),  # milliseconds
        (LOCATION | {"tst": 10**400}, DropReason.BAD_TIME),
        ({"_type": "encrypted", "data": "YWJjZGUK"}, DropReason.ENCRYPTED),
        ({"_type": "encrypted"}, DropReason.MALFORMED),
        ({"_type": "cmd", "action": {}}, DropReason.MALFORMED),
        ({"_type": "request", "request": "untour", "uuid": 7}, DropReason.MALFORMED),
    ],
)
def test_nonsense_is_refused_with_its_reason(fields: object, reason: DropReason) -> None:
    assert read(fields) == Refused(reason)


DATA = Path(os.environ.get("MAINLINE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "owntracks"


@pytest.mark.skipif(not (DATA / "expectations.json").exists(), reason="no OwnTracks vectors here")
def test_accepts_and_refuses_what_the_formats_own_schema_does() -> None:
    expectations = json.loads((DATA / "expectations.json").read_text())
    assert len(expectations) > 40
    wrong = []
    for name, expected in expectations.items():
        path = DATA / "vectors" / name
        readings = read_message(TOPIC, path.read_bytes(), bytes_max=1_000_000)
        # What is encrypted is well-formed, but of no use without the phone's key.
        is_accepted = all(
            not isinstance(reading, Refused) or reading.reason == DropReason.ENCRYPTED for reading in readings
        )
        if is_accepted != expected["valid"]:
            wrong.append((name, readings))
    assert wrong == []
