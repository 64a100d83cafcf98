"""Names for what the extract leaves nameless: streets, places, people. All invented."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from gis.synthetic.chance import Keys, choice, salt_of

_HEADS = [
    "Al",
    "Bel",
    "Bor",
    "Cal",
    "Car",
    "Cor",
    "Dal",
    "Dor",
    "El",
    "Fal",
    "Far",
    "Gal",
    "Gor",
    "Hal",
    "Il",
    "Jar",
    "Kel",
    "Lan",
    "Lor",
    "Mal",
    "Mar",
    "Mel",
    "Mor",
    "Nel",
    "Nor",
    "Or",
    "Pal",
    "Per",
    "Quel",
    "Ral",
    "Ros",
    "Sal",
    "Sel",
    "Sor",
    "Tal",
    "Tor",
    "Ul",
    "Val",
    "Vel",
    "Vor",
]
_HEARTS = [
    "a",
    "e",
    "i",
    "o",
    "ba",
    "ca",
    "da",
    "de",
    "di",
    "fa",
    "ga",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "me",
    "mi",
    "mo",
    "na",
    "ne",
    "ni",
    "no",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "se",
    "ta",
    "te",
    "ti",
    "to",
    "va",
    "ve",
    "vi",
]
_TAILS = [
    "bra",
    "cena",
    "da",
    "dela",
    "dor",
    "gosa",
    "lho",
    "lira",
    "lva",
    "mar",
    "mira",
    "mor",
    "nda",
    "nho",
    "nor",
    "que",
    "res",
    "ria",
    "rim",
    "ro",
    "sco",
    "sende",
    "spa",
    "sta",
    "tela",
    "tos",
    "vado",
    "ves",
    "vil",
    "zelo",
]

SURNAMES_ZH = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
GIVEN_ZH = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰飞慧建国文斌宇浩然欣怡梓涵子轩雨桐"
GIVEN = [
    "Ana",
    "Bruno",
    "Carla",
    "Diego",
    "Elena",
    "Filipe",
    "Grace",
    "Hugo",
    "Ines",
    "James",
    "Karin",
    "Luis",
    "Maria",
    "Nuno",
    "Olga",
    "Paula",
    "Quim",
    "Rita",
    "Sofia",
    "Tomas",
    "Ursula",
    "Victor",
    "Wendy",
    "Xavier",
    "Yara",
    "Zoe",
    "Aino",
    "Emma",
    "Jussi",
    "Kalle",
    "Liisa",
    "Mikko",
    "Noora",
    "Olli",
    "Päivi",
    "Sanna",
]
FAMILY = [
    "Almeida",
    "Barros",
    "Campos",
    "Duarte",
    "Esteves",
    "Faria",
    "Gomes",
    "Henriques",
    "Lopes",
    "Martins",
    "Neves",
    "Oliveira",
    "Pinto",
    "Ramos",
    "Silva",
    "Teixeira",
    "Vieira",
    "Ahlberg",
    "Berg",
    "Carlson",
    "Dahl",
    "Ekman",
    "Fisher",
    "Green",
    "Harris",
    "Jensen",
    "Korhonen",
    "Larsen",
    "Miller",
    "Nieminen",
    "Olsen",
    "Parker",
    "Reed",
    "Stone",
    "Turner",
    "Virtanen",
    "Walker",
    "Young",
]


def invented(number: int) -> str:
    """Make a place-like word; numbers below 44,000 give different words."""
    count = len(_HEADS) * len(_HEARTS) * len(_TAILS)
    # A step coprime to the count walks all words once, and neighbours do not sound alike.
    number = (number * 7919 + 13) % count
    head, rest = number % len(_HEADS), number // len(_HEADS)
    return _HEADS[head] + _HEARTS[rest % len(_HEARTS)] + _TAILS[rest // len(_HEARTS)]


class StreetNamer:
    """Names streets in the manner of those that have names.

    Parameters
    ----------
    known
        The names the extract has.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self._taken = {name.casefold() for name in known}
        first = Counter(name.split()[0] for name in known if " " in name)
        common = first.most_common(1)
        self._first = common[0][0] if common and common[0][1] > 0.2 * len(known) else None
        self._next = 0

    def name(self) -> str:
        """Give the next name nobody has."""
        while True:
            word = invented(self._next)
            round_no = self._next // (len(_HEADS) * len(_HEARTS) * len(_TAILS))
            self._next += 1
            if round_no:
                word = f"{word} {round_no + 1}"
            name = f"{self._first} {word}" if self._first else f"{word} Street"
            if name.casefold() not in self._taken:
                self._taken.add(name.casefold())
                return name


def place_name(number: int) -> str:
    """Name the n-th invented place."""
    return invented(number + salt_of("place") % 40_000)


def people(keys: Keys) -> list[str]:
    """Name people, a third of them Chinese."""
    chinese = choice(keys, "chinese", 3) == 0
    family, given = choice(keys, "family", 1_000_000), choice(keys, "given", 1_000_000)
    second = choice(keys, "second", 1_000_000)
    names = []
    for zh, a, b, c in zip(chinese.tolist(), family.tolist(), given.tolist(), second.tolist(), strict=True):
        if zh:
            tail = GIVEN_ZH[c % len(GIVEN_ZH)] if c % 3 else ""
            names.append(SURNAMES_ZH[a % len(SURNAMES_ZH)] + GIVEN_ZH[b % len(GIVEN_ZH)] + tail)
        else:
            names.append(f"{GIVEN[b % len(GIVEN)]} {FAMILY[a % len(FAMILY)]}")
    return names


def phones(count: int) -> list[str]:
    """Give fictitious numbers: area code 555 of the North American plan belongs to nobody."""
    return [f"+1555{number:07d}" for number in 2_000_000 + (np.arange(count) * 7) % 7_999_993]
