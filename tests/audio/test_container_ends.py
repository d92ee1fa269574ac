"""Ends of containers: nothing that may be audio is left behind them unsaid."""

from __future__ import annotations

import io

import pytest

from addon.audio.container_ends import left_over
from addon.audio.packets import Window
from tests.audio.files import made
from tests.audio.reading import heard

CONTAINERS = {"mp4": "m4a", "webm": "webm", "aiff": "aiff", "caf": "caf", "w64": "w64"}


def fault_of(content: bytes, kind: str) -> object:
    return left_over(Window(io.BytesIO(content)), kind)


@pytest.mark.parametrize("kind", ["m4a", "webm", "caf", "au", "aiff", "w64"])
def test_a_second_recording_behind_the_first_is_told(kind):
    content = made(kind, 1.0)
    found = heard(content + content)
    assert "damaged" in found.flags and not found.covered


@pytest.mark.parametrize("kind", ["m4a", "alac", "webm", "caf", "aiff", "w64"])
@pytest.mark.parametrize("other", ["pcm16", "mp3", "flac"])
def test_a_recording_of_another_kind_behind_the_first_is_told(kind, other):
    found = heard(made(kind, 1.0) + made(other, 2.0))
    assert found.seconds > 0.9
    assert "damaged" in found.flags and not found.covered


def test_a_wav_file_behind_an_au_file_is_told():
    assert not heard(made("au", 1.0) + made("pcm16", 2.0)).covered


@pytest.mark.parametrize("kind", ["m4a", "alac", "webm", "caf", "au", "aiff", "w64"])
def test_a_whole_file_has_nothing_behind_its_end(kind):
    found = heard(made(kind, 1.0))
    assert found.covered and not found.flags


@pytest.mark.parametrize("kind", CONTAINERS)
def test_bytes_behind_the_end_are_told_unless_they_are_few_zeros_or_a_tag(kind):
    content = made(CONTAINERS[kind], 0.5)
    content += b"\0" * (len(content) % 2)
    assert fault_of(content + b"\x55" * 4000, kind) is not None
    for harmless in (b"", b"\x55" * 20, bytes(4000), b"TAG" + b"title".ljust(125)):
        assert fault_of(content + harmless, kind) is None


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_damaged_or_cut_structure_is_walked_to_an_end(kind):
    content = made(CONTAINERS[kind], 0.5)
    for size in range(1, len(content), 61):
        fault_of(content[:size], kind)
        fault_of(content[:size] + b"\xff" * 64 + content[size:], kind)
