"""Names heard in a text: an index of the pieces of names by their sound.

Pieces are pairs of neighbouring syllables, and triples of letters for words written with letters. Looking a text up costs the
occurrences of its pieces among all names, some 2 ms for a text of fifteen characters among 100,000 names, and grows with their number.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from gis.geocoding.folding import fold, normalise
from gis.geocoding.reading import Said
from gis.geocoding.sounds import FIRST_SYLLABLE, LAST_SYLLABLE, heard, initials, likeness

Ints = NDArray[np.int64]

SHORTLIST = 60
"""Names compared character by character for one text."""
COVERED_MIN = 0.3
"""Share of a name's pieces, by weight, that must occur for it to be compared."""
ALIKE_MIN = 0.6
OTHERWISE_WRITTEN = 0.01
"""What a name loses that was said the same but is written otherwise: of `6th Street` and `Sixth Street` the one as typed is meant."""
SHARED_PIECES_MAX = 30_000
"""A piece that this many names have tells little and costs much; it counts only where a text has no rarer one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A name heard in a text: which, from where to where, and how like (0 to 1)."""

    name: int
    start: int
    end: int
    alike: float


def _codes(symbols: str) -> Ints:
    return np.frombuffer(symbols.encode("utf-32-le"), dtype=np.uint32).astype(np.int64)


def _pieces(codes: Ints) -> tuple[Ints, Ints]:
    """Cut symbols into pieces: keys, and where each begins; line ends divide names, blanks divide words."""
    syllable = (codes >= FIRST_SYLLABLE) & (codes <= LAST_SYLLABLE)
    divides = codes == ord("\n")
    first, second = codes[:-1], codes[1:]
    pair = (syllable[:-1] | syllable[1:]) & ~divides[:-1] & ~divides[1:]
    pair &= (first != ord(" ")) & (second != ord(" "))
    at_pair = np.flatnonzero(pair)
    triple = ~(syllable[:-2] | syllable[1:-1] | syllable[2:]) & ~(divides[:-2] & divides[2:]) & ~divides[1:-1]
    triple &= codes[1:-1] != ord(" ")
    at_triple = np.flatnonzero(triple)
    blank = np.where(divides, ord(" "), codes)
    keys = np.concatenate(
        [
            (first[at_pair] << 21) | second[at_pair],
            (1 << 62) | (blank[at_triple] << 42) | (blank[at_triple + 1] << 21) | blank[at_triple + 2],
        ]
    )
    # A triple begins at its first letter, which a line end or blank before the word is not.
    starts = np.concatenate([at_pair, np.where(divides[at_triple], at_triple + 1, at_triple)])
    return keys, starts


