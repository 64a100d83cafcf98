"""A caller's words taken apart: what is only talk, which numbers are said and what of, whether two roads are said to meet."""

import re
from dataclasses import dataclass
from enum import StrEnum

from gis.geocoding.folding import fold, normalise
from gis.geocoding.sounds import heard


class NumberOf(StrEnum):
    """What a number in an address counts."""

    HOUSE = "house"
    BUILDING = "building"
    WITHIN = "within"
    """Unit, stair, floor, room: a part of a building."""
    ANY = "any"
    """Said without a word of what it is."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number said, with a letter after it or `""`, and where it stands in the folded text."""

    value: int
    letter: str
    of: NumberOf
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Said:
    """What a caller said of a place, folded, talk taken off.

    `text` and `symbols` have one character for each other; `words` is all that was said, numerals as they were;
    `meets` tells that two roads are said to cross.
    """

    words: str
    text: str
    symbols: str
    numbers: tuple[Number, ...]
    meets: bool


_CLOSING = re.compile(
    r"(?:的|正|斜|马路|路)?(?:对面|对过|旁边|旁|附近|门口|门前|隔壁|后面|前面|楼下|边上|这里|这边|那里|那边|一带)+$"
)
_CROSSING = re.compile(
    r"(?:的)?(?:(?:十字|10字|丁字|三岔|3岔)?(?:交叉路口|交叉口|路口|交汇处|交会处|交界处|交叉处|交叉|交汇|交界|口|拐角|转角|街角))$"
)
_CROSSING_WORDS = re.compile(
    r"\b(?:corner(?: of)?|crossing(?: of)?|junction(?: of)?|intersection(?: of)?|crossroads?(?: of)?)\b"
)
_WESTERN_CLOSING = re.compile(r"\s+(?:please|nearby|over there)$")
_AND = re.compile(r"[和与跟同及]|\b(?:and|with|at|e|x)\b|[&/+]")
_KINDS = (
    (NumberOf.HOUSE, "号弄"),
    (NumberOf.BUILDING, "幢栋座橦撞"),
    (NumberOf.WITHIN, "单室层楼梯户组排"),
)
_NUMBER = re.compile(r"(?<![0-9])([0-9]{1,9})(?:([a-z])(?![a-z]))?")
_BUILDING_OF = re.compile(r"号楼|号栋|号幢")
_AFTER = {c: of for of, characters in _KINDS for c in characters}


def read(words: str) -> Said:
    """Take a caller's words apart; the words may be anything."""
    meets = False
    text = fold(_said_between(words))
    text = _CLOSING.sub("", text)
    crossing = _CROSSING.search(text)
    if crossing and _AND.search(text[: crossing.start()]):
        meets, text = True, text[: crossing.start()]
    plain = _WESTERN_CLOSING.sub("", text)
    bare, count = _CROSSING_WORDS.subn(" ", plain)
    if count:
        meets, plain = True, " ".join(bare.split())
    meets = meets or bool(re.search(r"[&/]|\S\s+(?:x|and|und|e)\s+\S", words.casefold()))
    return Said(normalise(words).replace(" ", ""), plain, heard(plain), tuple(_numbers(plain)), meets)


def read_by_sound(symbols: str, digits: str) -> Said:
    """Take what was typed by its sound: the symbols of a name, and the digits after it or none."""
    text = symbols + digits
    return Said(text, text, heard(text), tuple(_numbers(text)), meets=False)


def _said_between(words: str) -> str:
    """Keep what joins two roads apart when punctuation is folded away."""
    return re.sub(r"[&/+]", " and ", words)


def _numbers(text: str) -> list[Number]:
    found = []
    for match in _NUMBER.finditer(text):
        after = text[match.end() : match.end() + 2]
        of = NumberOf.BUILDING if _BUILDING_OF.match(after) else _AFTER.get(after[:1], NumberOf.ANY)
        found.append(Number(int(match[1]), match[2] or "", of, match.start(), match.end()))
    return found
