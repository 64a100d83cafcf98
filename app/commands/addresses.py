"""`./mainline addresses import`: what callers' words are compared with."""

import argparse
from time import monotonic

from app.provision import workspaces
from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line
from app.provision.progress import step, tell
from core.db import session_factory, transaction
from core.errors import MainlineError
from gis.address_import import read_addresses, read_roads, store_addresses
from gis.coordinates import Datum

REJECTED_SHOWN = 20


def run(options: argparse.Namespace) -> int:
    """Read the files, then store them in one transaction: a bad line stores nothing."""
    began = monotonic()
    datum = Datum(options.datum)
    try:
        with step("reading the addresses"):
            base = read_addresses(options.base, datum=datum)
            roads = read_roads(options.roads, datum=datum) if options.roads else []
    except MainlineError as error:
        raise ProvisionError(error.detail) from error
    factory = session_factory(workspaces.ensure_database(options.workspace), pool_size=1)
    with step(f"storing {len(base.addresses)} addresses"), transaction(factory) as session:
        stored = store_addresses(session, base.addresses, roads)
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
