"""Versions of the network: read as a draft, compared with what is published, published whole or not at all, gone back to."""

from gis.versions.drafts import discard, make_version
from gis.versions.publishing import go_back, publish
from gis.versions.register import list_versions

__all__ = ["discard", "go_back", "list_versions", "make_version", "publish"]
