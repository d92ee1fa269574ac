"""Formats of samples, and headers of our own that decoders and our own reader understand."""

import io
import struct

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from addon.audio.wav_format import (
    A_LAW,
    ADPCM_IMA,
    ADPCM_MS,
    FLOAT,
    G722,
    G726,
    GSM,
    MU_LAW,
    PCM,
    Format,
    header,
    read_format,
)
from addon.audio.wav_packets import layout_of
from addon.errors import UnreadableAudio
from tests.analysis.calls import converse, wav
from tests.analysis.waves import ramp

KINDS = [(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (MU_LAW, 8), (A_LAW, 8)]


def fields(tag=PCM, channels=2, rate=8000, bits=16, align=None, flow=None, extra=b"") -> bytes:
    align = channels * bits // 8 if align is None else align
    flow = rate * align if flow is None else flow
    size = struct.pack("<H", len(extra)) if extra else b""
    return struct.pack("<HHIIHH", tag, channels, rate, flow, align, bits) + size + extra


@pytest.mark.parametrize(
    ("content", "align"),
    [
        (fields(), 4),
        (fields(align=8, bits=24), 8),
        (fields(align=8, bits=20), 8),
        (fields(align=4, bits=12), 4),
        (fields(align=8), 8),
        (fields(align=8, flow=32_000), 4),
        (fields(align=3), 4),
        (fields(align=0), 4),
        (fields(align=2), 4),
        (fields(align=6, bits=0), 6),
        (fields(MU_LAW, align=4, bits=16), 2),
    ],
)
def test_a_block_align_is_believed_where_it_can_be(content, align):
    assert read_format(content, big_endian=False).block_align == align


@pytest.mark.parametrize(
    ("kind", "length", "samples"),
    [
        (Format(GSM, 1, 8000, 0, 65, block_samples=320), 650, 3200),
        (Format(GSM, 1, 8000, 0, 65, block_samples=320), 651, 3200),
        (Format(G722, 1, 16000, 4, 1), 100, 200),
        (Format(G726, 1, 8000, 4, 1), 100, 200),
        (Format(G726, 1, 8000, 2, 1), 100, 400),
        (Format(0x55, 1, 8000, 0, 1), 100, None),
        (Format(PCM, 2, 8000, 16), 401, 100),
    ],
)
def test_the_samples_in_so_many_bytes(kind, length, samples):
    assert kind.samples_in(length) == samples


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_blocks_hold_what_a_decoder_finds_in_them(subtype):
    recording = wav(converse(10, 1).samples[:1, :20_000], subtype=subtype)
    found = layout_of(lambda start, stop: recording[start:stop], len(recording))
    decoded, _ = soundfile.read(io.BytesIO(recording))
    (region,) = found.regions
    held = region.format.samples_in(region.length)
    assert held == len(decoded) or subtype == "GSM610"  # where libsndfile reads the padding byte
    assert 0 <= held - 20_000 < region.format.block_samples
    assert region.frames in (20_000, held)  # libsndfile counts the padding of IMA in `fact`
    assert region.format.encoding is None
    assert region.format.tag in (ADPCM_IMA, ADPCM_MS, GSM)


@pytest.mark.parametrize(("tag", "bits"), KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_our_reader_finds_what_our_header_announces(tag, bits, channels):
    kind = Format(tag, channels, 8000, bits)
    data = ramp(100).tobytes()[: 24 * 10]
    recording = header(kind, len(data)) + data
    found = layout_of(lambda start, stop: recording[start:stop], len(recording))
    assert found.plain and found.format == kind
    assert recording[found.regions[0].start : found.regions[0].stop] == data


@pytest.mark.parametrize(("tag", "bits"), KINDS)
def test_a_decoder_reads_what_we_write(tag, bits):
    kind = Format(tag, 2, 8000, bits)
    recording = header(kind, 100 * kind.frame) + kind.silence * (100 * kind.frame)
    samples, rate = soundfile.read(io.BytesIO(recording), dtype="int16")
    assert (rate, samples.shape) == (8000, (100, 2))
    assert abs(samples.astype(int)).max() <= 8


def test_padded_samples_are_announced_in_the_size_that_they_have():
    kind = Format(PCM, 2, 8000, 24, 8)
    recording = header(kind, 800) + bytes(800)
    assert layout_of(lambda start, stop: recording[start:stop], len(recording)).format.bits == 32


def test_more_than_riff_can_count_is_announced_as_a_stream():
    large = header(Format(PCM, 2, 8000, 16), 5 * 2**30)
    assert large[4:8] == large[40:44] == b"\xff" * 4


@given(st.binary(max_size=80), st.booleans())
def test_no_bytes_make_anything_but_unreadable_audio(content, big_endian):
    try:
        kind = read_format(content, big_endian=big_endian)
    except UnreadableAudio:
        return
    assert kind.block_align > 0 and kind.channels > 0 and kind.rate > 0
    assert kind.samples_in(12_345) is None or kind.samples_in(12_345) >= 0
    assert len(kind.silence) == 1


@pytest.mark.parametrize("guid", [b"\0\0\0\1", b"\1\0\0\0"], ids=["big-endian", "as always"])
def test_a_big_endian_extensible_format_is_read(guid):
    content = struct.pack(">HHIIHHHHI", 0xFFFE, 1, 8000, 32_000, 4, 32, 22, 24, 4)
    kind = read_format(content + guid + bytes(12), big_endian=True)
    assert (kind.tag, kind.block_align, kind.encoding.name) == (PCM, 4, "pcm_s32be")
