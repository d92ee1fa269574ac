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
    for number, graph in _fields(model):
        if number != _GRAPH or isinstance(graph, int):
            continue
        for field, tensor in _fields(graph):
            if field == _INITIALIZER and not isinstance(tensor, int):
                yield from _tensor(tensor)


def _tensor(message: memoryview) -> Iterator[tuple[str, NDArray[np.float32]]]:
    name, kind, shape, raw = "", 0, [], memoryview(b"")
    for number, value in _fields(message):
        if number == _DIMS and isinstance(value, int):
            shape.append(value)
        elif number == _DATA_TYPE and isinstance(value, int):
            kind = value
        elif number == _NAME and not isinstance(value, int):
            name = bytes(value).decode()
        elif number == _RAW_DATA and not isinstance(value, int):
            raw = value
    if kind == _FLOAT and raw.nbytes:
        yield name, np.frombuffer(raw, "<f4").reshape(shape)


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
