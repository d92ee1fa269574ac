"""Each encoding against libsndfile, bit for bit where it is exact."""

import io

import numpy as np
import pytest
import soundfile

from addon.audio.encodings import ENCODINGS, a_law_table, mu_law_table
from tests.analysis.calls import passed, wav
from tests.analysis.waves import A_LAW, FLOAT, MU_LAW, PCM, chunk, format_chunk, ramp, riff

SUBTYPES = {
    "PCM_U8": "pcm_u8",
    "PCM_16": "pcm_s16le",
    "PCM_24": "pcm_s24le",
    "PCM_32": "pcm_s32le",
    "FLOAT": "pcm_f32le",
    "DOUBLE": "pcm_f64le",
    "ULAW": "pcm_mulaw",
    "ALAW": "pcm_alaw",
}


@pytest.mark.parametrize(("tag", "table"), [(MU_LAW, mu_law_table()), (A_LAW, a_law_table())])
def test_companding_equals_libsndfile(tag, table):
    codes = bytes(range(256))
    content = riff(format_chunk(tag, 1, 8000, 8), chunk(b"data", codes))
    expected, _ = soundfile.read(io.BytesIO(content), dtype="int16")
    assert np.array_equal(table, expected)


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_reads_what_libsndfile_reads(subtype):
    recording = wav(ramp().T / 32768, subtype=subtype)
    expected, _ = soundfile.read(io.BytesIO(recording), dtype="float32", always_2d=True)
    report, archived = passed(recording)
    encoding = next(e for e in ENCODINGS.values() if e.name == SUBTYPES[subtype])
    content = recording[recording.index(b"data") + 8 :][: expected.size * encoding.width]
    assert np.allclose(encoding.decode(content, 2), expected.T, atol=2**-24)
    assert report.codec == SUBTYPES[subtype]
    assert archived == recording


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=lambda e: e.name)
def test_silence_is_silent(encoding):
    silence = encoding.decode(encoding.silence * encoding.width * 100, 1)
    assert np.abs(silence).max() <= 8 / 32768  # the smallest step of A-law


def test_not_a_number_and_too_loud_are_tamed():
    wild = np.array([np.nan, np.inf, -np.inf, 3.0, 1e-40], "<f4").tobytes()
    decoded = ENCODINGS[FLOAT, 4].decode(wild, 1)
    assert np.array_equal(decoded[0, :4], [0, 1, -1, 1])


def test_channels_come_apart():
    decoded = ENCODINGS[PCM, 2].decode(ramp().tobytes(), 2)
    assert decoded.shape == (2, len(ramp()))
    assert decoded.flags.c_contiguous
