from pathlib import Path

import pytest

from gis.synthetic.build import build_city
from gis.synthetic.bundle import City, read_bundle
from gis.synthetic.streets import DEFAULT_EXTRACT

SMALL_EXTRACT = DEFAULT_EXTRACT.with_name("test.osm.pbf")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Finnish suburb, built once."""
    folder = tmp_path_factory.mktemp("bundles") / "suburb"
    build_city(SMALL_EXTRACT, folder, name="Suburb")
    return folder


@pytest.fixture(scope="session")
def city(bundle: Path) -> City:
    return read_bundle(bundle)
