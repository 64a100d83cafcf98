"""Keeps this process's network for tracing, and reads it anew when the stored one changes."""

from sqlalchemy.orm import Session

from gis.isolation import IsolationNetwork
from gis.kept import Kept
from gis.queries import load_isolation_network
from gis.service_area import area_facts

_NETWORK: Kept[IsolationNetwork] = Kept()


def current_network(session: Session) -> IsolationNetwork:
    """Give the network for tracing, as it stands.

    Raises
    ------
    NoServiceArea
        No network is loaded.
    """
    revision = area_facts(session).network_revision
    return _NETWORK.get(revision, lambda: load_isolation_network(session).warm())
