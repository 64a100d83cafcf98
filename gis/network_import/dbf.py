"""How a Shapefile's texts are written: what it says, and whether the bytes agree."""

import codecs
import struct
from pathlib import Path

_SAMPLE_BYTES = 1 << 20
_LANGUAGE_DRIVERS = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: "cp1252",
    0x13: "cp932",
    0x4D: "gb18030",
    0x4E: "cp949",
    0x4F: "cp950",
    0x57: "cp1252",
    0x64: "cp852",
    0x65: "cp866",
    0x78: "cp950",
    0x79: "cp949",
    0x7A: "gb18030",
    0x7B: "cp932",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCB: "cp1253",
}
_SAID_TOO_EASILY = ("iso8859-1", "cp1252", "latin-1", "ascii", "cp437", "cp850")
"""Names that software writes without looking; any bytes pass for these."""
_NAME_BYTES = 11
_FIELD_BYTES = 32
_CJK = range(0x4E00, 0xA000)


def text_encoding(dbf: Path, cpg: Path) -> str | None:
    """Find out how names and texts are encoded, as a name GDAL and Python both know; none without a .dbf."""
    if not dbf.is_file():
        return None
    with dbf.open("rb") as stream:
        head = stream.read(_SAMPLE_BYTES)
    said = _said(cpg, head)
    texts = _texts(head)
    if texts.isascii():
        return said or "UTF-8"
    if said is not None and said not in _SAID_TOO_EASILY and _passes(texts, said):
        return said
    if _passes(texts, "utf-8"):
        return "UTF-8"
    if _looks_chinese(texts):
        return "GB18030"
    return said or "CP1252"


def _said(cpg: Path, head: bytes) -> str | None:
    text = ""
    if cpg.is_file():
        text = cpg.read_bytes()[:64].decode("ascii", errors="ignore").strip().strip('"')
    if text.isdigit():
        text = f"cp{text}" if text != "65001" else "utf-8"
    text = text.removeprefix("OEM ").removeprefix("ANSI ")
    if text.isdigit():
        text = f"cp{text}"
    try:
        name = codecs.lookup(text).name if text else ""
    except LookupError:
        name = ""
    if not name and len(head) > 29:
        name = _LANGUAGE_DRIVERS.get(head[29], "")
    if name in ("gbk", "gb2312", "cp936"):
        return "gb18030"
    return name or None


def _texts(head: bytes) -> bytes:
    """Cut the field names and the sample's text fields out of a .dbf, one a line."""
    if len(head) < _FIELD_BYTES + 1:
        return b""
    header_bytes, record_bytes = struct.unpack("<HH", head[8:12])
    pieces: list[bytes] = []
    spans: list[tuple[int, int]] = []
    start = 1
    for at in range(_FIELD_BYTES, min(header_bytes, len(head)) - 1, _FIELD_BYTES):
        field = head[at : at + _FIELD_BYTES]
        if len(field) < _FIELD_BYTES or field[0] == 0x0D:
            break
        pieces.append(_whole(field[:_NAME_BYTES].split(b"\0")[0]))
        width = field[16]
        if chr(field[11]) == "C":
            width += field[17] << 8
            spans.append((start, start + width))
        start += width
    if record_bytes:
        for at in range(header_bytes, len(head) - record_bytes + 1, record_bytes):
            record = head[at : at + record_bytes]
            pieces += [_whole(record[begin:end].rstrip(b" \0")) for begin, end in spans]
    return b"\n".join(pieces)


def _whole(text: bytes) -> bytes:
    """Drop the last bytes of a text that is not plain: it may have been cut inside a character."""
    return text if text.isascii() or len(text) < 10 else text[: _last_whole(text)]


def _last_whole(text: bytes) -> int:
    for end in range(len(text), max(len(text) - 4, 0), -1):
        for encoding in ("utf-8", "gb18030"):
            if _passes(text[:end], encoding):
                return end
    return len(text)


def _passes(texts: bytes, encoding: str) -> bool:
    try:
        texts.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _looks_chinese(texts: bytes) -> bool:
    """Tell whether the bytes make common Chinese characters when read as GB 18030."""
    try:
        text = texts.decode("gb18030")
    except UnicodeDecodeError:
        return False
    foreign = [letter for letter in text if ord(letter) > 0x7F]
    if not foreign:
        return False
    # GB 2312 holds the characters in daily use; other bytes rarely fall into it by chance.
    common = sum(ord(letter) in _CJK and _passes_gb2312(letter) for letter in foreign)
    return common >= 0.7 * len(foreign)


def _passes_gb2312(letter: str) -> bool:
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
