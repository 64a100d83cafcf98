"""The directory over HTTP: looked up, asked for a place, kept by supervisors and administrators."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response, status

from core import audit
from core.auth import Actor
from core.http.deps import DbSession, requires
from core.http.problems import RESPONSES
from core.schemas import Items
from core.text import Line
from hotline.directory import entries, tables
from hotline.directory.schemas import EntryChangeOut, EntryDetailOut, EntryIn, EntryOut, PlaceIn, TableOut
from hotline.models import EntryKind, Matter

router = APIRouter(prefix="/api/directory", tags=["directory"], responses=RESPONSES)

CSV = "text/csv"

Reader = Annotated[Actor, requires("directory.read")]
Keeper = Annotated[Actor, requires("directory.manage")]


@router.get("")
def list_entries(
    session: DbSession,
    actor: Reader,
    q: Annotated[Line, Query()] = "",
    kind: EntryKind | None = None,
    matter: Matter | None = None,
    state: Literal["active", "retired", "all"] = "active",
) -> Items[EntryOut]:
    """List entries in their order; every word of `q` stands in a name, a note, the hours or a number."""
    is_active = {"active": True, "retired": False, "all": None}[state]
    found = entries.search(session, q=q, kind=kind, matter=matter, is_active=is_active)
    return Items(items=[EntryOut.of(entry) for entry in found])


@router.get("/at")
def list_answering(asked: Annotated[PlaceIn, Query()], session: DbSession, actor: Reader) -> Items[EntryOut]:
    """List who answers for a place, served by us or not, best first: areas of their own before everywhere."""
    found = entries.answering_at(session, asked.place(), matter=asked.matter)
    return Items(items=[EntryOut.of(entry) for entry in found])


@router.get(
    "/table",
    response_class=Response,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
def give_table(session: DbSession, actor: Reader) -> Response:
    """Give the entries that are not retired as comma-separated values for spreadsheets, their areas left aside."""
    text = tables.write(entries.search(session, limit=None))
    headers = {"Content-Disposition": 'attachment; filename="directory.csv"'}
    return Response(text, media_type=f"{CSV}; charset=utf-8", headers=headers)


@router.post("/table")
def take_table(
    content: Annotated[bytes, Body(media_type=CSV)],
    session: DbSession,
    actor: Keeper,
    is_applied: Annotated[bool, Query()] = False,
) -> TableOut:
    """Tell what a table would add and change, or do so; entries it does not name stay, and all areas. All of it or nothing."""
    taken = tables.take(session, actor, tables.read(content), is_applied=is_applied)
    if is_applied:
        digest = f"added={taken.added}, changed={taken.changed}"
        audit.record(session, actor, action="directory.take_table", digest=digest)
    return TableOut.model_validate(taken)


@router.post("", status_code=status.HTTP_201_CREATED)
def add_entry(body: EntryIn, session: DbSession, actor: Keeper) -> EntryDetailOut:
    """Add an entry."""
    entry = entries.add(session, actor, body.said())
    audit.record(session, actor, action="directory.add", subject_id=entry.id, digest=entry.kind)
    return EntryDetailOut.of(entry)


@router.get("/{entry_id}")
def show_entry(entry_id: UUID, session: DbSession, actor: Reader) -> EntryDetailOut:
    """Show an entry, retired or not, with its area."""
    return EntryDetailOut.of(entries.entry_of(session, entry_id))


@router.put("/{entry_id}")
def change_entry(entry_id: UUID, body: EntryIn, session: DbSession, actor: Keeper) -> EntryDetailOut:
    """Change an entry to what is sent; what it said before stays in its history."""
    entry = entries.change(session, actor, entry_id, body.said())
    audit.record(session, actor, action="directory.change", subject_id=entry.id, digest=entry.kind)
    return EntryDetailOut.of(entry)


@router.post("/{entry_id}/retire")
def retire_entry(entry_id: UUID, session: DbSession, actor: Keeper) -> EntryDetailOut:
    """Give an entry's number to nobody any more; it can be restored."""
    entry = entries.retire(session, actor, entry_id)
    audit.record(session, actor, action="directory.retire", subject_id=entry.id)
    return EntryDetailOut.of(entry)


@router.post("/{entry_id}/restore")
def restore_entry(entry_id: UUID, session: DbSession, actor: Keeper) -> EntryDetailOut:
    """Take a retired entry up again."""
    entry = entries.restore(session, actor, entry_id)
    audit.record(session, actor, action="directory.restore", subject_id=entry.id)
    return EntryDetailOut.of(entry)


@router.get("/{entry_id}/history")
def show_history(entry_id: UUID, session: DbSession, actor: Keeper) -> Items[EntryChangeOut]:
    """List the changes of an entry, latest first, each with what it said before."""
    entry = entries.entry_of(session, entry_id)
    return Items(items=[EntryChangeOut.of(one) for one in entries.history_of(session, entry.id)])
