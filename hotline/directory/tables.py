"""The directory as a table for spreadsheets, given out and taken back. Areas are not in it: they are drawn, and stay as they are."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.orm import Session

from core.auth import Actor
from core.errors import FieldError
from gis.coordinates import loaded
from hotline.directory.entries import Said, add, change, entry_of
from hotline.directory.schemas import EntryIn
from hotline.errors import BadTable, EntryNotFound
from hotline.models import DirectoryEntry

LISTS: Final = ("phones", "matters")
"""Columns of several values in one cell."""
COLUMNS: Final = (
    "id",
    "kind",
    "name_zh",
    "name_en",
    "phones",
    "hours_zh",
    "hours_en",
    "matters",
    "note_zh",
    "note_en",
    "position",
)
ENCODINGS: Final = ("utf-8-sig", "gb18030")
"""What spreadsheets write, tried in this order."""
MARK: Final = "\ufeff"
"""By which spreadsheets know UTF-8."""
LINES_MAX: Final = 5000
ERRORS_TOLD: Final = 50
_BETWEEN = re.compile(r"[;；,，、\n]")
_FORMULA = re.compile(r"^[=+\-@\t]")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; without an id it is a new entry."""

    number: int
    id: UUID | None
    said: Said


@dataclass(frozen=True, slots=True)
class Taken:
    """What a table changes, or changed."""

    added: int
    changed: int
    same: int


def write(listed: Sequence[DirectoryEntry]) -> str:
    """Write entries as comma-separated values."""
    text = io.StringIO()
    text.write(MARK)
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for entry in listed:
        rows.writerow(
            [
                _plain("; ".join(getattr(entry, name)) if name in LISTS else str(getattr(entry, name)))
                for name in COLUMNS
            ]
        )
    return text.getvalue()


def _plain(cell: str) -> str:
    """Keep a spreadsheet from working out what begins like a formula, `+86 …` for one."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def read(content: bytes) -> list[Row]:
    """Read what `write` wrote, or a table made by hand with its columns.

    Raises
    ------
    BadTable
        It is no such table; each wrong cell is named by its line and column.
    """
    errors: list[FieldError] = []
    rows: list[Row] = []
    lines = _lines(content)
    _, header = next(lines)
    for number, line in lines:
        if len(line) != len(header):
            told = f"has {len(line)} cells, the first line {len(header)}"
            errors.append(FieldError(f"#/{number}", told))
            continue
        cells = dict(zip(header, line, strict=True))
        try:
            key = cells.pop("id", "")
            rows.append(Row(number, UUID(key) if key else None, _said(cells)))
        except ValidationError as error:
            errors += [
                FieldError("/".join(["#", str(number), *map(str, one["loc"])]), one["msg"])
                for one in error.errors()
            ]
        except ValueError:
            errors.append(FieldError(f"#/{number}/id", "is none of ours; leave it empty for a new entry"))
    seen: set[UUID | None] = set()
    for row in rows:
        if row.id in seen:
            errors.append(FieldError(f"#/{row.number}/id", "stands in an earlier line, too"))
        seen |= {row.id} - {None}
    if errors:
        raise BadTable(errors=errors[:ERRORS_TOLD])
    return rows


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Give each line that is not empty with its number, the names of the columns first."""
    try:
        lines = csv.reader(io.StringIO(_decoded(content), newline=""), strict=True)
        header = [name.strip() for name in next(lines, [])]
        if len(set(header)) != len(header) or {"id", *header} != set(COLUMNS):
            columns = ", ".join(COLUMNS)
            raise BadTable(errors=[FieldError("#/1", f"must name the columns {columns}; id may be missing")])
        yield 1, header
        for number, line in enumerate(lines, start=2):
            if number > LINES_MAX + 1:
                raise BadTable(errors=[FieldError(f"#/{number}", f"more than {LINES_MAX} entries")])
            cells = [cell.strip() for cell in line]
            if any(cells):
                yield number, [_unmarked(cell) for cell in cells]
    except csv.Error as error:
        raise BadTable from error


def _unmarked(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _decoded(content: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadTable


def _said(cells: dict[str, str]) -> Said:
    told: dict[str, object] = {name: cell for name, cell in cells.items() if cell}
    for name in LISTS:
        if name in told:
            told[name] = [one.strip() for one in _BETWEEN.split(cells[name]) if one.strip()]
    return EntryIn.model_validate(told).said()


def take(session: Session, actor: Actor, rows: Sequence[Row], *, is_applied: bool) -> Taken:
    """Add and change what a table says; entries it does not name stay.

    Parameters
    ----------
    is_applied
        If not, only told what it would do.

    Raises
    ------
    BadTable
        A line names an entry that is not there.
    EntryBeyondArea
        An entry is not the person's to change.
    """
    with session.begin_nested() as attempt:
        done = Counter(_take_row(session, actor, row) for row in rows)
        if not is_applied:
            attempt.rollback()
    return Taken(added=done["added"], changed=done["changed"], same=done["same"])


def _take_row(session: Session, actor: Actor, row: Row) -> str:
    if row.id is None:
        add(session, actor, row.said)
        return "added"
    try:
        # Held from here on: an area drawn meanwhile would be written over.
        entry = entry_of(session, row.id, lock=True)
    except EntryNotFound as error:
        raise BadTable(errors=[FieldError(f"#/{row.number}/id", "there is no such entry")]) from error
    said = replace(row.said, area=None if entry.area is None else loaded(entry.area))
    if _is_said(entry, said):
        return "same"
    change(session, actor, entry.id, said)
    return "changed"


def _is_said(entry: DirectoryEntry, said: Said) -> bool:
    return all(getattr(entry, name) == getattr(said, name) for name in COLUMNS if name != "id")
