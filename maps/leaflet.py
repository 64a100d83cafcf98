"""Leaflet, as the pages' build left it: written into incident reports, so that they load with no network."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.settings import Settings
from maps.errors import LeafletNotBuilt

FOLDER = "vendor/leaflet"
NO_PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
"""One empty pixel. Folium gives every marker Leaflet's own pin before it gives it ours."""
_PICTURE = re.compile(r"url\([^)]*\)")
_SOURCE_MAP = re.compile(r"^\s*(//#|/\*#) sourceMappingURL=.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Leaflet:
    """The library's two files."""

    script: str
    styles: str


def leaflet(settings: Settings) -> Leaflet:
    """Read the library from the folder of built pages.

    Raises
    ------
    LeafletNotBuilt
        The pages are not built.
    """
    if settings.pages_dir is None or not (settings.pages_dir / FOLDER / "leaflet.js").is_file():
        raise LeafletNotBuilt
    return _read(settings.pages_dir / FOLDER)


@lru_cache(maxsize=2)
def _read(folder: Path) -> Leaflet:
    script = (folder / "leaflet.js").read_text(encoding="utf-8")
    styles = (folder / "leaflet.css").read_text(encoding="utf-8")
    # The pictures of controls and pins we do not use would be asked for over the network.
    script += f"\nL.Icon.Default.imagePath = '{NO_PICTURE}#';\n"
    return Leaflet(
        script=_SOURCE_MAP.sub("", script).replace("</script", "<\\/script"),
        styles=_PICTURE.sub("none", styles),
    )
