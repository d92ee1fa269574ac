"""The ways to read a recording have one form, and none says that all was heard before it was."""

import io

import pytest

from addon.analysis.compressed_input import CompressedInput
from addon.analysis.input import Input
from addon.analysis.wav_input import WavInput
from tests.analysis.calls import converse, encoded, wav

CALL = converse(5, 1).samples
INPUTS = {
    "wav": lambda: WavInput(io.BytesIO, lambda _: None, redact=True),
    "flac": lambda: CompressedInput("flac", io.BytesIO, lambda _: None),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_every_byte_comes_back_and_the_stages_are_complete(kind):
    recording = wav(CALL) if kind == "wav" else encoded(CALL, format="FLAC", subtype="PCM_16")
    one = INPUTS[kind]()
    passed = one.feed(recording)
    one.measure()
    assert passed + b"".join(one.release([])) == recording
    assert one.stages.duration_ms == 5000
    assert one.gap == "" and not one.source.flags
    assert one.source.format == one.source.archived_format == kind
    assert one.archived_frames is None


def test_what_was_not_decoded_counts_as_a_gap():
    assert INPUTS["flac"]().gap


def test_an_input_has_to_say_how_it_mutes():
    with pytest.raises(TypeError, match="abstract"):
        Input("wav", io.BytesIO, lambda _: None)
