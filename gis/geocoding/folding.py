"""Words as they are compared: width, case, accents, spoken and written numerals do not matter."""

import re
import unicodedata

_APART = re.compile(r"[^\w]+")
_NUMERAL = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "幺": 1, "两": 2}
_POWER = {"十": 10, "百": 100, "千": 1000}
_SPOKEN = re.compile(
    r"[零〇一二三四五六七八九幺十](?:[零〇一二三四五六七八九幺十百千])*|两[百千][零〇一二三四五六七八九十百]*"
)
_HAN = r"[㐀-鿿豈-﫿]"
_BETWEEN_HAN = re.compile(rf"(?<={_HAN})\s+(?=[\w])|(?<=\w)\s+(?={_HAN})")
_LAST_WORD = {
    "st": "street",
    "str": "street",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "ln": "lane",
    "dr": "drive",
    "blvd": "boulevard",
    "sq": "square",
}
_FIRST_WORD = {"r": "rua", "av": "avenida", "tv": "travessa", "lg": "largo"}


def normalise(text: str) -> str:
    """Fold a text for comparison: width, case, accents and punctuation do not matter."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(_APART.sub(" ", unicodedata.normalize("NFC", plain)).split())


def fold(text: str) -> str:
    """Fold a name or a caller's words: as `normalise`, numerals as digits, street kinds spelt out, no blanks beside Chinese characters.

    `文二路`, `文2路` and `文 二 路` become one, and so do `幺二三号`, `一百二十三号` and `123号`.
    """
    parts = (spelt_out(normalise(part)) for part in re.split(r"[,，;；、\n]", text))
    joined = _BETWEEN_HAN.sub("", " ".join(part for part in parts if part))
    return _SPOKEN.sub(_as_digits, joined)


def spelt_out(part: str) -> str:
    """Write the commonest abbreviations of street kinds in full."""
    words = part.split()
    if len(words) > 1 and words[0] in _FIRST_WORD:
        words[0] = _FIRST_WORD[words[0]]
    return " ".join(_LAST_WORD.get(word, word) if at else word for at, word in enumerate(words))


def _as_digits(match: re.Match[str]) -> str:
    """Write a numeral in digits: by its value where it has tens or hundreds, else digit for digit."""
    said = match[0]
    if not any(c in _POWER for c in said):
        return "".join(str(_NUMERAL[c]) for c in said)
    total, digits = 0, ""
    for c in said:
        if c in _POWER:
            total += int(digits or "1") * _POWER[c]
            digits = ""
        elif c in "零〇":
            digits = ""
        else:
            digits += str(_NUMERAL[c])
    if not digits:
        return str(total)
    # `一百二` is 120, `一百零二` and `十二` are 102 and 12
    bare_after_power = len(digits) == 1 and len(said) > 2 and said[-2] in "百千"
    return str(total + int(digits) * (_POWER[said[-2]] // 10 if bare_after_power else 1))
