"""Reading uploaded files into a version: asked for by a person, done by a worker, ended for certain."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.errors import MainlineError
from core.jobs import defer
from gis.errors import BadNetworkFile, BadNetworkMapping, NotADraft
from gis.models import NetworkUpload, NetworkVersion, VersionState
from gis.network_import.reading import propose_mapping, read_network
from gis.versions.drafts import finish_reading, refuse
from gis.versions.overview import overview
from gis.versions.publishing import publish
from gis.versions.register import new_version, take_turn, version_for_change
from gis.versions.snapshot import record_first
from gis.versions.uploads import FILES_MAX, attach, files_of

READ_NETWORK = "read_network"
PUBLISH_NETWORK = "publish_network"
ATTEMPTS_MAX = 3
"""Times a reading may end its worker before the files are refused."""
CUT_OFF = "The reading was cut off; nothing was changed. Read it again, or send smaller files."
PUBLISH_CUT_OFF = "Publishing was cut off; the network is as it was. Publish again."


def ask_to_read(
    session: Session,
    upload_ids: Sequence[UUID],
    *,
    crs: str | None,
    mapping: str | None,
    created_by: UUID | None,
) -> NetworkVersion:
    """Begin a version from uploaded files; a worker reads it."""
    if not 0 < len(upload_ids) <= FILES_MAX:
        raise BadNetworkFile(f"Send between one and {FILES_MAX} files.")
    take_turn(session)
    record_first(session)
    version = new_version(
        session, state=VersionState.READING, source="", crs=crs, mapping=mapping, created_by=created_by
    )
    version.source = ", ".join(attach(session, upload_ids, version.number, created_by=created_by))
    _queue_reading(session, version)
    return version


def ask_to_read_again(
    session: Session, number: int, *, crs: str | None, mapping: str | None
) -> NetworkVersion:
    """Read a version's files once more, by another mapping or in another system.

    Raises
    ------
    NotADraft
        It is published or discarded, or was not read from uploaded files.
    """
    version = version_for_change(session, number, VersionState.DRAFT, VersionState.REFUSED)
    if session.scalar(select(NetworkUpload.id).where(NetworkUpload.version == number).limit(1)) is None:
        raise NotADraft("This version was not read from uploaded files; upload them to read them again.")
    version.state = VersionState.READING
    version.crs, version.mapping = crs, mapping
    version.summary = {"layers": version.summary["layers"]} if "layers" in version.summary else {}
    _queue_reading(session, version)
    return version


def _queue_reading(session: Session, version: NetworkVersion) -> None:
    defer(session, READ_NETWORK, idempotency_key=f"{READ_NETWORK}:{version.number}", number=version.number)


def begin_attempt(session: Session, number: int) -> bool:
    """Count an attempt at reading, in a transaction of its own: files that end every worker end here.

    Returns
    -------
    go_on
        False where there is nothing to read, or it was tried too often.
    """
    version = session.get(NetworkVersion, number, with_for_update=True, populate_existing=True)
    if version is None or version.state is not VersionState.READING:
        return False
    attempts = int(version.summary.get("attempts", 0)) + 1
    if attempts > ATTEMPTS_MAX:
        refuse(session, number, CUT_OFF)
        return False
    version.summary = version.summary | {"attempts": attempts}
    return True


def read_version(session: Session, number: int) -> None:
    """Read a version's files and make it a draft, or say why they were refused.

    Where the data leave a doubt, the version is refused with the mapping they suggest, for a person to decide the rest.
    """
    version = session.get(NetworkVersion, number)
    if version is None or version.state is not VersionState.READING:
        return
    with files_of(session, number) as paths:
        try:
            version.summary = version.summary | {"layers": overview(paths)}
            read = read_network(paths, crs=version.crs, mapping=version.mapping)
            take_turn(session)
            version = version_for_change(session, number, VersionState.READING)
            version.mapping = read.mapping
            finish_reading(session, version, read.draft)
        except BadNetworkMapping as error:
            if version.mapping is None:
                version.mapping = propose_mapping(paths).as_toml()
            refuse(session, number, error.detail)
        except MainlineError as error:
            refuse(session, number, error.detail)


# --- publishing in the worker -------------------------------------------------------------------------


def ask_to_publish(session: Session, number: int, *, by: UUID | None) -> NetworkVersion:
    """Have a worker publish a draft; until it is done the network stays as it is."""
    version = version_for_change(session, number, VersionState.DRAFT)
    version.summary = {key: value for key, value in version.summary.items() if key != "publish_problem"} | {
        "publishing": True
    }
    defer(
        session,
        PUBLISH_NETWORK,
        idempotency_key=f"{PUBLISH_NETWORK}:{number}",
        number=number,
        by=str(by) if by else None,
    )
    return version


def publish_asked(session: Session, number: int, *, by: UUID | None) -> None:
    """Publish what was asked for; a repeat finds it done."""
    version = session.get(NetworkVersion, number)
    if version is None or version.state is not VersionState.DRAFT or not version.summary.get("publishing"):
        return
    publish(session, number, published_by=by)


def publishing_failed(session: Session, number: int, problem: str) -> None:
    """Say why a draft was not published; it stays a draft."""
    version = session.get(NetworkVersion, number, with_for_update=True, populate_existing=True)
    if version is not None and version.state is VersionState.DRAFT:
        version.summary = {key: value for key, value in version.summary.items() if key != "publishing"} | {
            "publish_problem": problem
        }


def sweep_cut_off(session: Session) -> int:
    """End what no job works on any more: a reading becomes refused, a publishing a draft again.

    Returns
    -------
    swept
        How many versions were ended.
    """
    swept = 0
    for number in session.scalars(text(_WITHOUT_JOB), {"task": READ_NETWORK, "state": VersionState.READING}):
        refuse(session, number, CUT_OFF)
        swept += 1
    drafts = session.scalars(text(_WITHOUT_JOB), {"task": PUBLISH_NETWORK, "state": VersionState.DRAFT})
    for number in drafts:
        if session.get_one(NetworkVersion, number).summary.get("publishing"):
            publishing_failed(session, number, PUBLISH_CUT_OFF)
            swept += 1
    return swept


_WITHOUT_JOB = """
    SELECT v.number FROM gis.network_version v
     WHERE v.state = :state
       AND NOT EXISTS (SELECT FROM procrastinate_jobs j
                        WHERE j.task_name = :task AND j.status IN ('todo', 'doing')
                          AND (j.args ->> 'number')::int = v.number)"""
