"""The directory as a table for spreadsheets."""

import csv
import io
from typing import Any
from uuid import UUID

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.models import AuditEntry
from gis.coordinates import stored
from hotline.directory.entries import LISTED_MAX
from hotline.directory.tables import COLUMNS, LINES_MAX
from hotline.models import DirectoryChange, DirectoryEntry
from tests.conftest import LogIn
from tests.hotline.directory.test_entries import EAST, WEST, Headers, box, entry, wkt

PLUS = "+86 29 8555 0100"


@pytest.fixture
def supervisor(log_in: LogIn) -> Headers:
    return log_in("supervisor")


def add(client: TestClient, who: Headers, name: str, **more: Any) -> str:
    answer = client.post("/api/directory", headers=who, json=entry(name, **more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def given(client: TestClient, who: Headers) -> list[dict[str, str]]:
    answer = client.get("/api/directory/table", headers=who)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def table(rows: list[dict[str, str]], *, columns: tuple[str, ...] = COLUMNS) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def take(
    client: TestClient, who: Headers, content: str | bytes, *, expect: int = 200, is_applied: bool = True
) -> Any:
    sent = content.encode() if isinstance(content, str) else content
    answer = client.post(
        "/api/directory/table",
        params={"is_applied": is_applied},
        headers=who | {"Content-Type": "text/csv"},
        content=sent,
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


def line(name: str, **more: str) -> dict[str, str]:
    return {"kind": "partner", "name_en": name, "phones": "555-0100"} | more


def count(session: Session, model: Any = DirectoryEntry) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_table_given_and_taken_back_changes_nothing(
    client: TestClient, supervisor: Headers, session: Session
) -> None:
    add(client, supervisor, "=1+1", phones=[PLUS, "12345"], note_en='two\nlines, and "more"', name_zh="燃气")
    add(client, supervisor, "West", area=box(*WEST), matters=["gas", "sewer"], position=7)
    gone = add(client, supervisor, "Retired")
    client.post(f"/api/directory/{gone}/retire", headers=supervisor)
    rows = given(client, supervisor)
    assert [row["name_en"] for row in rows] == ["West", "'=1+1"], "no formula begins a cell"
    assert (rows[0]["matters"], rows[0]["position"], rows[1]["phones"]) == (
        "gas; sewer",
        "7",
        f"'{PLUS}; 12345",
    )
    changes = count(session, DirectoryChange)
    assert take(client, supervisor, table(rows)) == {"added": 0, "changed": 0, "same": 2}
    assert count(session, DirectoryChange) == changes


def test_a_table_is_looked_at_before_it_is_applied(
    client: TestClient, agent: Headers, supervisor: Headers, session: Session
) -> None:
    """What it does not name stays, and so does the area, which no table holds."""
    add(client, supervisor, "Untouched")
    add(client, supervisor, "West", area=box(*WEST))
    (row,) = (row for row in given(client, supervisor) if row["name_en"] == "West")
    content = table([row | {"phones": "555-0177，555-0178"}, line("New", matters="gas;power"), {}])
    told = {"added": 1, "changed": 1, "same": 0}
    assert take(client, supervisor, content, is_applied=False) == told
    assert (count(session), given(client, agent)[1]["phones"]) == (2, "555-0100")
    assert take(client, supervisor, content) == told
    assert {one["name_en"]: one["phones"] for one in given(client, agent)} == {
        "New": "555-0100",
        "Untouched": "555-0100",
        "West": "555-0177; 555-0178",
    }
    assert client.get(f"/api/directory/{row['id']}", headers=agent).json()["has_area"] is True
    history = client.get(f"/api/directory/{row['id']}/history", headers=supervisor).json()["items"]
    assert history[0]["before"]["phones"] == ["555-0100"]
    assert session.scalar(select(func.count()).where(AuditEntry.action == "directory.take_table")) == 1


def test_a_table_in_the_chinese_spreadsheets_code_is_read(client: TestClient, supervisor: Headers) -> None:
    content = table([line("", name_zh="燃气公司")], columns=COLUMNS[1:]).encode("gb18030")
    assert take(client, supervisor, content)["added"] == 1
    assert given(client, supervisor)[0]["name_zh"] == "燃气公司"


def test_wrong_cells_are_named_by_row_and_column_and_nothing_is_taken(
    client: TestClient, supervisor: Headers, session: Session
) -> None:
    key = add(client, supervisor, "Known")
    rows = [
        line("fine"),
        line("no number", phones=""),
        line("bad number", phones="555-0100; call me"),
        line("bad kind", kind="friend"),
        line("bad id", id="7"),
        line("first", id=key),
        line("second", id=key),
    ]
    said = take(client, supervisor, table(rows), expect=422)
    assert said["type"] == "/problems/bad-table"
    assert [one["pointer"] for one in said["errors"]] == [
        "#/3/phones",
        "#/4/phones/1",
        "#/5/kind",
        "#/6/id",
        "#/8/id",
    ]
    unknown = take(client, supervisor, table([line("new"), line("gone", id=key[:-4] + "0000")]), expect=422)
    assert [one["pointer"] for one in unknown["errors"]] == ["#/3/id"]
    assert count(session) == 1


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (("partner", "", "Gas", "555-0100"), "has 4 cells, the first line 10"),
        (("partner", "", "Gas", "555-0100", *[""] * 6, "more"), "has 11 cells, the first line 10"),
    ],
    ids=["short", "long"],
)
def test_a_line_of_another_length_is_refused_by_its_number(
    client: TestClient, supervisor: Headers, session: Session, cells: tuple[str, ...], told: str
) -> None:
    content = table([line("fine")], columns=COLUMNS[1:]) + ",".join(cells) + "\n"
    said = take(client, supervisor, content, expect=422)
    assert said["errors"] == [{"pointer": "#/3", "detail": told}]
    assert count(session) == 0


def test_an_area_drawn_meanwhile_stays(client: TestClient, supervisor: Headers, session: Session) -> None:
    key = add(client, supervisor, "Gas")
    (row,) = given(client, supervisor)
    known = session.get_one(DirectoryEntry, UUID(key))
    assert known.area is None
    session.execute(
        update(DirectoryEntry).values(area=stored(shapely.from_wkt(wkt(*WEST)))),
        execution_options={"synchronize_session": False},
    )
    take(client, supervisor, table([row | {"phones": "555-0101"}]))
    after = client.get(f"/api/directory/{key}", headers=supervisor).json()
    assert (after["phones"], after["has_area"]) == (["555-0101"], True)


def test_a_table_holds_every_entry(client: TestClient, supervisor: Headers, session: Session) -> None:
    rows = [line(f"entry {number}") for number in range(LISTED_MAX + 1)]
    assert take(client, supervisor, table(rows))["added"] == LISTED_MAX + 1
    given_out = given(client, supervisor)
    assert len(given_out) == LISTED_MAX + 1
    assert take(client, supervisor, table(given_out[-2:]), is_applied=False)["same"] == 2


@pytest.mark.parametrize(
    "content",
    [
        b"name;phones\n",
        b"\xff\xfe\x00\x80",
        b"kind,name_en\npartner,Gas\n",
        b"kind,kind\n",
        ",".join(COLUMNS).encode() + b'\n"open',
        ",".join(COLUMNS).encode() + b"\n" + b"a" * 200_000,
        table([line("many")] * (LINES_MAX + 1)).encode(),
    ],
    ids=[
        "other columns",
        "no text",
        "columns missing",
        "twice",
        "open quote",
        "huge cell",
        "too many",
    ],
)
def test_what_is_no_table_is_refused(
    client: TestClient, supervisor: Headers, session: Session, content: bytes
) -> None:
    assert take(client, supervisor, content, expect=422)["type"] == "/problems/bad-table"
    assert count(session) == 0


def test_tables_follow_rights_and_area(
    client: TestClient, agent: Headers, supervisor: Headers, log_in: LogIn, session: Session
) -> None:
    take(client, agent, table([line("mine")]), expect=403)
    add(client, supervisor, "everywhere")
    east = log_in("supervisor", area_wkt=wkt(*EAST))
    (row,) = given(client, east)
    for is_applied in (False, True):
        said = take(client, east, table([row | {"phones": "555-0101"}]), expect=403, is_applied=is_applied)
        assert said["type"] == "/problems/entry-beyond-area"
    assert take(client, east, table([row]))["same"] == 1
    take(client, east, table([line("new")]), expect=403)
    assert count(session) == 1
