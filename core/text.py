"""Types for words that come from outside: what a database can keep and a page can show."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _storable(words: str) -> str:
    for character in words:
        category = unicodedata.category(character)
        if category == "Cs" or (category == "Cc" and character not in "\n\t\r"):
            msg = "contains a character that is no text; type the words again"
            raise ValueError(msg)
    return words


def _one_line(words: str) -> str:
    if any(character in words for character in "\n\r\t"):
        msg = "must stand on one line"
        raise ValueError(msg)
    return _storable(words)


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_one_line)]
"""A name, an address, a number: one line of at most 200 characters."""

Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(_storable)]
"""What somebody said: at most 4,000 characters."""
