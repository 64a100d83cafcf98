"""Says in words what is wrong with one line of an INP file that wntr could not read."""

import re
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LineForm:
    """What a section's lines must hold: so many fields, numbers and ids in their places (counted from 0)."""

    least: int
    most: int
    numbers: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()
    links: tuple[int, ...] = ()


_MANY = 1_000
_FORMS = {
    "[JUNCTIONS]": LineForm(2, 4, numbers=(1, 2)),
    "[RESERVOIRS]": LineForm(2, 3, numbers=(1,)),
    "[TANKS]": LineForm(6, 9, numbers=(1, 2, 3, 4, 5, 6)),
    "[PIPES]": LineForm(6, 8, numbers=(3, 4, 5, 6), nodes=(1, 2)),
    "[PUMPS]": LineForm(4, _MANY, nodes=(1, 2)),
    "[VALVES]": LineForm(6, 7, numbers=(3, 6), nodes=(1, 2)),
    "[EMITTERS]": LineForm(2, 2, numbers=(1,), nodes=(0,)),
    "[DEMANDS]": LineForm(2, _MANY, numbers=(1,), nodes=(0,)),
    "[STATUS]": LineForm(2, 2, links=(0,)),
    "[CURVES]": LineForm(3, 3, numbers=(1, 2)),
    "[PATTERNS]": LineForm(2, _MANY),
    "[COORDINATES]": LineForm(3, 3, numbers=(1, 2), nodes=(0,)),
    "[VERTICES]": LineForm(3, 3, numbers=(1, 2), links=(0,)),
    "[QUALITY]": LineForm(2, 2, numbers=(1,), nodes=(0,)),
    "[SOURCES]": LineForm(3, 4, numbers=(2,), nodes=(0,)),
}
PIPE_STATES = ("OPEN", "CLOSED", "CV")


def fault_of_line(
    section: str, line: str, *, nodes: Collection[str], links: Collection[str], said: str
) -> str:
    """Name the first thing wrong with a line, or repeat what wntr said.

    Parameters
    ----------
    section
        With its brackets.
    nodes, links
        The ids the file defines.
    said
        wntr's own words.
    """
    fields = line.split(";")[0].split()
    form = _FORMS.get(section)
    if form is None or not fields:
        return f"{said}: {_short(line)}" if said else f"this cannot be read: {_short(line)}"
    if len(fields) < form.least:
        return f"{form.least} fields are needed, it has {len(fields)}: {_short(line)}"
    if len(fields) > form.most:
        return f"{form.most} fields are the most, it has {len(fields)}: {_short(line)}"
    for place in form.nodes:
        if fields[place] not in nodes:
            return f"no node has the id {fields[place]!r}"
    for place in form.links:
        if fields[place] not in links:
            return f"no link has the id {fields[place]!r}"
    for place in form.numbers:
        if place < len(fields) and not _is_number(fields[place]):
            return f"{fields[place]!r} is no number: {_short(line)}"
    if section == "[PIPES]" and len(fields) == form.most and fields[-1].upper() not in PIPE_STATES:
        return f"{fields[-1]!r} is no state of a pipe (Open, Closed, CV)"
    return f"{said}: {_short(line)}" if said else f"this cannot be read: {_short(line)}"


def words_of(error: BaseException) -> str:
    """Take what an exception of wntr says, in one line and without its error number and line."""
    text = str(error.args[0]) if error.args else type(error).__name__
    text = text.split("\n")[0].strip()
    text = re.sub(r"^\(Error \d+\)\s*", "", text)
    text = re.sub(r",? at line \d+:?\s*$", "", text).strip()
    if isinstance(error, KeyError) and text and " " not in text:
        text = f"nothing has the name {text!r}"
    return "this is not known" if "%s" in text else text or "this cannot be read"


def _short(line: str) -> str:
    text = " ".join(line.split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
