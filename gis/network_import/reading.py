"""A utility's files, read into one draft of its network."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from gis.errors import BadNetworkFile
from gis.network_import.assembly import assemble
from gis.network_import.crs import stated_system
from gis.network_import.draft import NetworkDraft
from gis.network_import.inp import read_inp
from gis.network_import.layers import read_layers
from gis.network_import.mapping import parse_mapping
from gis.network_import.uploads import FileKind, SourceFile, UploadLimits, open_sources


def read_network(
    files: Sequence[Path],
    *,
    crs: str | None = None,
    mapping: str | None = None,
    limits: UploadLimits | None = None,
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
    limits
        How large the files may be.

    Returns
    -------
    draft
        Everything that was read, with what was left out and why.

    Raises
    ------
    BadNetworkFile
        A file cannot be read.
    NetworkFileTooLarge
        A limit is passed.
    BadNetworkMapping
        The mapping does not fit, or none was given and the data do not tell enough.
    """
    with tempfile.TemporaryDirectory(prefix="mainline-network-") as folder:
        sources = open_sources(files, Path(folder), limits=limits)
        models = [source for source in sources if source.kind is FileKind.INP]
        if models:
            return _model(models, sources, crs)
        layers = read_layers(sources)
    plan = parse_mapping(mapping) if mapping is not None else None
    if plan is None:
        raise BadNetworkFile("give a mapping")
    stated = stated_system(crs) if crs is not None else None
    return assemble(layers, plan, stated=stated, source=", ".join(source.called for source in sources))


def _model(models: Sequence[SourceFile], sources: Sequence[SourceFile], crs: str | None) -> NetworkDraft:
    model = models[0]
    if len(sources) > 1:
        raise BadNetworkFile(f"{model.called}: give an INP file alone, it is a whole network")
    if crs is None:
        raise BadNetworkFile(
            f"{model.called}: an INP file names no coordinate system: give --crs EPSG:NUMBER, or --crs local"
        )
    return read_inp(model.path, stated_system(crs), name=model.called)
