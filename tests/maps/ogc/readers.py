"""The readers people really use, each asked the same: which features are there, and where."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyogrio
from owslib.ogcapi.features import Features
from owslib.util import Authentication

from tests.product import PASSWORD

Bounds = tuple[float, float, float, float]
Places = dict[str, tuple[float, float]]
"""By id: the middle of a feature's box, x and y as programs have them."""

QGIS_PYTHON = Path("/usr/bin/python3")
HAS_QGIS = Path("/usr/lib/python3/dist-packages/qgis/core").is_dir()


@dataclass(frozen=True)
class Asked:
    """What a reader is asked for."""

    base: str
    collection: str
    username: str = "dispatcher"
    page: int = 1000
    bbox: Bounds | None = None
    """West, south, east, north in degrees."""
    srid: int | None = None


Reader = Callable[[Asked, Path], Places]


def _middle(bounds: Bounds) -> tuple[float, float]:
    west, south, east, north = bounds
    return round((west + east) / 2, 6), round((south + north) / 2, 6)


def by_pyogrio(asked: Asked, folder: Path) -> Places:
    options = {"USERPWD": f"{asked.username}:{PASSWORD}", "PAGE_SIZE": str(asked.page)}
    if asked.srid:
        options["CRS"] = f"EPSG:{asked.srid}"
    frame = pyogrio.read_dataframe(
        f"OAPIF:{asked.base}", layer=asked.collection, bbox=asked.bbox, fid_as_index=False, **options
    )
    assert len(frame) == len(set(frame["id"]))
    return {str(row["id"]): _middle(row.geometry.bounds) for _, row in frame.iterrows()}


def by_ogr2ogr(asked: Asked, folder: Path) -> Places:
    out = folder / "out.gpkg"
    out.unlink(missing_ok=True)
    command = ["ogr2ogr", "-f", "GPKG", str(out), f"OAPIF:{asked.base}", asked.collection]
    command += ["-oo", f"USERPWD={asked.username}:{PASSWORD}", "-oo", f"PAGE_SIZE={asked.page}"]
    if asked.bbox:
        command += ["-spat", *map(str, asked.bbox), "-spat_srs", "OGC:CRS84"]
    if asked.srid:  # 3.6 does not ask servers for other systems: it turns what it got
        command += ["-t_srs", f"EPSG:{asked.srid}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    frame = pyogrio.read_dataframe(out)
    return {str(row["id"]): _middle(row.geometry.bounds) for _, row in frame.iterrows()}


def by_owslib(asked: Asked, folder: Path) -> Places:
    """OWSLib takes the axes as they come, so here they are turned by hand."""
    service = Features(
        asked.base, auth=Authentication(username=asked.username, password=PASSWORD), headers={}
    )
    assert asked.collection in service.feature_collections()
    query: dict[str, object] = {"limit": asked.page}
    if asked.bbox:
        query["bbox"] = list(asked.bbox)
    if asked.srid:
        query["crs"] = f"http://www.opengis.net/def/crs/EPSG/0/{asked.srid}"
    page = service.collection_items(asked.collection, **query)
    matched, features = page["numberMatched"], list(page["features"])
    while cursor := _cursor(page):
        page = service.collection_items(asked.collection, cursor=cursor, **query)
        assert page["numberReturned"] == len(page["features"]) <= asked.page
        features += page["features"]
    assert matched == len(features)
    is_lat_lon = asked.srid in (4326, 4490)
    return {str(one["id"]): _middle(_bounds(one["geometry"], is_lat_lon=is_lat_lon)) for one in features}


def _cursor(page: dict) -> str | None:
    following = [one["href"] for one in page["links"] if one["rel"] == "next"]
    return parse_qs(urlsplit(following[0]).query)["cursor"][0] if following else None


def _bounds(geometry: dict, *, is_lat_lon: bool) -> Bounds:
    def pairs(node: list) -> list:
        return [node] if not isinstance(node[0], list) else [pair for one in node for pair in pairs(one)]

    found = [pair[::-1] if is_lat_lon else pair for pair in pairs(geometry["coordinates"])]
    xs, ys = zip(*found, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def by_qgis(asked: Asked, folder: Path) -> Places:
    """QGIS runs under the system's Python; what it found comes back as JSON."""
    wanted = {
        "base": asked.base,
        "collection": asked.collection,
        "username": asked.username,
        "password": PASSWORD,
        "page": asked.page,
        "bbox": asked.bbox,
        "srid": asked.srid,
    }
    script = Path(__file__).with_name("qgis_script.py")
    done = subprocess.run(
        [str(QGIS_PYTHON), str(script), json.dumps(wanted)],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stdout[-2000:] + done.stderr[-2000:]
    print(done.stderr[-2000:], file=sys.stderr)
    return {name: _middle(tuple(bounds)) for name, bounds in json.loads(lines[-1]).items()}


READERS: dict[str, Reader] = {"pyogrio": by_pyogrio, "ogr2ogr": by_ogr2ogr, "owslib": by_owslib}
if HAS_QGIS:  # half a gigabyte of desktop: used where it is, not installed for it
    READERS["qgis"] = by_qgis
