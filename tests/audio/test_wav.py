"""Every header of the decode matrix gives the same samples; what cannot be read says why."""

import random
import struct

import numpy as np
import pytest

from addon.audio import old_wav as wav
from addon.audio.old_wav import parse
from addon.errors import UnreadableAudio
from tests.analysis.calls import passed
from tests.analysis.waves import (
    FRAMES,
    chunk,
    extensible_chunk,
    format_chunk,
    plain,
    ramp,
)
from tests.analysis.waves import riff as build

DATA = ramp().tobytes()
FORMAT = format_chunk()

EXACT = {
    "canonical": plain(),
    "LIST before": build(FORMAT, chunk(b"LIST", b"INFOISFT\x04\0\0\0sox\0"), chunk(b"data", DATA)),
    "LIST after": build(FORMAT, chunk(b"data", DATA), chunk(b"LIST", b"INFOISFT\x04\0\0\0sox\0")),
    "JUNK and fact": build(
        chunk(b"JUNK", bytes(28)), FORMAT, chunk(b"fact", bytes(4)), chunk(b"data", DATA)
    ),
    "trailing garbage": plain() + b"\x01\x02\x03garbage",
    "length zero": build(FORMAT, chunk(b"data", DATA, 0)),
    "length all ones": build(FORMAT, chunk(b"data", DATA, 0xFFFFFFFF), size=0xFFFFFFFF),
    "length largest signed": build(FORMAT, chunk(b"data", DATA, 0x7FFFFFFF)),
    "length as ffmpeg pipes": build(FORMAT, chunk(b"data", DATA, 0xFFFFFFFF), size=0xFFFFFFFF),
    "length as sox pipes": build(FORMAT, chunk(b"data", DATA, 0x7FFFF000), size=0x7FFFF024),
    "RIFF size zero": build(FORMAT, chunk(b"data", DATA), size=0),
    "extensible": build(extensible_chunk(), chunk(b"data", DATA)),
    "RF64": build(
        chunk(b"ds64", struct.pack("<QQQI", 0, len(DATA), FRAMES, 0)),
        FORMAT,
        chunk(b"data", DATA, 0xFFFFFFFF),
        size=0xFFFFFFFF,
        magic=b"RF64",
    ),
    "odd LIST without its pad": build(
        FORMAT, chunk(b"LIST", b"INFOodd", pad=False), chunk(b"data", DATA)
    ),
    "odd LIST with its pad": build(FORMAT, chunk(b"LIST", b"INFOodd"), chunk(b"data", DATA)),
    "absurd LIST length": build(FORMAT, chunk(b"LIST", b"INFO", 0xFFFFFFF0), chunk(b"data", DATA)),
    "LIST length a little too long": build(
        FORMAT, chunk(b"LIST", b"INFO", 150), chunk(b"data", DATA)
    ),
    "length too short for what follows": build(FORMAT, chunk(b"data", DATA, 400)),
    "wrong block align": build(format_chunk(align=3), chunk(b"data", DATA)),
}


@pytest.mark.parametrize("recording", EXACT.values(), ids=EXACT)
@pytest.mark.parametrize("block", [1 << 20, 1000])
def test_reads_every_sample(recording, block):
    report, archived = passed(recording, block=block)
    assert report.duration_seconds == FRAMES / 8000
    assert report.codec == "pcm_s16le"
    assert archived == recording
    assert "truncated" not in report.flags


def test_samples_are_those_written():
    wave = parse(plain())
    assert wave is not None and wave.encoding is not None
    decoded = wave.encoding.decode(DATA, 2)
    assert np.array_equal(np.round(decoded.T * 32768).astype("<i2"), ramp())


@pytest.mark.parametrize("cut", [1, 2, 7, 9601])
def test_truncated_audio_is_measured_and_flagged(cut):
    report, archived = passed(plain()[:-cut])
    assert report.duration_seconds == pytest.approx((len(DATA) - cut) // 4 / 8000, abs=0.0005)
    assert "truncated" in report.flags
    assert report.warnings
    assert archived == plain()[:-cut]


def test_a_length_that_was_too_short_is_told():
    report, _ = passed(EXACT["length too short for what follows"])
    assert any("too short" in warning for warning in report.warnings)


def test_garbage_after_the_audio_is_told():
    report, _ = passed(EXACT["trailing garbage"])
    assert any("follow" in warning for warning in report.warnings)


UNREADABLE = {
    "no channel": build(format_chunk(channels=0), chunk(b"data", DATA)),
    "a thousand channels": build(format_chunk(channels=1024, align=4), chunk(b"data", DATA)),
    "rate zero": build(format_chunk(rate=0), chunk(b"data", DATA)),
    "absurd rate": build(format_chunk(rate=4_000_000_000, align=0), chunk(b"data", DATA)),
    "samples before format": build(chunk(b"data", DATA), FORMAT),
    "short format chunk": build(chunk(b"fmt ", b"\1\0\2\0"), chunk(b"data", DATA)),
    "header only": build(FORMAT, chunk(b"data", b"")),
    "less than a millisecond": build(FORMAT, chunk(b"data", DATA[:12])),
    "half a frame": build(FORMAT, chunk(b"data", b"\1\2")),
    "ends inside the header": plain()[:30],
    "no samples at all": build(FORMAT),
    "unknown codec": build(format_chunk(tag=0x1234), chunk(b"data", DATA)),
    "never comes to samples": build(FORMAT, chunk(b"LIST", bytes(wav.MAX_HEADER_BYTES + 99))),
}


@pytest.mark.parametrize("recording", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_files_say_why(recording):
    with pytest.raises(UnreadableAudio) as refused:
        passed(recording)
    assert not refused.value.message.endswith(".")
    assert len(refused.value.message) > 20


def test_a_header_that_arrives_byte_by_byte():
    whole = EXACT["JUNK and fact"]
    first = next(size for size in range(len(whole)) if parse(whole[:size]))
    assert parse(whole[:first]) == parse(whole)
    assert first <= whole.index(DATA)


def test_forty_thousand_fuzzed_headers_raise_nothing_else():
    """No header makes anything but UnreadableAudio, and none reads as a wave without samples."""
    rng = random.Random(4)
    seeds = [recording[: recording.index(DATA[:64]) + 64] for recording in EXACT.values()]
    refused = read = 0
    for _ in range(40_000):
        head = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(4, len(head))
            head[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        if rng.random() < 0.1:
            del head[rng.randrange(len(head)) :]
        try:
            wave = parse(head)
        except UnreadableAudio:
            refused += 1
            continue
        if wave is not None:
            read += 1
            assert 1 <= wave.channels <= wav.MAX_CHANNELS
            assert wav.MIN_RATE_HZ <= wave.rate <= wav.MAX_RATE_HZ
            assert wave.data_length is None or wave.data_length > 0
    assert refused > 1000 and read > 1000
