"""How words sound: Chinese characters as syllables, so that a wrong character of the same sound is no error.

A text becomes one of symbols of the same length: every Chinese character and every digit stands as its syllable, letters stand for
themselves. Syllables that many speakers do not tell apart (zh and z, ing and in, …) share a symbol.
"""

import re
import unicodedata
from functools import lru_cache

from pypinyin.constants import PINYIN_DICT

FIRST_SYLLABLE, LAST_SYLLABLE = 0xE000, 0xF8FF
"""Syllables are written as characters of the private use area from here on."""
_DIGITS = dict(
    zip("0123456789", ("ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"), strict=True)
)
_IN_NAMES = {"长": "chang", "重": "chong", "都": "du", "佛": "fo"}
"""Characters that names of places read otherwise than running text."""
_MERGED = (("zh", "z"), ("ch", "c"), ("sh", "s"))
_SYLLABLE_MAX = 6

# How like two characters are that only sound alike.
SAME_SOUND = 0.92
CONFUSED_SOUND = 0.8


def _plain(reading: str) -> str:
    """Take the tone off a reading: `lǜ` becomes `lv`."""
    apart = unicodedata.normalize(
        "NFD",
        reading.replace("ü", "v").replace("ǖ", "v").replace("ǘ", "v").replace("ǚ", "v").replace("ǜ", "v"),
    )
    return "".join(c for c in apart if c.isascii() and c.isalpha())


def _merged(syllable: str) -> str:
    """Fold what speakers confuse: the retroflex initials and the nasal finals."""
    for spoken, folded in _MERGED:
        if syllable.startswith(spoken):
            syllable = folded + syllable[len(spoken) :]
            break
    return re.sub(r"(?<=[aei])ng$", "n", syllable)


class _Syllables:
    """Every syllable that occurs, numbered; and the symbol of every character that has one."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}
        self.table: dict[int, int] = {}
        for code, readings in PINYIN_DICT.items():
            first = _plain(readings.split(",")[0])
            if first:
                self.table[code] = self._symbol(first)
        for character, reading in (_DIGITS | _IN_NAMES).items():
            self.table[ord(character)] = self._symbol(reading)

    def _symbol(self, syllable: str) -> int:
        merged = _merged(syllable)
        return FIRST_SYLLABLE + self.number.setdefault(merged, len(self.number))


@lru_cache(maxsize=1)
def _syllables() -> _Syllables:
    return _Syllables()


def heard(folded: str) -> str:
    """Give the symbols of a folded text, one for each character."""
    return folded.translate(_syllables().table)


@lru_cache(maxsize=20_000)
def readings(character: str) -> frozenset[str]:
    """Give the ways a Chinese character or a digit is read, without tones; empty for anything else."""
    if character in _DIGITS:
        return frozenset((_DIGITS[character], "yao") if character == "1" else (_DIGITS[character],))
    written = PINYIN_DICT.get(ord(character), "")
    return frozenset(filter(None, (_plain(reading) for reading in written.split(","))))


@lru_cache(maxsize=100_000)
def likeness(said: str, meant: str) -> float:
    """Compare two characters: 1 the same, less for the same sound, less for a sound easily confused, else 0.

    What was said may be a symbol, where it was typed by its sound.
    """
    if said == meant:
        return 1.0
    if FIRST_SYLLABLE <= ord(said) <= LAST_SYLLABLE:
        return SAME_SOUND if said == heard(meant) else 0.0
    a, b = readings(said), readings(meant)
    if a & b:
        return SAME_SOUND
    if {_merged(one) for one in a} & {_merged(one) for one in b}:
        return CONFUSED_SOUND
    return 0.0


def initials(folded: str) -> str:
    """Give the first letters of a name's syllables, as they are typed for short: `科技路` is `kjl`."""
    letters = []
    for character in folded:
        reading = (_DIGITS | _IN_NAMES).get(character) or _plain(
            PINYIN_DICT.get(ord(character), "").split(",")[0]
        )
        letters.append(reading[:1] or character)
    return "".join(letters)


def spelt_by_sound(letters: str) -> str | None:
    """Read letters as Chinese syllables, `kejilu` as the symbols of `科技路`; None where they are none.

    The last syllable may be unfinished; it is left away then.
    """
    number = _syllables().number
    best: list[tuple[int, ...] | None] = [None] * (len(letters) + 1)
    best[0] = ()
    for start in range(len(letters)):
        so_far = best[start]
        if so_far is None:
            continue
        for end in range(start + 1, min(len(letters), start + _SYLLABLE_MAX) + 1):
            symbol = number.get(_merged(letters[start:end]))
            if symbol is None or not any(c in "aeiouv" for c in letters[start:end]):
                continue
            longer = (*so_far, symbol)
            known = best[end]
            if known is None or len(longer) < len(known):
                best[end] = longer
    for end in range(len(letters), max(0, len(letters) - _SYLLABLE_MAX), -1):
        found = best[end]
        unfinished = letters[end:]
        if found and (not unfinished or any(s.startswith(_merged(unfinished)) for s in number)):
            return "".join(chr(FIRST_SYLLABLE + symbol) for symbol in found)
    return None
