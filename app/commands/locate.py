"""`./mainline locate`: where is this, on the map and on the network; for one caller, or for a file of what callers said."""

import argparse
import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from app.provision import workspace_settings, workspaces
from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line, written_whole
from app.provision.progress import step
from app.provision.state import open_state
from core.db import session_factory
from core.errors import MainlineError
from core.settings import Settings
from gis.coordinates import Datum, LonLat, to_wgs84
from gis.errors import AddressNotFound, BadCoordinate, NoMainNearby, NoServiceArea
from gis.geocoding import AddressCandidate, geocode
from gis.location import Location, locate
from gis.phones import to_e164

ANSWER = ("query_id", "lon", "lat", "confidence", "method", "matched")


def run(options: argparse.Namespace) -> int:
    """Answer one question, or a file of them."""
    factory = session_factory(workspaces.ensure_database(options.workspace), pool_size=1)
    with factory() as session:
        if options.queries:
            return _answer_file(session, options.queries, options.out)
        result = _located(session, options, _habits(options.workspace))
    if options.json:
        write_json(result)
    else:
        _show(result)
    return 0


@dataclass(frozen=True, slots=True)
class Habits:
    """How the workspace locates: the settings of its processes."""

    phone_region: str
    radius_m: float
    accuracy_m: float


def _habits(workspace: str) -> Habits:
    """Read the workspace's settings; the environment comes before its file."""
    told = workspace_settings.read(open_state().workspace(workspace)) | os.environ

    def value(name: str) -> Any:  # of the setting's own type
        given = told.get(f"MAINLINE_{name.upper()}")
        field = Settings.model_fields[name]
        return (
            field.default
            if given is None
            else TypeAdapter[Any](field.annotation or str).validate_python(given)
        )

    return Habits(value("phone_region"), value("locate_radius_m"), value("gps_accuracy_default_m"))


# --- a file ----------------------------------------------------------------------------------------


def _answer_file(session: Session, queries: Path, out: Path) -> int:
    """Write an answer for every line; the file appears when it is whole."""
    with (
        step("locating"),
        written_whole(out) as partial,
        partial.open("w", newline="", encoding="utf-8") as lines,
    ):
        writer = csv.writer(lines)
        writer.writerow(ANSWER)
        for query_id, words in _queries(queries):
            writer.writerow((query_id, *_answer(geocode(session, words, limit=1))))
    return 0


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    try:
        words = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ProvisionError(f"{path}: cannot be read: {error}") from error
    reader = csv.DictReader(io.StringIO(words, newline=""))
    missing = [name for name in ("query_id", "text") if name not in (reader.fieldnames or ())]
    if missing:
        raise ProvisionError(f"{path}: line 1: no column {', '.join(missing)}")
    try:
        for row in reader:
            if row["query_id"] is None or row["text"] is None:
                raise ProvisionError(f"{path}: line {reader.line_num}: fewer fields than columns")
            yield row["query_id"], row["text"]
    except csv.Error as error:
        raise ProvisionError(f"{path}: line {reader.line_num}: {error}") from error


def _answer(found: list[AddressCandidate]) -> tuple[object, ...]:
    if not found:
        return "", "", 0.0, "", ""
    best = found[0]
    return (
        round(best.point.lon, 7),
        round(best.point.lat, 7),
        round(best.confidence, 4),
        best.kind.value,
        best.text,
    )


# --- one question ----------------------------------------------------------------------------------


def _located(session: Session, options: argparse.Namespace, habits: Habits) -> dict[str, Any]:
    """Find the place, and the main where a network is loaded; words alone are answered without one too."""
    point = _point(options.lonlat, Datum(options.datum)) if options.lonlat else None
    phone = to_e164(options.phone, region=habits.phone_region) if options.phone else None
    if options.phone and phone is None:
        raise ProvisionError(f"{options.phone}: is no phone number")
    candidates = geocode(session, options.text) if options.text else []
    try:
        place = locate(
            session,
            account_no=options.account,
            phone=phone,
            address_text=options.text,
            point=point,
            accuracy_m=habits.accuracy_m,
            radius_m=habits.radius_m,
        )
    except (NoServiceArea, NoMainNearby) as error:
        if not candidates:
            raise ProvisionError(error.detail) from error
        place = None
    except AddressNotFound as error:
        raise ProvisionError(f"{options.text}: {error.detail}") from error
    except MainlineError as error:
        raise ProvisionError(error.detail) from error
    return _result(place, candidates)


def _point(lonlat: str, datum: Datum) -> LonLat:
    try:
        lon, lat = (float(part) for part in lonlat.split(","))
        return to_wgs84(LonLat(lon=lon, lat=lat), datum)
    except (ValueError, BadCoordinate) as error:
        raise ProvisionError(
            f"--lonlat {lonlat}: give longitude and latitude in degrees, as 24.94,60.17"
        ) from error


def _result(place: Location | None, candidates: list[AddressCandidate]) -> dict[str, Any]:
    """Tell the place as it was understood, and the main under `network`, each with how sure it is."""
    if candidates:
        best = candidates[0]
        point, confidence, method, matched = best.point, best.confidence, best.kind.value, best.text
    else:
        assert place is not None  # what is not said in words is located on the network, or refused
        point, confidence, method = place.point, place.confidence, place.method.value
        matched = place.address_text or ""
    return {
        "lon": round(point.lon, 7),
        "lat": round(point.lat, 7),
        "confidence": round(confidence, 4),
        "method": method,
        "matched": matched,
        "network": None
        if place is None
        else {
            "pipe": place.pipe_code,
            "method": place.method.value,
            "confidence": round(place.confidence, 4),
            "chainage_m": round(place.chainage_m, 2),
            "side": place.side.value,
            "segment": place.segment_id,
            "street": place.street,
            "margin": round(place.margin, 4),
            "distance_m": round(place.distance_m, 2),
            "account": place.account_no,
            "alternatives": [
                {
                    "pipe": one.pipe_code,
                    "confidence": round(one.confidence, 4),
                    "distance_m": round(one.distance_m, 2),
                }
                for one in place.alternatives
            ],
        },
        "candidates": [
            {
                "text": one.text,
                "kind": one.kind.value,
                "lon": round(one.point.lon, 7),
                "lat": round(one.point.lat, 7),
                "confidence": round(one.confidence, 4),
                "error_m": round(one.error_m, 1),
            }
            for one in candidates
        ],
    }


def _show(result: dict[str, Any]) -> None:
    write_line(
        f"{result['matched'] or ''}  {result['lon']}, {result['lat']}  {result['method']}, confidence {result['confidence']:.2f}".strip()
    )
    network = result["network"]
    if network is not None:
        write_line(
            f"  pipe {network['pipe']} at {network['chainage_m']} m, {network['side']} side, segment {network['segment']}, "
            f"{network['distance_m']} m away"
        )
    for one in result["candidates"][1:]:
        write_line(
            f"  or {one['text']}  {one['lon']}, {one['lat']}  {one['kind']}, confidence {one['confidence']:.2f}"
        )
