"""Write ONNX files, which are protocol buffers, without the package onnx.

Only what a network needs: nodes, their attributes, weights, one input and one output. Field numbers are those
of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fsl.base.types import AnyArray

Attribute = int | float | Sequence[int]
"""Value of a node's attribute."""
FLOAT, UINT8, INT64 = 1, 2, 7
"""ONNX's numbers of element types."""
OPSET = 17
_IR_VERSION = 8
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7
_ELEMENT_TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}


def node(
    operation: str, inputs: Iterable[str], output: str, attributes: Mapping[str, Attribute] | None = None
) -> bytes:
    """Return a node with one output."""
    named = b"".join(_bytes(5, _attribute(name, value)) for name, value in (attributes or {}).items())
    return b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, operation) + named


def tensor(name: str, values: AnyArray) -> bytes:
    """Return a tensor of weights, float32 or int64."""
    dims = b"".join(_integer(1, size) for size in values.shape)
    head = dims + _integer(2, _ELEMENT_TYPES[values.dtype]) + _text(8, name)
    return head + _bytes(9, np.ascontiguousarray(values).tobytes())


def value_info(name: str, element_type: int, shape: Sequence[int | str]) -> bytes:
    """Return the description of an input or output; a text in its shape is a size that may vary."""
    dims = [_text(2, size) if isinstance(size, str) else _integer(1, size) for size in shape]
    tensor_type = _integer(1, element_type) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _text(1, name) + _bytes(2, _bytes(1, tensor_type))


def model(nodes: Iterable[bytes], weights: Iterable[bytes], first: bytes, last: bytes) -> bytes:
    """Return the whole file.

    Args:
        nodes: in the order of computation.
        weights: tensors.
        first: description of the input.
        last: description of the output.
    """
    parts = [_bytes(1, one) for one in nodes] + [_text(2, "network")] + [_bytes(5, one) for one in weights]
    graph = b"".join([*parts, _bytes(11, first), _bytes(12, last)])
    return _integer(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _text(1, "") + _integer(2, OPSET))


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _integer(20, _ATTRIBUTE_FLOAT)
    if isinstance(value, int):
        return _text(1, name) + _integer(3, value) + _integer(20, _ATTRIBUTE_INT)
    numbers = b"".join(_integer(8, number) for number in value)
    return _text(1, name) + numbers + _integer(20, _ATTRIBUTE_INTS)


def _key(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _integer(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value & (1 << 64) - 1)


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
