"""The list of versions: numbered without gaps, changed by one transaction at a time."""

from collections.abc import Sequence
from typing import Any

from psycopg.errors import LockNotAvailable
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gis.errors import AnotherPublishes, NotADraft, VersionNotFound
from gis.models import NetworkVersion, VersionState
from gis.network_import.draft import NetworkDraft
from gis.versions.packing import unpack

VERSIONS_LOCK = 7_301_004
"""Key of the advisory lock under which one transaction at a time records or publishes versions."""
LOCK_WAIT_MS = 120_000


def take_turn(session: Session) -> None:
    """Wait until no other transaction records or publishes a version; held to the end of this one.

    Raises
    ------
    AnotherPublishes
        It took too long.
    """
    session.execute(text(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"))
    try:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": VERSIONS_LOCK})
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise AnotherPublishes from error
        raise
    session.execute(text("SET LOCAL lock_timeout = DEFAULT"))


def new_version(session: Session, **values: Any) -> NetworkVersion:
    """Add a version under the next number, in a transaction that has its turn; Any: fields of the model."""
    last = session.scalar(select(func.max(NetworkVersion.number))) or 0
    version = NetworkVersion(number=last + 1, **values)
    session.add(version)
    session.flush()
    return version


def published_number(session: Session) -> int | None:
    """Tell which version serves."""
    return session.scalar(select(NetworkVersion.number).where(NetworkVersion.state == VersionState.PUBLISHED))


def version_for_change(session: Session, number: int, *states: VersionState) -> NetworkVersion:
    """Lock a version that is in one of these states.

    Raises
    ------
    VersionNotFound
        There is none of that number.
    NotADraft
        It is in another state.
    """
    version = session.get(NetworkVersion, number, with_for_update=True, populate_existing=True)
    if version is None:
        raise VersionNotFound
    if version.state not in states:
        raise NotADraft(f"Version {number} is {version.state.value}; this cannot be done with it any more.")
    return version


def content_of(version: NetworkVersion) -> NetworkDraft:
    """Unpack a version.

    Raises
    ------
    NotADraft
        It was never read to its end.
    """
    if version.content is None:
        raise NotADraft
    return unpack(version.content)


def list_versions(session: Session, *, limit: int = 100) -> Sequence[NetworkVersion]:
    """List versions, newest first."""
    return session.scalars(select(NetworkVersion).order_by(NetworkVersion.number.desc()).limit(limit)).all()
