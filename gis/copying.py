"""Rows in bulk by COPY: columns as arrays in PostgreSQL's binary form, or as plain values that it reads as text."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql

from gis.coordinates import stored_wkb

Column = list[bytes]
"""One field of every row, each with its length before it, as COPY BINARY wants it."""

_NULL = struct.pack("!i", -1)
_HEAD = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TAIL = struct.pack("!h", -1)
ROWS_PER_WRITE = 20_000


def fixed(values: NDArray[Any], kind: str, *, null: NDArray[np.bool_] | None = None) -> Column:
    """Encode numbers of one big-endian kind (`>f8`, `>i4`, `>i8`, `>i2`, `u1` for booleans)."""
    size = np.dtype(kind).itemsize
    raw = np.empty((len(values), 4 + size), dtype=np.uint8)
    raw[:, :4] = np.frombuffer(struct.pack("!i", size), dtype=np.uint8)
    raw[:, 4:] = np.ascontiguousarray(values.astype(kind)).view(np.uint8).reshape(-1, size)
    column = _cut(raw)
    if null is not None:
        for index in np.flatnonzero(null).tolist():
            column[index] = _NULL
    return column


def _cut(raw: NDArray[np.uint8]) -> Column:
    step, whole = raw.shape[1], raw.tobytes()
    return [whole[at : at + step] for at in range(0, len(whole), step)]


def uuids(ids: NDArray[np.uint8], rows: NDArray[np.int64] | None = None) -> Column:
    """Encode ids, or those that `rows` point at (-1: null)."""
    chosen = (
        ids if rows is None else ids[np.maximum(rows, 0)] if len(ids) else np.zeros((len(rows), 16), np.uint8)
    )
    raw = np.empty((len(chosen), 20), dtype=np.uint8)
    raw[:, :4] = np.frombuffer(struct.pack("!i", 16), dtype=np.uint8)
    raw[:, 4:] = chosen
    column = _cut(raw)
    if rows is not None:
        for index in np.flatnonzero(rows < 0).tolist():
            column[index] = _NULL
    return column


def byte_strings(values: Sequence[bytes | None]) -> Column:
    """Encode strings of bytes, as COPY wants any type's own form."""
    return [_NULL if value is None else struct.pack("!i", len(value)) + value for value in values]


def texts(values: Sequence[str | None]) -> Column:
    """Encode texts."""
    return byte_strings([None if value is None else value.encode() for value in values])


def shapes(geometries: NDArray[Any]) -> Column:
    """Encode geometries in longitude and latitude."""
    return byte_strings([None if one is None else bytes(one) for one in stored_wkb(geometries)])


def points(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Column:
    """Encode points."""
    return shapes(np.asarray(shapely.points(lon, lat), dtype=object))


def array(oid: int, elements: Sequence[bytes]) -> bytes:
    """Encode one array of fixed-size elements."""
    if not elements:
        return struct.pack("!iii", 0, 0, oid)
    body = b"".join(struct.pack("!i", len(one)) + one for one in elements)
    return struct.pack("!iiiii", 1, 0, oid, len(elements), 1) + body


def copy_rows(cursor: psycopg.Cursor[Any], table: str, columns: dict[str, Column]) -> None:
    """Send one table."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier("gis", table), sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    )
    rows = len(next(iter(columns.values())))
    head = struct.pack("!h", len(columns))
    with cursor.copy(statement) as copy:
        copy.write(_HEAD)
        for start in range(0, rows, ROWS_PER_WRITE):
            part = [column[start : start + ROWS_PER_WRITE] for column in columns.values()]
            copy.write(b"".join(chain.from_iterable(zip(repeat(head), *part, strict=False))))
        copy.write(_TAIL)


def shape_texts(geometries: Iterable[Any]) -> list[str | None]:
    """Write shapes in longitude and latitude, or none, as the database reads them from text. Any: shapely has no types."""
    listed = list(geometries)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return [None if one is None else bytes(one).hex() for one in stored_wkb(array)]


def copy_values(cursor: psycopg.Cursor[Any], table: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Send plain values to a table of any schema on the search path; slower than `copy_rows`, and of any type. Any: what psycopg writes."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    )
    with cursor.copy(statement) as copy:
        for row in zip(*columns.values(), strict=True):
            copy.write_row(row)
