"""The speech detector's weights, read out of the published Silero ONNX file.

The file is data: it is located through importlib without importing its package (that would bring
torch), and only its float tensors are read, with the few protobuf rules that needs. This module
never runs a graph and never downloads anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from addon.errors import SettingsError

#: Of the checkpoints in the wheel, this one hears 8 kHz telephone speech better (spec/audio 2).
CHECKPOINT = "silero_vad_op18_ifless.onnx"

# Field numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.{dims,...}.
_GRAPH, _INITIALIZER = 7, 5
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9
_FLOAT = 1

Tensors = dict[str, NDArray[np.float32]]


@cache
def silero_8k() -> Tensors:
    """The 8 kHz branch's tensors by their name in it; SettingsError without the package."""
    package = find_spec("silero_vad")
    if package is None or not package.submodule_search_locations:
        raise SettingsError("The package silero-vad, which holds the detector, is not installed")
    path = Path(package.submodule_search_locations[0]) / "data" / CHECKPOINT
    tensors = dict(_float_tensors(memoryview(path.read_bytes())))
    prefix = "model_8k."
    return {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}


def _float_tensors(model: memoryview) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for graph in _messages(model, _GRAPH):
        for tensor in _messages(graph, _INITIALIZER):
            kinds = [value for number, value in _fields(tensor) if number == _DATA_TYPE]
            dims = [value for number, value in _fields(tensor) if number == _DIMS]
            shape = [value for value in dims if isinstance(value, int)]
            raw = b"".join(_messages(tensor, _RAW_DATA))
            if kinds == [_FLOAT] and raw:
                name = b"".join(_messages(tensor, _NAME)).decode()
                yield name, np.frombuffer(raw, "<f4").reshape(shape)


def _messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The contents of the fields with a number that have a length of their own."""
    for number, value in _fields(message):
        if number == wanted and not isinstance(value, int):
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one protobuf message: (number, varint) or (number, bytes)."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        length = {1: 8, 5: 4}.get(wire)
        if length is None:
            length, at = _varint(message, at)
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
