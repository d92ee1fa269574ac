"""Decoders one packet at a time: samples at full scale 1.0, refusals, nothing unlisted opened."""

import numpy as np
import pytest

from addon.audio.decoders import DECODERS, BrokenPacket, decoder_of, quiet_av
from addon.audio.encodings import ENCODINGS
from addon.audio.packets import PLAIN, Codec
from addon.errors import UnreadableAudio
from tests.audio.files import made

HALVES = {
    "pcm_u8": (np.array([192, 64], np.uint8), 0.5),
    "pcm_s16le": (np.array([16384, -16384], "<i2"), 0.5),
    "pcm_s32be": (np.array([1 << 30, -(1 << 30)], ">i4"), 0.5),
    "pcm_f32le": (np.array([0.5, -0.5], "<f4"), 0.5),
    "pcm_f64be": (np.array([0.5, -0.5], ">f8"), 0.5),
}


@pytest.mark.parametrize("name", HALVES)
def test_full_scale_is_one(name):
    values, level = HALVES[name]
    (run,) = decoder_of(Codec(name, name, 8000, 1))(values.tobytes())
    assert run.rate == 8000
    assert run.samples.dtype == np.float32
    assert run.samples.tolist() == [[level, -level]]


def test_plain_samples_are_read_without_ffmpeg():
    codec = Codec(PLAIN, "pcm_s16le", 8000, 2, parameters=ENCODINGS[1, 2])
    (run,) = decoder_of(codec)(np.array([16384, -16384, 0, 8192], "<i2").tobytes())
    assert run.samples.tolist() == [[0.5, 0.0], [-0.5, 0.25]]


def test_channels_come_apart():
    (run,) = decoder_of(Codec("pcm_s16le", "", 8000, 2))(np.arange(6, dtype="<i2").tobytes())
    assert run.samples.shape == (2, 3)


def test_a_packet_that_is_none_is_refused():
    decode = decoder_of(
        Codec("flac", "flac", 8000, 1, made("flac", 0.1)[8:42], (("err_detect", "explode"),))
    )
    with pytest.raises(BrokenPacket):
        decode(b"no frame at all")


@pytest.mark.parametrize("name", ["wmav2", "h264", "nothing"])
def test_a_decoder_that_is_not_listed_is_never_opened(name):
    with pytest.raises(UnreadableAudio, match="not decoded here"):
        decoder_of(Codec(name, name, 8000, 1))


def test_every_listed_decoder_is_in_the_library():
    av = quiet_av()
    missing = {name for name in DECODERS if av.codec.Codec(name, "r") is None}
    assert missing == set()
