"""Nodes that a search passes over: steps past them are chosen once a graph, timed once an overlay, and walked through after the search.

A few rounds of customizable contraction (Dibbelt, Strasser, Wagner 2014), nodes with few neighbours first, and back over them the
sweep of PHAST (Delling, Goldberg, Nowatzyk, Werneck 2011): exact, whatever the steps take.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 6
"""Porto keeps a fifth of its nodes; two more rounds would leave out two in a hundred more (measured)."""
NEIGHBOURS_MAX = 4
"""A node with more neighbours stays: passing over it would add more steps than it takes away."""
SEED = 1
"""Which of equal nodes is left out first is drawn by lot."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Numbers listed under others, those from 0 on.

    Parameters
    ----------
    starts
        Where each list begins in `listed`, and where the last ends.
    listed
        One list after the other.
    """

    starts: Ints
    listed: Ints

    @classmethod
    def under(cls, heads: Ints, numbers: Ints, size: int) -> "Lists":
        """List each number under the head beside it, in the order given.

        Parameters
        ----------
        size
            One more than the last head.
        """
        order = np.argsort(heads, kind="stable")
        return cls(np.searchsorted(heads[order], np.arange(size + 1)), numbers[order])

    def counts(self, heads: Ints) -> Ints:
        """Tell how many are listed under each of some heads."""
        return np.asarray(self.starts[heads + 1] - self.starts[heads])

    def of(self, heads: Ints) -> Ints:
        """Name what is listed under some heads, one after the other."""
        return np.asarray(self.listed[runs(self.starts[heads], self.counts(heads))])


@dataclass(frozen=True, slots=True)
class Contraction:
    """Steps between nodes, among them those past nodes that are left out, in one of several rounds.

    Nodes have numbers of their own here: those never left out first, then those left out, from the last round to the first. Steps that a
    search needs come first: all but those that lead back into a node left out before the one they come from. Those follow in the order
    to walk through them afterwards.

    Parameters
    ----------
    number
        The number here of each node.
    kept
        How many nodes are never left out.
    starts
        Where each node's row begins among the steps to search, one more than there are nodes.
    row, column
        The two nodes of each step; the very last step is none.
    searched
        How many steps there are to search.
    sweeps
        The other steps in parts; each leads into nodes that follow one another, from rows whose times are known by then.
    back
        By node, the steps that lead back into it; where there are fewer than the most, -1, the step that is none.
    of_pair
        The step of each pair of neighbouring nodes, in the order of the search matrix.
    pair
        The pair each step is; -1 where it only leads past nodes.
    whole, first, second
        Steps past a node, and two they may be made of: one into the node and one out of it.
    layers
        Parts of those, in the order to time them; none holds a whole twice.
    joins
        By step, where it is the `whole`.
    built_on
        By step, each whole it is the first or second of.
    """

    number: Ints
    kept: int
    starts: NDArray[np.int32]
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    searched: int
    sweeps: tuple[slice, ...]
    back: Ints
    of_pair: Ints
    pair: Ints
    whole: Ints
    first: Ints
    second: Ints
    layers: tuple[slice, ...]
    joins: Lists
    built_on: Lists

    def between(self, row: int, column: int) -> int:
        """Find the step to search that leads from one node to another."""
        begin, end = int(self.starts[row]), int(self.starts[row + 1])
        return begin + int(np.searchsorted(self.column[begin:end], column))


@dataclass(frozen=True, slots=True)
class Steps:
    """What the steps of a contraction take.

    Parameters
    ----------
    seconds, metres
        Of each step; the last, which is none, takes for ever.
    made_of
        Which `first` and `second` each is made of; of two neighbouring nodes their pair, counted from -1 downwards.
    """

    contraction: Contraction
    seconds: Floats
    metres: Floats
    made_of: NDArray[np.int32]

    def pairs_of(self, step: int) -> list[int]:
        """Take a step apart into pairs of neighbouring nodes, the last one first."""
        made_of = int(self.made_of[step])
        if made_of < 0:
            return [-1 - made_of]
        first, second = int(self.contraction.first[made_of]), int(self.contraction.second[made_of])
        return [*self.pairs_of(second), *self.pairs_of(first)]


# --- timing, once an overlay -----------------------------------------------------------------------


def time_steps(contraction: Contraction, seconds: Floats, edge: NDArray[np.int32], length_m: Floats) -> Steps:
    """Choose the fastest there is for each step past a node.

    Parameters
    ----------
    seconds, edge
        Of each pair of neighbouring nodes, in the order of the search matrix: what it takes, and by which edge.
    length_m
        Of each edge.
    """
    size = len(contraction.row)
    untimed = Steps(contraction, np.full(size, np.inf), np.zeros(size), np.full(size, -1, dtype=np.int32))
    return time_again(untimed, np.arange(len(seconds)), seconds, edge, length_m)


def time_again(
    before: Steps, pairs: Ints, seconds: Floats, edge: NDArray[np.int32], length_m: Floats
) -> Steps:
    """Time anew the steps that some pairs of neighbouring nodes may be part of; the others are as before.

    Parameters
    ----------
    pairs
        Which pairs changed.
    seconds, edge, length_m
        As for `time_steps`.
    """
    its = before.contraction
    step_s, step_m, made_of = before.seconds.copy(), before.metres.copy(), before.made_of.copy()
    stale = _built_on(its, its.of_pair[pairs])
    step_s[stale], step_m[stale], made_of[stale] = np.inf, 0.0, -1
    step = stale[its.pair[stale] >= 0]
    pair = its.pair[step]
    step_s[step], step_m[step], made_of[step] = seconds[pair], length_m[edge[pair]], -1 - pair
    joins = np.sort(its.joins.of(stale))
    for layer in its.layers:
        begin, end = np.searchsorted(joins, (layer.start, layer.stop))
        join = joins[begin:end]
        joined_s = step_s[its.first[join]] + step_s[its.second[join]]
        join = join[faster := joined_s < step_s[its.whole[join]]]
        whole, first, second = its.whole[join], its.first[join], its.second[join]
        step_s[whole], step_m[whole], made_of[whole] = joined_s[faster], step_m[first] + step_m[second], join
    return Steps(its, step_s, step_m, made_of)


def _built_on(contraction: Contraction, steps: Ints) -> Ints:
    """Name some steps and all that may be made of them, by however many joins."""
    found = [steps]
    while len(found[-1]):
        found.append(distinct(contraction.built_on.of(found[-1])))
    return distinct(np.concatenate(found))


# --- choosing, once a graph ------------------------------------------------------------------------


def contract(row: NDArray[np.int32], column: NDArray[np.int32], nodes: int) -> Contraction:
    """Choose the nodes to leave out and the steps past them.

    Parameters
    ----------
    row, column
        Pairs of neighbouring nodes in the order of the search matrix.
    nodes
        How many nodes there are.
    """
    key = row.astype(np.int64) * nodes + column  # of each step its two nodes in one
    left = np.arange(len(key))  # the steps between nodes not left out yet, by their key
    left_in, joins = np.full(nodes, ROUNDS), [np.empty((4, 0), dtype=np.int64)]
    for turn in range(ROUNDS):
        begin, end = np.divmod(key[left], nodes)
        passed = _to_pass(begin, end, nodes)
        left_in[passed] = turn
        first, second = _joined(key, nodes, left[passed[end]], left[passed[begin]])
        past = key[first] // nodes * nodes + key[second] % nodes
        left = left[~(passed[begin] | passed[end])]
        new = np.setdiff1d(distinct(past), key[left], assume_unique=True)
        left = np.append(left, np.arange(len(key), len(key) + len(new)))
        key = np.append(key, new)
        left = left[np.argsort(key[left], kind="stable")]
        whole = left[np.searchsorted(key[left], past)]
        joins.append(np.stack([np.full_like(whole, turn), whole, first, second]))
    begin, end = np.divmod(key, nodes)
    leads_back = left_in[end] < left_in[begin]
    number = _places(np.lexsort((-np.bincount(end[leads_back], minlength=nodes), -left_in)))
    until = -left_in[end]
    begin, end = number[begin], number[end]
    searched, back = np.flatnonzero(~leads_back), np.flatnonzero(leads_back)
    searched = searched[np.lexsort((end[searched], begin[searched]))]
    nth = _repeats(end[back])
    in_sweeps = np.lexsort((end[back], nth, until[back]))
    back, nth = back[in_sweeps], nth[in_sweeps]
    back_into = np.full((nodes, NEIGHBOURS_MAX), -1)
    back_into[end[back], nth] = len(searched) + np.arange(len(back))
    order = np.concatenate([searched, back])
    step = _places(order)
    at, whole, first, second = np.concatenate(joins, axis=1)
    again = _repeats(at * len(key) + whole)
    in_layers = np.lexsort((whole, again, at))
    whole, first, second = step[whole[in_layers]], step[first[in_layers]], step[second[in_layers]]
    size = len(order) + 1
    return Contraction(
        number=number,
        kept=int((left_in == ROUNDS).sum()),
        starts=np.searchsorted(begin[searched], np.arange(nodes + 1)).astype(np.int32),
        row=np.append(begin[order], 0).astype(np.int32),
        column=np.append(end[order], 0).astype(np.int32),
        searched=len(searched),
        sweeps=_parts(len(searched), until[back], nth),
        back=back_into,
        of_pair=step[: len(row)],
        pair=np.append(np.where(order < len(row), order, -1), -1),
        whole=whole,
        first=first,
        second=second,
        layers=_parts(0, at[in_layers], again[in_layers]),
        joins=Lists.under(whole, np.arange(len(whole)), size),
        built_on=Lists.under(np.append(first, second), np.append(whole, whole), size),
    )


def _to_pass(begin: Ints, end: Ints, nodes: int) -> NDArray[np.bool_]:
    """Choose nodes with few neighbours, no two of them neighbours themselves: those with the fewest first."""
    pair = distinct(np.concatenate([begin * nodes + end, end * nodes + begin]))
    one, other = np.divmod(pair, nodes)
    neighbours = np.bincount(one, minlength=nodes)
    rank = neighbours * nodes + np.random.default_rng(SEED).permutation(nodes)
    is_first = np.ones(nodes, dtype=bool)
    is_first[one[rank[other] < rank[one]]] = False
    return is_first & (neighbours > 0) & (neighbours <= NEIGHBOURS_MAX)


def _joined(key: Ints, nodes: int, leads_in: Ints, leads_out: Ints) -> tuple[Ints, Ints]:
    """Join every step into a node with every step out of it that does not turn back; those out by their key."""
    node, begin = key[leads_in] % nodes, key[leads_out] // nodes
    at = np.searchsorted(begin, node)
    counts = np.searchsorted(begin, node, side="right") - at
    first = np.repeat(leads_in, counts)
    second = leads_out[runs(at, counts)]
    goes_on = key[first] // nodes != key[second] % nodes
    return first[goes_on], second[goes_on]


def runs(begins: Ints, counts: Ints) -> Ints:
    """Count on from each of some beginnings, one after the other."""
    return np.arange(counts.sum()) + np.repeat(begins - np.cumsum(counts) + counts, counts)


def distinct(values: Ints) -> Ints:
    """Sort values and leave each once; numpy's own looks them up in a table, ten times as slowly (measured)."""
    ordered = np.sort(values)
    return np.asarray(ordered[np.diff(ordered, prepend=-1) != 0])


def _places(order: Ints) -> Ints:
    """Tell where in an order each stands."""
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places


def _repeats(values: Ints) -> Ints:
    """Tell how many times each value came before."""
    order = np.argsort(values, kind="stable")
    begins = np.flatnonzero(np.diff(values[order], prepend=-1))
    repeats = np.empty_like(values)
    repeats[order] = np.arange(len(values)) - np.repeat(begins, np.diff(begins, append=len(values)))
    return repeats


def _parts(begin: int, *labels: Ints) -> tuple[slice, ...]:
    """Divide what lies from `begin` on into runs of the same labels."""
    changes = np.any([np.diff(one) != 0 for one in labels], axis=0)
    ends = [begin, *(begin + 1 + np.flatnonzero(changes)).tolist(), begin + len(labels[0])]
    return tuple(slice(start, end) for start, end in itertools.pairwise(ends) if start < end)
