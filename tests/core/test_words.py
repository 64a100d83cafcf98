"""Catalogues and words from outside."""

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from core.messages import LANGUAGES, catalogue, say
from core.text import Line, Prose

PLACEHOLDER = re.compile(r"{(\w+)")


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    zh, en = (catalogue(language) for language in LANGUAGES)
    assert zh.keys() == en.keys()
    for key in zh:
        assert set(PLACEHOLDER.findall(zh[key])) == set(PLACEHOLDER.findall(en[key])), key


def test_an_unknown_language_is_answered_in_english() -> None:
    assert say("core.language", "fr") == "English"


@pytest.mark.parametrize("words", ["nul\x00", "bell\x07", "half\ud800"])
def test_what_is_no_text_is_refused(words: str) -> None:
    for kind in (Line, Prose):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(words)


def test_markup_is_kept_as_the_words_it_is() -> None:
    words = "<script>alert('1')</script> & 停水"
    assert TypeAdapter(Line).validate_python(f"  {words} ") == words
    assert TypeAdapter(Prose).validate_python(f"two\nlines {words}") == f"two\nlines {words}"


def test_a_line_is_one_line_and_has_an_end() -> None:
    for words in ("two\nlines", "x" * 201):
        with pytest.raises(ValidationError):
            TypeAdapter(Line).validate_python(words)
