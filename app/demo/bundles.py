"""A city's files: built once for each extract, loaded once into a template database, read by the simulators."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from app.demo.town import Town
from app.provision import migrations, postgres
from app.provision.cluster import Cluster
from app.provision.errors import ProvisionError
from app.provision.progress import step, tell
from app.provision.state import CHECKOUT, State, make_folder
from core.db import session_factory, transaction
from gis.coordinates import LonLat
from gis.errors import BadBundle
from gis.models import NodeType, Operable
from gis.synthetic.build import GENERATOR
from gis.synthetic.bundle import FORMAT, City, read_bundle, read_manifest
from gis.synthetic.load import load_city
from gis.synthetic.streets import DEFAULT_EXTRACT

TEMPLATE_PREFIX = "city_"
DRAFT_SUFFIX = "_draft"
_KEY_LENGTH = 12
_SHAPED_BY = ("migrations/versions", "gis/models.py", "gis/synthetic/load.py")
"""What decides how a bundle looks once it is loaded; a template made by other code is made again."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A built city on disk; `key` names extract and builder."""

    key: str
    folder: Path


def ensure_bundle(state: State, extract: Path | None) -> Bundle:
    """Build a city unless this very extract was built before.

    Raises
    ------
    ProvisionError
        The extract is missing or cannot be used.
    """
    source = extract or DEFAULT_EXTRACT
    if not source.is_file():
        raise ProvisionError(f"--city {source}: no such file")
    with source.open("rb") as file:
        content = hashlib.file_digest(file, "sha256")
    content.update(f"generator {GENERATOR}, format {FORMAT}".encode())
    bundle = Bundle(content.hexdigest()[:_KEY_LENGTH], state.cities / content.hexdigest()[:_KEY_LENGTH])
    if _is_good(bundle.folder):
        return bundle
    make_folder(state.cities)
    with step(f"building streets, addresses and a water network from {source.name}"):
        command = [sys.executable, "-P", "-m", "app.demo.build", str(bundle.folder)]
        if extract is not None:
            command.append(str(extract.resolve()))
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
        built = subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=sys.stderr, check=False)
    if built.returncode != 0:
        raise ProvisionError(f"no city could be built from {source}")
    return bundle


def _is_good(folder: Path) -> bool:
    try:
        read_manifest(folder)
    except BadBundle:
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def ensure_template(private: Cluster, bundle: Bundle) -> str:
    """Load a city into a database that workspaces are copied from, unless that was done before; return its name."""
    name = f"{TEMPLATE_PREFIX}{bundle.key}_{_shape_digest()}"
    if postgres.database_exists(private, name):
        return name
    for outdated in postgres.list_databases(private, prefix=f"{TEMPLATE_PREFIX}{bundle.key}_"):
        postgres.drop_database(private, outdated)
    draft = name + DRAFT_SUFFIX
    with step("loading the city into a database"):
        postgres.create_database(private, draft)
        database_url = postgres.database_url(private, draft)
        migrations.upgrade(database_url)
        load(database_url, bundle)
        postgres.rename_database(private, draft, name)
    return name


def load(database_url: str, bundle: Bundle) -> None:
    """Load a city into an empty database."""
    factory = session_factory(database_url, pool_size=1)
    with transaction(factory) as session:
        load_city(session, bundle.folder, progress=lambda line: tell(f"  {line}"))
    factory.kw["bind"].dispose()


def _shape_digest() -> str:
    digest = hashlib.sha256()
    for name in _SHAPED_BY:
        path = Path(CHECKOUT, name)
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def centre(town: Town) -> LonLat:
    """Give a place in the middle of a city."""
    return LonLat(lon=float(np.median(town.home_lon)), lat=float(np.median(town.home_lat)))


def read_town(folder: Path) -> Town:
    """Read what the simulators need to know of a city."""
    return town_of(read_bundle(folder))


def town_of(city: City) -> Town:
    """See a city as the simulators do."""
    pipes, valves, addresses = city.pipes, city.valves, city.addresses
    lines = pipes.shape.geometries()
    vertices = shapely.get_coordinates(lines)
    starts = np.zeros(len(lines) + 1, dtype=np.int64)
    np.cumsum(shapely.get_num_coordinates(lines), out=starts[1:])
    connection = city.accounts.connection
    address = city.connections.address[connection]
    street = addresses.street[address]
    names, places = np.array([*city.streets.name, ""]), np.array([*city.streets.place, ""])
    return Town(
        srid=int(city.manifest["srid"]),
        node_count=len(city.nodes.code),
        pipe_from=pipes.start,
        pipe_to=pipes.end,
        pipe_length_m=pipes.length_m,
        pipe_closed=pipes.closed,
        line_start=starts,
        vertex_lon=vertices[:, 0],
        vertex_lat=vertices[:, 1],
        sources=np.flatnonzero(np.array(city.nodes.kind) != NodeType.JUNCTION.value),
        valve_pipe=valves.pipe,
        valve_at_to=valves.at_end,
        valve_closed=valves.closed,
        valve_stuck=np.array(valves.operable) == Operable.NO.value,
        account_no=np.array(city.accounts.account_no),
        name=np.array(city.accounts.name),
        phone=np.array(city.accounts.phone),
        street=names[street],
        house_number=np.array(addresses.number)[address],
        town_name=places[street],
        home_lon=addresses.lon[address],
        home_lat=addresses.lat[address],
        customer_pipe=city.connections.pipe[connection],
    )
