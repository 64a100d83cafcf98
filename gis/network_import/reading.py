"""A utility's files, read into one draft of its network."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gis.errors import BadNetworkFile, BadNetworkMapping
from gis.network_import.assembly import assemble
from gis.network_import.crs import SourceSystem, stated_system
from gis.network_import.draft import NetworkDraft, Problem
from gis.network_import.layers import read_layers
from gis.network_import.mapping import parse_mapping
from gis.network_import.proposing import Proposal, propose
from gis.network_import.uploads import FileKind, SourceFile, UploadLimits, open_sources


@dataclass(frozen=True, slots=True)
class ReadNetwork:
    """A draft, and the mapping by which it was read (none for an INP file)."""

    draft: NetworkDraft
    mapping: str | None


def read_network(
    files: Sequence[Path],
    *,
    crs: str | None = None,
    mapping: str | None = None,
    limits: UploadLimits | None = None,
) -> ReadNetwork:
    """Read files that belong together.

    Parameters
    ----------
    files
        One INP file; or any number of GeoPackages, Shapefiles, GeoJSON files and zips of those.
    crs
        `EPSG:N` or `local`, for what names no system itself.
    mapping
        TOML that says which layer and field holds what; without, the one proposed from the data is used if it leaves no doubt.
    limits
        How large the files may be.

    Raises
    ------
    BadNetworkFile
        A file cannot be read.
    NetworkFileTooLarge
        A limit is passed.
    BadNetworkMapping
        The mapping does not fit, or none was given and the data do not tell enough.
    """
    stated = stated_system(crs) if crs is not None else None
    plan = parse_mapping(mapping) if mapping is not None else None
    with _opened(files, limits) as sources:
        called = ", ".join(source.called for source in sources)
        models = [source for source in sources if source.kind is FileKind.INP]
        if models:
            return ReadNetwork(_model(models[0], sources, stated), None)
        layers = read_layers(sources)
    if plan is not None:
        return ReadNetwork(assemble(layers, plan, stated=stated, source=called), mapping)
    proposal = propose(layers)
    if proposal.doubts:
        raise BadNetworkMapping(
            f"{called}: the data do not tell {'; nor '.join(proposal.doubts)}: "
            "write it into what `network propose-mapping` proposes and give that with --mapping"
        )
    draft = assemble(layers, proposal.mapping, stated=stated, source=called)
    remarks = [Problem("", "", remark) for remark in proposal.remarks]
    return ReadNetwork(replace(draft, warnings=[*remarks, *draft.warnings]), proposal.as_toml())


def propose_mapping(files: Sequence[Path], *, limits: UploadLimits | None = None) -> Proposal:
    """Suggest a mapping for files that belong together.

    Raises
    ------
    BadNetworkFile
        A file cannot be read, or is an INP file, which needs none.
    NetworkFileTooLarge
        A limit is passed.
    """
    with _opened(files, limits) as sources:
        for source in sources:
            if source.kind is FileKind.INP:
                raise BadNetworkFile(f"{source.called}: an INP file needs no mapping")
        return propose(read_layers(sources))


@contextmanager
def _opened(files: Sequence[Path], limits: UploadLimits | None) -> Iterator[list[SourceFile]]:
    with tempfile.TemporaryDirectory(prefix="mainline-network-") as folder:
        yield open_sources(files, Path(folder), limits=limits)


def _model(model: SourceFile, sources: Sequence[SourceFile], stated: SourceSystem | None) -> NetworkDraft:
    if len(sources) > 1:
        raise BadNetworkFile(f"{model.called}: give an INP file alone, it is a whole network")
    if stated is None:
        raise BadNetworkFile(
            f"{model.called}: an INP file names no coordinate system: give --crs EPSG:NUMBER, or --crs local"
        )
    # wntr takes two seconds to come in, which every process would pay for at its start.
    from gis.network_import.inp import read_inp  # noqa: PLC0415

    return read_inp(model.path, stated, name=model.called)
