"""Files sent by people: kept in parts in the database until the version read from them is published."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gis.errors import BadNetworkFile, IncompleteUpload, NetworkFileTooLarge, UploadNotFound
from gis.models import NetworkUpload, NetworkUploadChunk
from gis.network_import.uploads import UPLOAD_SUFFIXES

NAME_MAX = 150
PART_BYTES = 8_000_000
"""Size of every part but the last; the page cuts a file so, the server takes no larger one."""
FILES_MAX = 50
"""Files one version is read from, at most."""


def begin_upload(
    session: Session, *, name: str, size_bytes: int, size_bytes_max: int, created_by: UUID | None
) -> NetworkUpload:
    """Announce a file.

    Raises
    ------
    BadNetworkFile
        Files of that name are not read.
    NetworkFileTooLarge
        It is larger than this system takes.
    """
    plain = PurePath(name.replace("\\", "/")).name[-NAME_MAX:]
    if PurePath(plain).suffix.lower() not in UPLOAD_SUFFIXES:
        raise BadNetworkFile(
            f"{plain or name}: files of this kind are not read; send {', '.join(UPLOAD_SUFFIXES)}."
        )
    if size_bytes > size_bytes_max:
        raise NetworkFileTooLarge(f"{plain}: it is larger than {size_bytes_max // 1_000_000} MB.")
    upload = NetworkUpload(name=plain, size_bytes=size_bytes, sha256="", created_by=created_by)
    session.add(upload)
    session.flush()
    return upload


def take_part(
    session: Session, upload_id: UUID, *, place: int, content: bytes, created_by: UUID | None
) -> None:
    """Store one part of a file; the same part sent again is the same part.

    Raises
    ------
    UploadNotFound
        No such file was announced by this person, or it is being read already.
    IncompleteUpload
        The part does not fit the size that was announced.
    """
    upload = session.get(NetworkUpload, upload_id)
    if upload is None or upload.version is not None or upload.created_by != created_by:
        raise UploadNotFound
    if len(content) != part_size(upload.size_bytes, place):
        raise IncompleteUpload(
            f"{upload.name}: part {place} does not have the size it should have; send the file again."
        )
    row = insert(NetworkUploadChunk).values(upload_id=upload_id, place=place, content=content)
    session.execute(
        row.on_conflict_do_update(
            index_elements=[NetworkUploadChunk.upload_id, NetworkUploadChunk.place],
            set_={"content": row.excluded.content},
        )
    )


def part_size(size_bytes: int, place: int) -> int:
    """Tell how long a part must be; nothing lies beyond the end."""
    return max(0, min(PART_BYTES, size_bytes - place * PART_BYTES))


def attach(
    session: Session, upload_ids: Sequence[UUID], version: int, *, created_by: UUID | None
) -> list[str]:
    """Give a version the files it is to be read from.

    Returns
    -------
    names
        In the order in which they were given.

    Raises
    ------
    UploadNotFound
        One of them is not this person's, or belongs to another version.
    IncompleteUpload
        One of them did not come whole.
    """
    names = []
    for upload_id in upload_ids:
        upload = session.get(NetworkUpload, upload_id, with_for_update=True, populate_existing=True)
        if upload is None or upload.version is not None or upload.created_by != created_by:
            raise UploadNotFound
        arrived = session.scalar(
            select(func.coalesce(func.sum(func.length(NetworkUploadChunk.content)), 0)).where(
                NetworkUploadChunk.upload_id == upload_id
            )
        )
        if arrived != upload.size_bytes:
            raise IncompleteUpload(f"{upload.name}: only a part of it arrived; send it again.")
        if upload.name in names:
            raise BadNetworkFile(f"{upload.name}: two files have this name; send each once.")
        upload.version = version
        names.append(upload.name)
    return names


@contextmanager
def files_of(session: Session, version: int) -> Iterator[list[Path]]:
    """Write a version's files into a folder of ours, which is gone afterwards."""
    uploads = session.scalars(
        select(NetworkUpload).where(NetworkUpload.version == version).order_by(NetworkUpload.id)
    ).all()
    with TemporaryDirectory(prefix="mainline-network-") as folder:
        paths = []
        for upload in uploads:
            path = Path(folder) / upload.name
            digest = hashlib.sha256()
            with path.open("wb") as file:
                for content in _parts(session, upload.id):
                    file.write(content)
                    digest.update(content)
            upload.sha256 = digest.hexdigest()
            paths.append(path)
        session.flush()
        yield paths


def _parts(session: Session, upload_id: UUID) -> Iterator[bytes]:
    """Read a file part by part: never the whole of it in memory."""
    places = session.scalars(
        select(NetworkUploadChunk.place)
        .where(NetworkUploadChunk.upload_id == upload_id)
        .order_by(NetworkUploadChunk.place)
    ).all()
    for place in places:
        yield session.scalars(
            select(NetworkUploadChunk.content).where(
                NetworkUploadChunk.upload_id == upload_id, NetworkUploadChunk.place == place
            )
        ).one()


def forget_unused(session: Session, *, before: datetime) -> int:
    """Delete files that were announced before a time and of which no version was read."""
    gone = session.execute(
        delete(NetworkUpload).where(NetworkUpload.version.is_(None), NetworkUpload.created_at < before)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE gives a cursor's result
