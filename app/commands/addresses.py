"""`./mainline addresses import`: what callers' words are compared with."""

import argparse
from time import monotonic

from app.provision import workspaces
from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line
from app.provision.progress import step, tell
from core.db import session_factory, transaction
from core.errors import MainlineError
from gis.address_import.extract import SUFFIX as EXTRACT_SUFFIX
from gis.address_import.extract import read_extract_places
from gis.address_import.layers import SUFFIXES as LAYER_SUFFIXES
from gis.address_import.layers import read_layers
from gis.address_import.records import AddressFile, ImportedRoad, Source
from gis.address_import.storing import store_addresses
from gis.address_import.tables import read_addresses, read_roads
from gis.coordinates import Datum

REJECTED_SHOWN = 20


def run(options: argparse.Namespace) -> int:
    """Read the files, then store them in one transaction: a bad line stores nothing."""
    began = monotonic()
    try:
        with step("reading the addresses"):
            source, base, roads = _read(options)
    except MainlineError as error:
        raise ProvisionError(error.detail) from error
    factory = session_factory(workspaces.ensure_database(options.workspace), pool_size=1)
    with step(f"storing {len(base.addresses)} addresses"), transaction(factory) as session:
        stored = store_addresses(session, source, base.addresses, roads)
    if options.json:
        write_json(
            {
                "addresses": stored.addresses,
                "roads": stored.roads,
                "removed": stored.removed,
                "rejected": [{"line": one.line, "reason": one.reason} for one in base.rejected],
                "seconds": round(monotonic() - began, 1),
            }
        )
        return 0
    for one in base.rejected[:REJECTED_SHOWN]:
        tell(f"rejected: {options.base} line {one.line}: {one.reason}")
    write_line(
        f"{stored.addresses} addresses and {stored.roads} roads stored, {stored.removed} removed, {len(base.rejected)} lines rejected"
    )
    return 0


def _read(options: argparse.Namespace) -> tuple[Source, AddressFile, list[ImportedRoad]]:
    """Read the files by what their names end in."""
    datum = Datum(options.datum)
    drawn = read_roads(options.roads, datum=datum) if options.roads else []
    suffix = options.base.suffix.lower()
    if suffix == EXTRACT_SUFFIX:
        if datum is not Datum.WGS84:
            raise ProvisionError(f"{options.base}: OpenStreetMap is in WGS 84; leave --datum away")
        found, roads = read_extract_places(options.base)
        named = {(road.name, road.district) for road in drawn}
        return (
            Source.OSM,
            found,
            [*(road for road in roads if (road.name, road.district) not in named), *drawn],
        )
    if suffix in LAYER_SUFFIXES:
        return Source.LAYER, read_layers(options.base, datum=datum), drawn
    return Source.TABLE, read_addresses(options.base, datum=datum), drawn
