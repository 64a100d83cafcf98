import pytest
from sqlalchemy.orm import Session

from gis.isolation import IsolationNetwork
from gis.queries import load_isolation_network
from tests.town import Town, load_town


@pytest.fixture
def town(session: Session) -> Town:
    return load_town(session)


@pytest.fixture
def network(session: Session, town: Town) -> IsolationNetwork:
    return load_isolation_network(session).warm()
