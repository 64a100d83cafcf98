"""A utility's files, read into one draft of its network."""

from collections.abc import Sequence
from pathlib import Path

from gis.errors import BadNetworkFile
from gis.network_import.crs import stated_system
from gis.network_import.draft import NetworkDraft
from gis.network_import.inp import read_inp

INP_SUFFIX = ".inp"


def read_network(
    files: Sequence[Path], *, crs: str | None = None, mapping: str | None = None
) -> NetworkDraft:
    """Read files that belong together.

    Parameters
    ----------
    files
        One INP file; or any number of GeoPackages, Shapefiles, GeoJSON files and zips of those.
    crs
        `EPSG:N` or `local`, for what names no system itself.
    mapping
        TOML that says which layer and field holds what; without, it is worked out from the data.

    Returns
    -------
    draft
        Everything that was read, with what was left out and why.

    Raises
    ------
    BadNetworkFile
        A file cannot be read.
    BadNetworkMapping
        The mapping does not fit, or none was given and the data do not tell enough.
    """
    for path in files:
        if not path.is_file():
            raise BadNetworkFile(f"{path}: there is no such file")
    models = [path for path in files if path.suffix.lower() == INP_SUFFIX]
    if not models:
        raise BadNetworkFile("only INP files are read yet")
    if len(files) > 1:
        raise BadNetworkFile(f"{models[0].name}: give an INP file alone, it is a whole network")
    if crs is None:
        raise BadNetworkFile(
            f"{models[0].name}: an INP file names no coordinate system: give --crs EPSG:NUMBER, or --crs local"
        )
    return read_inp(models[0], stated_system(crs))
