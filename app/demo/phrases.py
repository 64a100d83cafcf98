"""What the simulated people say, in both languages; the words are in `phrases.json`."""

import json
import random
from functools import lru_cache
from pathlib import Path
from typing import Literal

Language = Literal["en", "zh"]


@lru_cache(maxsize=1)
def _phrases() -> dict[str, dict[str, list[str] | str]]:
    read: dict[str, dict[str, list[str] | str]] = json.loads(
        (Path(__file__).parent / "phrases.json").read_text(encoding="utf-8")
    )
    return read


def phrase(key: str, *, language: Language, rng: random.Random) -> str:
    """Say something about a matter, one of the ways people put it."""
    said = _phrases()[language][key]
    return said if isinstance(said, str) else rng.choice(said)