class NameIndex:
    """Names to be heard, each by its place in the list.

    Parameters
    ----------
    names
        As written; those that fold to nothing are never heard.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.written = [normalise(name).replace(" ", "") for name in names]
        self.names = [fold(name) for name in names]
        self.symbols = [heard(name) for name in self.names]
        codes = _codes("\n" + "\n".join(self.symbols) + "\n")
        name_of = np.cumsum(codes == ord("\n")) - 1
        keys, starts = _pieces(codes)
        named = name_of[starts]
        order = np.lexsort((named, keys))
        keys, named = keys[order], named[order]
        first = np.ones(len(keys), dtype=bool)
        first[1:] = (keys[1:] != keys[:-1]) | (named[1:] != named[:-1])
        keys, self._named = keys[first], named[first].astype(np.int32)
        self._keys, at = np.unique(keys, return_index=True)
        self._start = np.append(at, len(keys)).astype(np.int64)
        shared = np.diff(self._start)
        self._weight = np.log1p(len(self.names) / np.maximum(shared, 1))
        self._whole = np.bincount(
            self._named, weights=np.repeat(self._weight, shared), minlength=len(self.names)
        )

    def __len__(self) -> int:
        return len(self.names)

    def heard_in(self, said: Said, *, limit: int = 24) -> list[Heard]:
        """Find the names that a text contains, whole or nearly, the most telling first."""
        found = [
            one
            for name in self._shortlist(said.symbols).tolist()
            for one in self._compared(name, said.text, said.symbols)
        ]
        found = [
            one if self.written[one.name] in said.words else replace(one, alike=one.alike - OTHERWISE_WRITTEN)
            for one in found
        ]
        found.sort(key=lambda one: (-one.alike * min(8, len(self.names[one.name])), one.name))
        return found[:limit]

    def _shortlist(self, symbols: str) -> Ints:
        keys, _ = _pieces(_codes("\n" + symbols + "\n"))
        place = np.searchsorted(self._keys, np.unique(keys))
        place = place[place < len(self._keys)]
        place = place[np.isin(self._keys[place], keys)]
        if not len(place):
            return np.empty(0, dtype=np.int64)
        shared = self._start[place + 1] - self._start[place]
        rare = shared <= SHARED_PIECES_MAX
        if rare.any():
            place, shared = place[rare], shared[rare]
        rows = np.repeat(self._start[place] - np.cumsum(shared) + shared, shared) + np.arange(shared.sum())
        named, back = np.unique(self._named[rows], return_inverse=True)
        weight = np.bincount(back, weights=np.repeat(self._weight[place], shared))
        covered = weight / self._whole[named]
        rank = weight * covered
        likely = np.flatnonzero(covered >= COVERED_MIN)
        best = likely[np.argsort(-rank[likely], kind="stable")[:SHORTLIST]]
        return named[best].astype(np.int64)

    def _compared(self, name: int, text: str, symbols: str) -> Iterable[Heard]:
        """Find where a name stands in the text, and how like it is there."""
        wanted = self.symbols[name]
        if len(wanted) > len(symbols):
            alike = _alike(text, symbols, self.names[name], wanted)
            if alike >= ALIKE_MIN:
                yield Heard(name, 0, len(text), alike)
            return
        at = symbols.find(wanted)
        if at >= 0:
            # the same sound may come twice; take the place where the characters are the same too
            exact = text.find(self.names[name])
            at = exact if exact >= 0 else at
            yield Heard(
                name,
                at,
                at + len(wanted),
                _alike(text[at : at + len(wanted)], wanted, self.names[name], wanted),
            )
            return
        window = fuzz.partial_ratio_alignment(wanted, symbols, score_cutoff=100.0 * ALIKE_MIN)
        if window is None:
            return
        start, end = window.dest_start, window.dest_end
        alike = _alike(text[start:end], symbols[start:end], self.names[name], wanted)
        if alike >= ALIKE_MIN:
            yield Heard(name, start, end, alike)

    # --- typing ------------------------------------------------------------------------------------

    @cached_property
    def _by_symbols(self) -> tuple[list[str], Ints]:
        order = sorted(range(len(self.symbols)), key=self.symbols.__getitem__)
        return [self.symbols[name] for name in order], np.array(order, dtype=np.int64)

    @cached_property
    def _by_initials(self) -> tuple[list[str], Ints]:
        short = [initials(name) for name in self.names]
        order = sorted(range(len(short)), key=short.__getitem__)
        return [short[name] for name in order], np.array(order, dtype=np.int64)

    def beginning_with(self, symbols: str, *, limit: int) -> list[int]:
        """List names whose sound begins so, the shortest first."""
        return _beginning(*self._by_symbols, symbols, limit=limit)

    def with_initials(self, letters: str, *, limit: int) -> list[int]:
        """List names whose syllables begin with these letters, the shortest first."""
        return _beginning(*self._by_initials, letters, limit=limit)


_LOOKED_THROUGH = 400


def _beginning(ordered: list[str], order: Ints, start: str, *, limit: int) -> list[int]:
    at = bisect_left(ordered, start)
    end = bisect_left(ordered, start + chr(0x10FFFF), lo=at)
    some = range(at, min(end, at + _LOOKED_THROUGH))
    return [
        int(order[place]) for place in sorted(some, key=lambda place: (len(ordered[place]), place))[:limit]
    ]


def _alike(said: str, said_symbols: str, meant: str, meant_symbols: str) -> float:
    """Compare what was said with a name, character by character where the sounds are in line."""
    longer = max(len(said), len(meant))
    if not longer:
        return 0.0
    total = 0.0
    for block in Indel.opcodes(said_symbols, meant_symbols):
        if block.tag == "equal":
            total += sum(
                likeness(a, b)
                for a, b in zip(
                    said[block.src_start : block.src_end],
                    meant[block.dest_start : block.dest_end],
                    strict=True,
                )
            )
    return total / longer
