"""An address as a register writes it, taken apart by its form alone: street, house number, the rest."""

import re
from dataclasses import dataclass

from gis.geocoding.folding import normalise, spelt_out

_CHINESE_DIGITS = {c: str(i) for i, c in enumerate("零一二三四五六七八九")}
_CHINESE_STREET = re.compile(
    r"(?P<street>[^\d\s]*?[^\d\s]{1,12}?(?:大道|路|街|道|巷|弄|胡同|里))(?P<rest>.*)$"
)
_CHINESE_ADMIN = re.compile(r"^.*?(?:省|自治区)?.*?(?:市|自治州)?.*?(?:区|县|镇|乡|街道|村)(?=.)")
_NUMBER = re.compile(r"^(?P<digits>\d{1,5})(?P<letter>[a-z])?$")


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """What an address text seems to say, folded for comparison; no street is empty."""

    street: str
    number: int | None
    number_letter: str


def parse_address(text: str) -> ParsedAddress:
    """Split an address into street and house number.

    Understands a number before the street (`12 Mill Street`), after it (`Mannerheimintie 5 A`, `Rua da Torre, 12, Gaia`)
    and the Chinese form (`解放路12号`), full-width digits included.
    """
    parts = [part for part in (normalise(part) for part in re.split(r"[,，;；\n]", text)) if part]
    chinese = _parse_chinese(" ".join(parts))
    if chinese is not None:
        return chinese
    for index, part in enumerate(parts):
        words = part.split()
        for at, word in enumerate(words):
            match = _NUMBER.match(word)
            if match is not None:
                return _numbered(words, at, match, before=parts[:index], others=parts[index + 1 :])
    return ParsedAddress(_named(parts[:1]), None, "")


def _numbered(
    words: list[str], at: int, match: re.Match[str], *, before: list[str], others: list[str]
) -> ParsedAddress:
    """Read an address with the house number at one of its words."""
    after = words[at + 1 :]
    letter = match["letter"] or ""
    if at > 0 and after and len(after[0]) == 1 and after[0].isalpha():
        letter = after[0]
    named = words[:at] if at > 0 else after
    # A number alone between commas: the street was said before it, or else comes after.
    street = [" ".join(named)] if named else before[-1:] or others[:1]
    return ParsedAddress(_named(street), int(match["digits"]), letter)


def _named(street: list[str]) -> str:
    """Spell a street out; what consists of digits alone names none."""
    return spelt_out(street[0]) if street and not street[0].replace(" ", "").isdigit() else ""


def _parse_chinese(text: str) -> ParsedAddress | None:
    joined = text.replace(" ", "")
    match = _CHINESE_STREET.match(joined)
    if match is None:
        return None
    street, rest = match["street"], match["rest"]
    bare = _CHINESE_ADMIN.sub("", street) or street
    digits = re.match(r"(\d{1,5})", rest)
    if digits is None:
        spoken = re.match(r"([零一二三四五六七八九]{1,5})号", rest)
        value = int("".join(_CHINESE_DIGITS[c] for c in spoken[1])) if spoken else None
    else:
        value = int(digits[1])
    han = re.sub(r"^[\x00-\x7f]+", "", bare)  # a place in Latin letters before the street
    return ParsedAddress(han or bare, value, "")
