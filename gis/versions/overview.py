"""What uploaded files hold, told to the person who decides how they are read: layers, fields, some values."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gis.network_import.layers import Layer, read_layers
from gis.network_import.uploads import FileKind, open_sources
from gis.network_import.values import texts

EXAMPLES_MAX = 5
LOOKED_AT = 500
"""Features whose values are looked at for examples."""
VALUE_MAX = 40
"""Characters of a value that are shown."""


def overview(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """List the layers of files with their fields; an INP file has none, since it needs no mapping. JSON."""
    with TemporaryDirectory(prefix="mainline-network-") as folder:
        sources = open_sources(paths, Path(folder))
        return [_layer(one) for one in read_layers([one for one in sources if one.kind is not FileKind.INP])]


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "source": layer.name,
        "file": layer.file,
        "shape": layer.shape.value,
        "count": len(layer),
        "crs": None if layer.system is None else layer.system.label,
        "fields": [
            {"name": name, "examples": _examples(values[:LOOKED_AT])} for name, values in layer.fields.items()
        ],
    }


def _examples(values: Any) -> list[str]:
    seen: dict[str, None] = {}
    for value in texts(values).tolist():
        if value:
            seen.setdefault(value[:VALUE_MAX])
        if len(seen) == EXAMPLES_MAX:
            break
    return list(seen)
