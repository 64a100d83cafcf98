"""The directory over HTTP: looked up, asked for a place, kept by supervisors and administrators."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, status

from core import audit
from core.auth import Actor
from core.http.deps import DbSession, requires
from core.http.problems import RESPONSES
from core.schemas import Items
from core.text import Line
from hotline.directory import entries
from hotline.directory.schemas import EntryChangeOut, EntryDetailOut, EntryIn, EntryOut, PlaceIn
from hotline.models import EntryKind, Matter

router = APIRouter(prefix="/api/directory", tags=["directory"], responses=RESPONSES)

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
