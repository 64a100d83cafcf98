"""A version before it is published: read, refused, looked at, compared again, discarded."""

from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gis.errors import BrokenDraft, NotADraft
from gis.models import DraftFeature, NetworkUpload, NetworkVersion, VersionState
from gis.network_import.draft import NetworkDraft
from gis.versions.differences import difference, keep_drawing
from gis.versions.packing import pack
from gis.versions.register import (
    content_of,
    new_version,
    published_number,
    take_turn,
    version_for_change,
)
from gis.versions.snapshot import record_first
from gis.versions.soundness import NAMED_MAX, broken_at
from gis.versions.staging import stage
from gis.versions.summary import difference_summary, summary_of


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
    version = new_version(
        session, state=VersionState.READING, source=draft.source, mapping=mapping, created_by=created_by
    )
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
