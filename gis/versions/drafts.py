"""A version before it is published: read, refused, looked at, compared again, discarded."""

from collections.abc import Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from psycopg.errors import LockNotAvailable
from sqlalchemy import delete, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gis.errors import AnotherPublishes, BrokenDraft, NotADraft, VersionNotFound
from gis.models import DraftFeature, NetworkUpload, NetworkVersion, VersionState
from gis.network_import.draft import NetworkDraft
from gis.versions.differences import difference, keep_drawing
from gis.versions.packing import pack, unpack
from gis.versions.snapshot import record_first
from gis.versions.soundness import NAMED_MAX, broken_at
from gis.versions.staging import stage
from gis.versions.summary import difference_summary, summary_of

VERSIONS_LOCK = 7_301_004
"""Key of the advisory lock under which one transaction at a time records or publishes versions."""
LOCK_WAIT_MS = 120_000


def make_version(
    session: Session, draft: NetworkDraft, *, mapping: str | None, created_by: UUID | None
) -> NetworkVersion:
    """Keep a draft as a new version, with what publishing it would change; the network stays as it is.

    Parameters
    ----------
    draft
        What was read from files.
    mapping
        TOML by which it was read, if any.
    created_by
        Who read it; None at the command line.

    Raises
    ------
    BrokenDraft
        The draft refers to what it does not hold; nothing is kept.
    """
    take_turn(session)
    record_first(session)
    version = NetworkVersion(
        state=VersionState.READING, source=draft.source, mapping=mapping, created_by=created_by
    )
    session.add(version)
    session.flush()
    finish_reading(session, version, draft)
    return version


def finish_reading(session: Session, version: NetworkVersion, draft: NetworkDraft) -> None:
    """Make a draft of a version that was being read.

    Raises
    ------
    BrokenDraft
        The draft refers to what it does not hold.
    """
    broken = list(islice(broken_at(draft), NAMED_MAX))
    if broken:
        raise BrokenDraft(f"The network does not hold together: {'; '.join(broken)}.")
    version.source, version.crs = draft.source, draft.crs
    version.content = pack(draft)
    version.state = VersionState.DRAFT
    _compare(session, version, draft, _kept(version.summary) | summary_of(draft))


def compare_again(session: Session, number: int) -> NetworkVersion:
    """Work out anew what a draft would change: another version may have been published meanwhile."""
    version = version_for_change(session, number, VersionState.DRAFT)
    _compare(session, version, content_of(version), dict(version.summary))
    return version


def _compare(session: Session, version: NetworkVersion, draft: NetworkDraft, summary: dict[str, Any]) -> None:
    stage(session, draft)
    session.execute(delete(DraftFeature).where(DraftFeature.version == version.number))
    keep_drawing(session, version.number)
    version.summary = summary | {
        "changes": difference_summary(difference(session)),
        "compared_with": published_number(session),
    }
    session.flush()


def _kept(summary: dict[str, Any]) -> dict[str, Any]:
    """Choose what a summary keeps when the files are read again: what was found in them, not what came of it."""
    return {key: summary[key] for key in ("layers", "attempts") if key in summary}


def refuse(session: Session, number: int, reason: str) -> None:
    """End the reading of a version that cannot be read; it keeps its files, to be tried with another mapping."""
    version = version_for_change(session, number, VersionState.READING)
    version.state = VersionState.REFUSED
    version.summary = _kept(version.summary) | {"refusal": reason}


def discard(session: Session, number: int) -> NetworkVersion:
    """Put a version aside that was never published; what was read of it can be taken up again, its files are gone."""
    version = version_for_change(
        session, number, VersionState.DRAFT, VersionState.REFUSED, VersionState.READING
    )
    version.state = VersionState.DISCARDED
    session.execute(delete(DraftFeature).where(DraftFeature.version == number))
    session.execute(delete(NetworkUpload).where(NetworkUpload.version == number))
    return version


def take_up_again(session: Session, number: int) -> NetworkVersion:
    """Make a draft again of a version that was discarded.

    Raises
    ------
    NotADraft
        It was discarded before it was read: there is nothing to take up.
    """
    version = version_for_change(session, number, VersionState.DISCARDED)
    if version.content is None:
        raise NotADraft
    version.state = VersionState.DRAFT
    _compare(session, version, content_of(version), dict(version.summary))
    return version


# --- finding versions -------------------------------------------------------------------------------


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
