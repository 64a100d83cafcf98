"""The demo's directory: numbers of fiction, in both languages."""

import re

from sqlalchemy.orm import Session

from app.demo.numbers import list_numbers
from hotline.directory.entries import history_of, search


def test_the_demo_lists_numbers_of_fiction_in_both_languages(session: Session) -> None:
    list_numbers(session)
    listed = search(session)
    assert [entry.name_en for entry in listed] == ["Customer office", "House plumbing desk", "Citizens' line"]
    for entry in listed:
        assert all(re.fullmatch(r"555-01\d\d", phone) for phone in entry.phones)
        assert all((entry.name_zh, entry.note_zh, entry.note_en, entry.hours_zh, entry.hours_en))
        assert [one.by_user_id for one in history_of(session, entry.id)] == [None]
