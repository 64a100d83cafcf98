"""Whom to ring: the customers whose answer to "do you have water?" teaches most about where it is broken."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix

from dispatch.localisation.belief import Belief, Habits
from gis.isolation import Footprints
from gis.isolation.arrays import Flags, Floats, Ints

BELIEF_WEIGHED: Final = 0.999
ROWS_WEIGHED_MAX: Final = 300
"""The segments weighed hold so much of the belief, and are no more than so many."""
PARTS_WEIGHED_MAX: Final = 400
"""Of the parts of the network, those whose customers are least sure to be dry, or to have water."""
BITS_MIN: Final = 0.01
"""A call that teaches less is not worth making."""


@dataclass(frozen=True, slots=True)
class Question:
    """One to be rung, and what it is worth.

    Parameters
    ----------
    part
        The part of the network whose customers all can tell the same.
    bits
        What the answer is expected to teach once those before it are known.
    dry
        How likely he is without water.
    """

    part: int
    bits: float
    dry: float


def questions(
    footprints: Footprints, belief: Belief, habits: Habits, *, ringable: Flags, most: int
) -> list[Question]:
    """Choose whom to ring, one after the other, each for what his answer teaches beside those before him.

    The worth is the mutual information of the answer and the broken segment, wrong answers included: large where the belief is split, and
    nothing where it is clear what the customer will say.

    Parameters
    ----------
    ringable
        Parts of the network with somebody who may be rung.
    most
        How many to choose at most; only one of each part is.
    """
    rows = belief.most_likely(BELIEF_WEIGHED)[:ROWS_WEIGHED_MAX]
    weight = belief.rows[rows] / belief.rows[rows].sum()
    dry, beside, parts = _conditions(footprints, belief, rows, ringable)
    if not len(parts):
        return []
    # How likely each answer is (last axis) of a customer of each part, if it is this segment.
    told = _told(dry, beside, belief.running[rows], habits)
    noise = -np.einsum("r,rpa,rpa->p", weight, told, np.log2(told))
    chosen: list[Question] = []
    worlds = weight[None, :]
    for _ in range(min(most, len(parts))):
        foreseen = np.einsum("wr,rpa->wpa", worlds, told)
        chance = worlds.sum(axis=1)
        unsure = -np.einsum("wpa,wpa->p", foreseen, np.log2(foreseen / chance[:, None, None]))
        bits = unsure - noise
        bits[[int(np.flatnonzero(parts == one.part)[0]) for one in chosen]] = 0.0
        best = int(np.argmax(bits))
        if bits[best] < BITS_MIN:
            break
        chosen.append(Question(int(parts[best]), float(bits[best]), float(weight @ dry[:, best])))
        worlds = np.concatenate([worlds * told[:, best, answer] for answer in range(told.shape[2])])
    return chosen


def _conditions(
    footprints: Footprints, belief: Belief, rows: Ints, ringable: Flags
) -> tuple[Floats, Floats, Ints]:
    """Tell for each segment weighed (rows) which parts fall dry and which stand beside (columns), and which parts those are."""
    dry = csr_matrix(footprints.dry[rows])
    chance = np.asarray(belief.rows[rows] @ dry).ravel()
    near = np.asarray((footprints.beside @ _column(belief.rows, rows)).sum(axis=1)).ravel()
    doubt = np.where(ringable, chance * (1.0 - chance) + _BESIDE_DOUBT * near * (1.0 - near), 0.0)
    parts = np.flatnonzero(doubt > 0.0)
    parts = np.sort(parts[np.argsort(-doubt[parts], kind="stable")[:PARTS_WEIGHED_MAX]])
    return dry[:, parts].toarray(), footprints.beside[parts][:, rows].toarray().T, parts


_BESIDE_DOUBT: Final = 0.1
"""Low pressure teaches less than none: only for choosing which parts are weighed."""


def _column(belief: Floats, rows: Ints) -> csr_matrix:
    return csr_matrix((belief[rows], (rows, np.zeros(len(rows), dtype=np.int64))), shape=(len(belief), 1))


def _told(dry: Floats, beside: Floats, running: Floats, habits: Habits) -> Floats:
    when_dry, when_beside, when_fed = habits.answers()
    runs = beside * running[:, None]
    told: Floats = (
        dry[:, :, None] * when_dry
        + runs[:, :, None] * when_beside
        + (1.0 - dry - runs)[:, :, None] * when_fed
    )
    return told
