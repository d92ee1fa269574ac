"""The few protobuf rules that reading the weights needs, on messages built by hand."""

import struct

import numpy as np
import pytest

from addon.analysis import weights


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name: str, values: np.ndarray, kind: int = 1) -> bytes:
    dims = b"".join(field(1, size) for size in values.shape)
    return dims + field(2, kind) + field(8, name.encode()) + field(9, values.tobytes())


def model(*tensors: bytes) -> memoryview:
    graph = field(2, b"graph name") + b"".join(field(5, content) for content in tensors)
    return memoryview(field(1, 8) + field(7, graph) + field(14, b"metadata"))


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**21, 2**63 - 1])
def test_varints(value):
    encoded = memoryview(b"\xff" + varint(value) + b"\x05")
    assert weights._varint(encoded, 1) == (value, len(encoded) - 1)


def test_fields_of_every_wire_type():
    message = field(1, 300) + field(2, b"bytes")
    message += varint(3 << 3 | 1) + struct.pack("<d", 0.5) + varint(4 << 3 | 5) + b"four"
    found = [
        (number, value if isinstance(value, int) else bytes(value))
        for number, value in weights._fields(memoryview(message))
    ]
    assert found == [(1, 300), (2, b"bytes"), (3, struct.pack("<d", 0.5)), (4, b"four")]


def test_float_tensors_are_read_with_their_shape():
    values = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    [(name, read)] = weights._float_tensors(model(tensor("a.weight", values)))
    assert name == "a.weight"
    assert np.array_equal(read, values)


def test_other_tensors_are_passed_over():
    whole_numbers = tensor("sr", np.arange(3, dtype="<i8"), kind=7)
    scalar = tensor("scale", np.zeros(1, "<f4"))
    found = dict(weights._float_tensors(model(whole_numbers, scalar)))
    assert list(found) == ["scale"]


def test_the_branch_has_everything_the_network_needs():
    names = set(weights.silero_8k())
    convolutions = {
        f"encoder.{index}.reparam_conv.{part}" for index in range(4) for part in ("weight", "bias")
    }
    recurrent = {f"decoder.rnn.{part}_{way}" for part in ("weight", "bias") for way in ("ih", "hh")}
    assert convolutions | recurrent | {"stft.forward_basis_buffer"} <= names
    assert not any(name.startswith("model_8k") for name in names)


def test_it_is_read_once():
    assert weights.silero_8k() is weights.silero_8k()
