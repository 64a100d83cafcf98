"""Files from outside: which kinds are opened at all, how large they may be, and zips taken apart in a folder of our own.

GDAL opens by content whatever a driver recognises, remote services and virtual formats among it. So each file is known for what it is
before GDAL sees it, is a plain local file under a name of ours, and what GDAL then says it is must be on the list too.
"""

import os
import re
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from gis.errors import BadNetworkFile, NetworkFileTooLarge


class FileKind(StrEnum):
    """What is read; the values are GDAL's names of the drivers, but for INP."""

    INP = "INP"
    GEOPACKAGE = "GPKG"
    SHAPEFILE = "ESRI Shapefile"
    GEOJSON = "GeoJSON"


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How much is taken.

    Parameters
    ----------
    file_bytes
        Size of one file as it comes.
    unpacked_bytes
        Size of everything once zips are taken apart.
    entries
        Files in a zip.
    ratio
        How many times smaller an entry may be packed: a bomb is packed thousands of times smaller, text hardly fifty times.
    """

    file_bytes: int = 1 << 30
    unpacked_bytes: int = 4 << 30
    entries: int = 2_000
    ratio: int = 300


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file ready to be opened: where it lies now, what it is called in messages, what it is."""

    path: Path
    called: str
    kind: FileKind


SUFFIXES = {
    ".inp": FileKind.INP,
    ".gpkg": FileKind.GEOPACKAGE,
    ".shp": FileKind.SHAPEFILE,
    ".geojson": FileKind.GEOJSON,
    ".json": FileKind.GEOJSON,
}
ZIP_SUFFIX = ".zip"
COMPANION_SUFFIXES = (".shx", ".dbf", ".prj", ".cpg")
IGNORED_COMPANIONS = (".sbn", ".sbx", ".qpj", ".qix", ".fix", ".cst", ".qmd", ".xml", ".atx", ".ain", ".aih")
UPLOAD_SUFFIXES = (*SUFFIXES, ZIP_SUFFIX, *COMPANION_SUFFIXES)
"""Names that may be sent; a Shapefile's parts may be sent beside each other, or in a zip."""

_BLOCK = 1 << 20
_HEAD_BYTES = 1 << 16
_SHP_MAGIC = bytes.fromhex("0000270a")
_GPKG_MAGIC = b"SQLite format 3\x00"
_GEOJSON_TYPE = re.compile(
    rb'"type"\s*:\s*"(FeatureCollection|Feature|GeometryCollection|(?:Multi)?(?:Point|LineString|Polygon))"'
)
_NOT_GEOJSON = (b"gdal_streamed_alg", b"esriGeometry", b'"Topology"', b"stac_version")
_RATIO_FROM_BYTES = 10 << 20
"""Small entries are packed as small as they like."""


def open_sources(
    files: Sequence[Path], folder: Path, *, limits: UploadLimits | None = None
) -> list[SourceFile]:
    """Make files ready to be opened, each copied or unpacked into `folder` where that is needed.

    Parameters
    ----------
    files
        As they came. A Shapefile's other parts are found beside it and may be listed too.
    folder
        An empty folder of ours; the caller deletes it.

    Raises
    ------
    BadNetworkFile
        A file is of a kind that is not read, or not what its name says.
    NetworkFileTooLarge
        A limit is passed.
    """
    limits = limits or UploadLimits()
    budget = _Budget(limits)
    sources: list[SourceFile] = []
    for number, path in enumerate(files):
        _require_plain_file(path)
        if path.stat().st_size > limits.file_bytes:
            raise NetworkFileTooLarge(f"{path.name}: it is larger than {limits.file_bytes >> 20} MB")
        suffix = path.suffix.lower()
        room = folder / f"{number:03d}"
        if suffix == ZIP_SUFFIX:
            for inner, called in _unpack(path, room, budget):
                sources += _source(inner, f"{path.name}/{called}", room / "shapes")
        elif suffix in SUFFIXES:
            sources += _source(path, path.name, room / "shapes")
        elif suffix not in (*COMPANION_SUFFIXES, *IGNORED_COMPANIONS):
            raise BadNetworkFile(f"{path.name}: only INP, GPKG, SHP, GeoJSON and zips of them are read")
    if not sources:
        raise BadNetworkFile(
            f"{', '.join(path.name for path in files)}: there is no INP, GPKG, SHP or GeoJSON among it"
        )
    return sources


def _require_plain_file(path: Path) -> None:
    """Refuse what is no ordinary file on this machine: addresses, GDAL's virtual paths, devices."""
    text = str(path)
    if "://" in text or text.startswith("/vsi"):
        raise BadNetworkFile(f"{text}: only files on this machine are read")
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise BadNetworkFile(f"{text}: there is no such file") from error
    if not stat.S_ISREG(mode):
        raise BadNetworkFile(f"{text}: it is no ordinary file")


def _source(path: Path, called: str, room: Path) -> list[SourceFile]:
    kind = SUFFIXES[path.suffix.lower()]
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if not head.strip():
        raise BadNetworkFile(f"{called}: the file is empty")
    match kind:
        case FileKind.GEOPACKAGE:
            if not head.startswith(_GPKG_MAGIC):
                raise BadNetworkFile(f"{called}: this is no GeoPackage")
        case FileKind.SHAPEFILE:
            if not head.startswith(_SHP_MAGIC):
                raise BadNetworkFile(f"{called}: this is no Shapefile")
            path = _gathered_shapefile(path, room)
        case FileKind.GEOJSON:
            _require_geojson(path, called, head)
        case FileKind.INP:
            pass
    return [SourceFile(path, called, kind)]


