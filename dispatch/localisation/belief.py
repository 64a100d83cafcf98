"""Where it is broken, as far as calls, silence, sightings and answers tell: shares of belief over segments and mains.

Every segment of the network is tried as the broken one. Whom it leaves dry calls with an unknown probability, and so most of them stay silent;
whoever stands beside it may notice low pressure as long as nothing is shut; anybody may call for another reason. Water in a street is seen near
the break. Customers who were rung and asked say what their tap does, a few of them wrongly. What is not known (how many call, whether pressure
has fallen round about) is summed over.

Time and memory grow with the segments of the network and, for each call, with the segments that could leave its caller dry.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from dispatch.models import Answer
from gis.isolation import Footprints
from gis.isolation.arrays import Floats, Ints

SAID: Final = (Answer.HAS_WATER, Answer.NO_WATER, Answer.LOW_PRESSURE)
"""The answers that tell something, in the order of the columns below."""

CALLS_DRY: Final = np.array([0.85, 0.15])
"""Of those without water who call, the shares that say there is none, and that there is little."""
CALLS_BESIDE: Final = np.array([0.03, 0.30])
"""The same of those beside a break while it runs, to one call of the dry: upper floors have none, others little."""
RUNNING: Final = 0.5
"""How likely pressure has fallen round about: it is broken and not shut, or shut by somebody already."""
CALL_SHARES: Final = ((0.1, 0.05), (0.25, 0.1), (0.5, 0.2), (1.0, 0.3), (2.0, 0.2), (4.0, 0.1), (8.0, 0.05))
"""How many of the dry call: multiples of the usual share, and how likely each is."""
CALL_SHARE_MAX: Final = 0.9

SEEN_WITHIN_M: Final = 25.0
"""How far from the break water comes up, beside the error of the place told."""
OTHER_SIGHTING: Final = 0.05
"""How likely water seen in a street is something else."""
OTHER_SIGHTING_AREA_M2: Final = 3e6
"""Where the something else might be: a kilometre round about."""
SEEN_BY_CHANCE: Final = math.log(OTHER_SIGHTING / OTHER_SIGHTING_AREA_M2)
"""How likely a sighting is of something else, by square metre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How people call and answer.

    Parameters
    ----------
    call_share
        Of those without water, the share that calls.
    stray_share
        Of all customers, the share that calls about missing water for another reason while this goes on.
    wrong_share
        Of those rung and asked, the share that says what is not so.
    """

    call_share: float = 0.05
    stray_share: float = 0.000_25
    wrong_share: float = 0.03

    def answers(self) -> Floats:
        """Tell how likely each of `SAID` is from one who is dry, one beside a running break, and one with water."""
        wrong = self.wrong_share
        return np.array(
            [
                [wrong, 0.93 * (1.0 - wrong), 0.07 * (1.0 - wrong)],
                [0.5, 0.05, 0.45],
                [1.0 - wrong, 0.5 * wrong, 0.5 * wrong],
            ]
        )


@dataclass(frozen=True, slots=True)
class Sightings:
    """How likely what was seen is, by square metre, as logarithms: if each main is the broken one, and if all of it is something else."""

    by_pipe: Floats
    by_chance: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of an incident.

    Parameters
    ----------
    calls
        Calls about missing and about little water, a matrix each: a row a customer, a column a part of the network, in it how likely he is
        served from there. A row adds up to one at most.
    asked, said
        Where customers who were rung are served from, and what they said, as `SAID` counts.
    seen
        Water seen in a street; nothing where there is none.
    """

    calls: tuple[csr_matrix, csr_matrix]
    asked: Ints
    said: Ints
    seen: Sightings | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known."""
        return self.seen is None and not len(self.said) and not any(calls.shape[0] for calls in self.calls)


@dataclass(frozen=True, kw_only=True)
class Belief:
    """Shares of belief that add up to one.

    Parameters
    ----------
    rows
        Of the segments, by their rows in `Footprints`.
    pipes
        Of the mains.
    running
        How likely pressure has fallen beside each segment, if it is that one.
    """

    rows: Floats
    pipes: Floats
    running: Floats

    def most_likely(self, share: float) -> Ints:
        """List the fewest rows that hold a share of the belief, the most believed first."""
        order = np.argsort(-self.rows, kind="stable")
        held = np.cumsum(self.rows[order])
        needed: Ints = order[: int(np.searchsorted(held, share - 1e-9)) + 1]
        return needed

    def of_alike(self, footprints: Footprints) -> Floats:
        """Sum the belief of segments that leave the same customers dry, by the numbers of `Footprints.alike`."""
        return np.bincount(footprints.alike, weights=self.rows).astype(np.float64)


def served_from(parts: Sequence[Ints], shares: Sequence[Floats], count: int) -> csr_matrix:
    """Write down where callers are served from: the parts each may be on and how likely, among `count` parts."""
    starts = np.concatenate([[0], np.cumsum([len(one) for one in parts])]).astype(np.int64)
    columns = np.concatenate([*parts, np.empty(0, dtype=np.int64)])
    return csr_matrix((np.concatenate([*shares, np.empty(0)]), columns, starts), shape=(len(parts), count))


def seen_from(distance_m: Floats, length_m: Floats, error_m: Floats) -> Floats:
    """Tell how likely water is seen at a place if it comes from a main so far off, by square metre, as a logarithm.

    The break is anywhere along the main; across it, the place told strays by its error and by how far water runs before it comes up.
    """
    spread_m = np.hypot(SEEN_WITHIN_M, error_m)
    across = np.exp(-0.5 * (distance_m / spread_m) ** 2) / (spread_m * np.sqrt(2.0 * np.pi))
    along_m = np.maximum(length_m, spread_m * np.sqrt(2.0 * np.pi))
    found: Floats = np.log((1.0 - OTHER_SIGHTING) * across / along_m + math.exp(SEEN_BY_CHANCE))
    return found


def believe(footprints: Footprints, proneness: Floats, evidence: Evidence, habits: Habits) -> Belief:
    """Weigh every segment, and every main in it, as the broken one.

    That all reports are there by chance is left out: at least one is about the break, or nobody would look for it.

    Parameters
    ----------
    footprints
        What every segment leaves dry.
    proneness
        How readily each main breaks, beside the others.
    """
    row, count = footprints.row_of_pipe, len(footprints.segment)
    log_prone = np.log(np.maximum(proneness, np.finfo(float).tiny))
    log_pipe = log_prone + evidence.seen.by_pipe if evidence.seen is not None else log_prone
    log_row = _summed(log_pipe, row, count)
    by_chance = _summed(log_prone, row, count) + (
        evidence.seen.by_chance if evidence.seen is not None else 0.0
    )
    heard = _Heard.of(footprints, evidence)
    whole, chance_only = [], []
    for is_running, chance in ((False, 1.0 - RUNNING), (True, RUNNING)):
        told, nothing_told = _calls(heard, habits, is_running=is_running)
        other = np.log(chance) + _answers(footprints, evidence, habits, is_running=is_running)
        whole.append(log_row + told + other)
        chance_only.append(by_chance + nothing_told + other)
    by_state = np.stack(whole)
    explained = _minus(by_state, np.stack(chance_only))
    if np.isfinite(explained).any():  # not so where nobody called, or nowhere near
        by_state = explained
    by_state = np.exp(by_state - logsumexp(by_state))
    rows = by_state.sum(axis=0)
    within = np.exp(log_pipe - log_row[row])
    return Belief(
        rows=rows,
        pipes=rows[row] * within,
        running=np.divide(by_state[1], rows, out=np.full(len(rows), RUNNING), where=rows > 0.0),
    )


@dataclass(frozen=True)
class _Heard:
    """How likely each caller (rows) is among those each segment (columns) leaves dry, and among those beside it; by kind of call."""

    dry: list[csr_matrix]
    beside: list[csr_matrix]
    callers_dry: Floats
    callers_beside: Floats
    silent_dry: Floats
    silent_beside: Floats

    @classmethod
    def of(cls, footprints: Footprints, evidence: Evidence) -> "_Heard":
        dry = [csr_matrix(calls @ footprints.dried_by) for calls in evidence.calls]
        beside = [csr_matrix(calls @ footprints.beside) for calls in evidence.calls]
        callers_dry, callers_beside = _column_sums(dry), _column_sums(beside)
        return cls(
            dry=dry,
            beside=beside,
            callers_dry=callers_dry,
            callers_beside=callers_beside,
            silent_dry=np.maximum(footprints.dry_customers - callers_dry, 0.0),
            silent_beside=np.maximum(footprints.beside_customers - callers_beside, 0.0),
        )


def _column_sums(matrices: Sequence[csr_matrix]) -> Floats:
    summed: Floats = np.sum([np.asarray(one.sum(axis=0)).ravel() for one in matrices], axis=0)
    return summed


def _calls(heard: _Heard, habits: Habits, *, is_running: bool) -> tuple[Floats, Floats]:
    """Weigh the calls that came and those that did not, summed over how many of the dry call; and the same if all came by chance."""
    beside_calls = CALLS_BESIDE * is_running
    stray = habits.stray_share
    explained = [
        csr_matrix(by_dry * dry + by_beside * beside)
        for dry, beside, by_dry, by_beside in zip(
            heard.dry, heard.beside, CALLS_DRY, beside_calls, strict=True
        )
    ]
    told, nothing_told = [], []
    for multiple, chance in CALL_SHARES:
        share = min(multiple * habits.call_share, CALL_SHARE_MAX)
        dry, beside = _silence(share, stray), _silence(share * float(beside_calls.sum()), stray)
        score = np.log(chance) + heard.silent_dry * dry + heard.silent_beside * beside
        nothing_told.append(score + heard.callers_dry * dry + heard.callers_beside * beside)
        for calls in explained:
            weight = np.log1p(share / (0.5 * stray) * calls.data)
            score = score + np.bincount(calls.indices, weights=weight, minlength=len(score))
        told.append(score)
    return np.asarray(logsumexp(told, axis=0)), np.asarray(logsumexp(nothing_told, axis=0))


def _minus(log: Floats, less: Floats) -> Floats:
    """Subtract what is given as logarithms; nothing is left where both are the same."""
    with np.errstate(divide="ignore", invalid="ignore"):
        left: Floats = log + np.log(-np.expm1(np.minimum(less - log, 0.0)))
    return np.where(np.isnan(left), -np.inf, left)


def _silence(share: float, stray: float) -> float:
    """Weigh one who might have called and did not, beside one who had no reason to."""
    return float(np.log1p(-min(share + stray, 0.99)) - np.log1p(-stray))


def _answers(footprints: Footprints, evidence: Evidence, habits: Habits, *, is_running: bool) -> Floats:
    score = np.zeros(len(footprints.segment))
    if not len(evidence.said):
        return score
    dry, beside, fed = np.log(habits.answers())[:, evidence.said]
    on_dry = footprints.dried_by[evidence.asked]
    on_beside = footprints.beside[evidence.asked]
    score += (dry - fed) @ on_dry
    if is_running:
        score += (beside - fed) @ on_beside
    return np.asarray(score)


def _summed(logs: Floats, row: Ints, count: int) -> Floats:
    """Sum by rows what is given as logarithms; nothing is minus infinity."""
    highest = np.full(count, -np.inf)
    np.maximum.at(highest, row, logs)
    total = np.bincount(row, weights=np.exp(logs - highest[row]), minlength=count)
    with np.errstate(divide="ignore"):
        summed: Floats = np.where(total > 0.0, highest + np.log(total), -np.inf)
    return summed
