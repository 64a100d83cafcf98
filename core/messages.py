"""Words for people, in both languages; `core/catalogues/<language>/<package>.json` holds them."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("zh", "en")


@cache
def catalogue(language: str) -> dict[str, str]:
    """Read every message of a language, by key."""
    messages: dict[str, str] = {}
    for page in sorted(files("core").joinpath("catalogues", language).iterdir(), key=lambda p: p.name):
        messages.update(json.loads(page.read_text(encoding="utf-8")))
    return messages


def say(key: str, language: str, **values: Any) -> str:
    """Say a message in a language; an unknown language falls back to English.

    Parameters
    ----------
    key
        `package.message`, as in the catalogues.
    values
        What its placeholders stand for. Any: they are formatted as text.
    """
    return catalogue(language if language in LANGUAGES else "en")[key].format(**values)