def _require_geojson(path: Path, called: str, head: bytes) -> None:
    """Refuse JSON that another driver would take for its own, such as one that fetches what it names."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text.startswith(b"{") or any(mark in head for mark in _NOT_GEOJSON):
        raise BadNetworkFile(f"{called}: this is no GeoJSON")
    if _GEOJSON_TYPE.search(head) is None:
        with path.open("rb") as stream:  # the type may stand at the end
            stream.seek(-min(_HEAD_BYTES, path.stat().st_size), os.SEEK_END)
            if _GEOJSON_TYPE.search(stream.read()) is None:
                raise BadNetworkFile(f"{called}: this is no GeoJSON")


def _gathered_shapefile(path: Path, room: Path) -> Path:
    """Copy a Shapefile's parts, however their names are cased, under names GDAL finds them by."""
    target = room / f"{len(list(room.iterdir())) if room.exists() else 0:04d}"
    target.mkdir(parents=True)
    wanted = (".shp", *COMPANION_SUFFIXES)
    for part in sorted(path.parent.iterdir()):
        if part.stem.lower() == path.stem.lower() and part.suffix.lower() in wanted and part.is_file():
            copy = target / f"{path.stem}{part.suffix.lower()}"
            if not copy.exists() and (
                part.stem == path.stem or not (path.parent / f"{path.stem}{part.suffix}").exists()
            ):
                shutil.copyfile(part, copy)
    return target / f"{path.stem}.shp"


def readable_tables(path: Path, called: str) -> set[str]:
    """List a GeoPackage's ordinary tables: views and virtual tables run what a stranger wrote, and are not read."""
    try:
        with sqlite3.connect(f"file:{_uri_path(path)}?mode=ro&immutable=1", uri=True) as connection:
            rows = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            ).fetchall()
    except sqlite3.Error as error:
        raise BadNetworkFile(f"{called}: the GeoPackage is damaged: {error}") from error
    return {str(name) for (name,) in rows}


def _uri_path(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


class _Budget:
    """What may still be unpacked."""

    def __init__(self, limits: UploadLimits) -> None:
        self.limits, self.left_bytes, self.left_entries = limits, limits.unpacked_bytes, limits.entries

    def take_entry(self, called: str) -> None:
        self.left_entries -= 1
        if self.left_entries < 0:
            raise NetworkFileTooLarge(f"{called}: more than {self.limits.entries} files are packed in it")

    def take(self, size: int, called: str) -> None:
        self.left_bytes -= size
        if self.left_bytes < 0:
            raise NetworkFileTooLarge(
                f"{called}: unpacked it is larger than {self.limits.unpacked_bytes >> 20} MB"
            )


def _unpack(path: Path, room: Path, budget: _Budget) -> Iterator[tuple[Path, str]]:
    """Unpack what can be read, then give the main files with the names they had; the sizes a zip states are not believed."""
    room.mkdir(parents=True)
    found: list[tuple[Path, str]] = []
    folders: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                budget.take_entry(path.name)
                name = _entry_name(entry)
                place = PurePosixPath(name.replace("\\", "/"))
                if entry.is_dir() or place.name.startswith(".") or "__MACOSX" in place.parts:
                    continue
                suffix = place.suffix.lower()
                if suffix not in (*SUFFIXES, *COMPANION_SUFFIXES):
                    continue
                if stat.S_ISLNK(entry.external_attr >> 16) or entry.flag_bits & 0x1:
                    raise BadNetworkFile(f"{path.name}/{name}: links and encrypted files are not read")
                if place.is_absolute() or ".." in place.parts or ":" in name:
                    raise BadNetworkFile(f"{path.name}: a name in it leads out of the folder: {name[:80]}")
                target_folder = folders.setdefault(str(place.parent), room / f"{len(folders):04d}")
                target_folder.mkdir(exist_ok=True)
                target = target_folder / f"{_plain(place.stem)}{suffix}"
                if target.exists():
                    raise BadNetworkFile(f"{path.name}: it holds {name} twice")
                _extract(archive, entry, target, budget, called=f"{path.name}/{name}")
                if suffix in SUFFIXES:
                    found.append((target, name))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise BadNetworkFile(f"{path.name}: the zip cannot be read: {error}") from error
    if not found:
        raise BadNetworkFile(f"{path.name}: there is no INP, GPKG, SHP or GeoJSON in it")
    yield from found


def _extract(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, budget: _Budget, *, called: str
) -> None:
    written = 0
    with archive.open(entry) as source, target.open("wb") as sink:
        while block := source.read(_BLOCK):
            written += len(block)
            budget.take(len(block), called)
            if written > max(_RATIO_FROM_BYTES, entry.compress_size * budget.limits.ratio):
                raise NetworkFileTooLarge(f"{called}: it is packed too small to be honest")
            sink.write(block)


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """Read an entry's name: Chinese Windows writes GBK and says nothing of it."""
    if entry.flag_bits & 0x800:
        return entry.filename
    raw = entry.filename.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _plain(stem: str) -> str:
    """Keep what is harmless in a file's name; the layer is called by it."""
    return re.sub(r"[^\w .()\-]", "_", stem)[:100] or "layer"
