"""Reads vector tiles, as far as the tests need it (Mapbox Vector Tile specification 2.1)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Layer:
    """A layer's features as their properties."""

    name: str
    extent: int = 4096
    features: list[dict[str, Any]] = field(default_factory=list)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(raw, at)
            yield number, value
        elif kind == 1:
            yield number, raw[at : at + 8]
            at += 8
        elif kind == 2:
            size, at = _varint(raw, at)
            yield number, raw[at : at + size]
            at += size
        else:
            yield number, raw[at : at + 4]
            at += 4


def _value(raw: bytes) -> Any:
    number, value = next(_fields(raw))
    match number:
        case 1:
            return value.decode()
        case 2:
            return struct.unpack("<f", value)[0]
        case 3:
            return struct.unpack("<d", value)[0]
        case 6:
            return (value >> 1) ^ -(value & 1)
        case 7:
            return bool(value)
    return value


def _packed(raw: bytes) -> list[int]:
    values, at = [], 0
    while at < len(raw):
        value, at = _varint(raw, at)
        values.append(value)
    return values


def read_tile(raw: bytes) -> dict[str, Layer]:
    """Give a tile's layers by name."""
    layers = {}
    for number, body in _fields(raw):
        if number != 3:
            continue
        layer, keys, values, tags = Layer(""), [], [], []
        for part, value in _fields(body):
            match part:
                case 1:
                    layer.name = value.decode()
                case 2:
                    tags.append(next((_packed(v) for n, v in _fields(value) if n == 2), []))
                case 3:
                    keys.append(value.decode())
                case 4:
                    values.append(_value(value))
                case 5:
                    layer.extent = value
        layer.features = [
            {keys[k]: values[v] for k, v in zip(pairs[::2], pairs[1::2], strict=True)} for pairs in tags
        ]
        layers[layer.name] = layer
    return layers
