"""What every segment leaves dry when it is shut, and what stands beside it, for all segments at once."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from gis.isolation.arrays import Floats, Ints
from gis.isolation.network import IsolationNetwork

BESIDE_VALVES = 2
"""So many valves away pressure still falls when a main breaks and nothing is shut yet."""


@dataclass(frozen=True, kw_only=True)
class Footprints:
    """The segments as places where it may be broken; never changed after they are made, safe to share between threads.

    Segments are named here by their row: their place in `segment`.

    Parameters
    ----------
    segment
        The numbers of the segments, rising.
    part_of_pipe
        The part (see `Feeding`) of each pipe.
    row_of_pipe
        The row of each pipe's segment.
    customers
        Accounts served from each part.
    dry
        A row a segment, a column a part; a one where the part has no water while the segment is shut: its own parts and those cut off with it.
    dried_by, beside
        The other way round, a row a part, a column a segment: what leaves it dry; and what it stands beside, keeping its water within
        `BESIDE_VALVES` open valves.
    dry_customers, beside_customers
        Whom each segment leaves without water, and who stands beside.
    alike
        Segments that leave the same customers dry have the same number here: no call can tell them apart.
    """

    segment: Ints
    part_of_pipe: Ints
    row_of_pipe: Ints
    customers: Floats
    dry: csr_matrix
    dried_by: csr_matrix
    beside: csr_matrix
    dry_customers: Floats
    beside_customers: Floats
    alike: Ints

    @classmethod
    def of(cls, network: IsolationNetwork, customers: Floats | None = None) -> "Footprints":
        """Work out what every segment leaves dry; time and memory grow with the pairs of a segment and a part it leaves dry.

        Parameters
        ----------
        customers
            Accounts served from each part, where they are not those of the network's pipes.
        """
        part_of_pipe = network.feeding.part_of[: network.pipe_count]
        parts = len(network.feeding.segment_of_part)
        of_pipes = np.bincount(part_of_pipe, weights=network.customers, minlength=parts)
        served: Floats = of_pipes.astype(np.float64) if customers is None else customers
        dry = _dry(network)
        dried_by = csr_matrix(dry.T)
        beside = _beside(network, dried_by)
        return cls(
            segment=network.segments,
            part_of_pipe=part_of_pipe,
            row_of_pipe=np.searchsorted(network.segments, network.segment_of[: network.pipe_count]),
            customers=served,
            dry=dry,
            dried_by=dried_by,
            beside=beside,
            dry_customers=np.asarray(dry @ served),
            beside_customers=np.asarray(beside.T @ served),
            alike=_alike(dry, served),
        )


def _dry(network: IsolationNetwork) -> csr_matrix:
    feeding, segments = network.feeding, network.segments
    lost = [np.concatenate([feeding.parts_of(one), feeding.cut_off([one])]) for one in segments.tolist()]
    row = np.repeat(np.arange(len(segments)), [len(one) for one in lost])
    return _marked(row, np.concatenate([*lost, _NOTHING]), (len(segments), len(feeding.segment_of_part)))


def _beside(network: IsolationNetwork, dried_by: csr_matrix) -> csr_matrix:
    first, second = network.valve_sides
    is_open = ~network.valve_closed & (first != second)
    segments = network.segments
    one, other = np.searchsorted(segments, first[is_open]), np.searchsorted(segments, second[is_open])
    count, itself = len(segments), np.arange(len(segments))
    step = _marked(np.concatenate([one, other, itself]), np.concatenate([other, one, itself]), (count, count))
    row_of_part = np.searchsorted(segments, network.feeding.segment_of_part)
    near = _marked(np.arange(len(row_of_part)), row_of_part, (len(row_of_part), count))
    for _ in range(BESIDE_VALVES):
        near = _ones(near @ step)
    kept = csr_matrix(near - near.multiply(dried_by))
    kept.eliminate_zeros()
    return kept


def _alike(dry: csr_matrix, customers: Floats) -> Ints:
    served = csr_matrix(dry[:, np.flatnonzero(customers)])
    served.sort_indices()
    number: dict[bytes, int] = {}
    spans = zip(served.indptr[:-1].tolist(), served.indptr[1:].tolist(), strict=True)
    return np.array(
        [number.setdefault(served.indices[start:end].tobytes(), len(number)) for start, end in spans],
        dtype=np.int64,
    )


def _marked(row: Ints, column: Ints, shape: tuple[int, int]) -> csr_matrix:
    return _ones(csr_matrix((np.ones(len(row)), (row, column)), shape=shape))


def _ones(matrix: csr_matrix) -> csr_matrix:
    matrix.data[:] = 1.0
    return matrix


_NOTHING = np.empty(0, dtype=np.int64)
