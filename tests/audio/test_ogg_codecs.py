"""Codecs inside Ogg: headers, and the frames that a packet holds, before anything is decoded."""

import io
import struct

import pytest

from addon.audio.decoders import decoder_of
from addon.audio.ogg_codecs import mapping_of, opus_codec, opus_frames
from addon.audio.ogg_pages import pages_of
from addon.audio.packets import Window
from tests.audio.files import made

OPUS = b"OpusHead\x01\x02" + struct.pack("<HIhB", 312, 16000, 0, 0)


def pieces(content: bytes) -> list[bytes]:
    """The packets of a small file whose packets end with their page."""
    pages = [page for page, _ in pages_of(Window(io.BytesIO(content)), 0) if page]
    return [piece for page in pages for piece in page.pieces if not page.open_end]


@pytest.mark.parametrize(
    ("packet", "frames"),
    [
        (b"", 0),
        (b"\x08", 960),  # SILK, 20 ms, one frame
        (b"\x19", 2 * 2880),  # two of 60 ms
        (b"\x63\x02", 2 * 480),  # hybrid, 10 ms, two by count
        (b"\x80", 120),  # CELT, 2.5 ms
        (b"\xfb\x3f", 5760),  # more than a packet may hold
        (b"\xfb", 0),
    ],
)
def test_the_frames_of_an_opus_packet(packet, frames):
    assert opus_frames(packet) == frames


def test_an_opus_head_gives_the_rate_at_which_it_was_made():
    codec = opus_codec(OPUS)
    assert (codec.rate, codec.channels, codec.heard) == (48000, 2, 16000)
    assert codec.extradata[10:12] == b"\0\0"
    odd = OPUS[:12] + struct.pack("<I", 44100) + OPUS[16:]
    assert opus_codec(odd).heard == 0


def test_pre_skip_is_no_part_of_the_recording():
    mapping = mapping_of(OPUS)
    assert mapping is not None
    assert mapping.skip == 312


@pytest.mark.parametrize("kind", ["opus", "vorbis", "ogg flac"])
def test_counted_frames_are_those_that_the_decoder_gives(kind):
    packets = pieces(made(kind, 1.0))
    mapping = mapping_of(packets[0])
    assert mapping is not None
    while not mapping.ready:
        mapping.add(packets.pop(0))
    count, decode = mapping.counter(), decoder_of(mapping.codec)
    for number, packet in enumerate(packets):
        given = sum(run.samples.shape[1] for run in decode(packet))
        # FFmpeg gives a half window for Vorbis's first packet.
        assert count(packet) == given or (kind == "vorbis" and number == 0)


@pytest.mark.parametrize(
    "first",
    [b"", b"OpusHead", b"\x01vorbis", b"Speex   1.2", b"\x7fFLAC\x01\0\0\x01", b"\x80theora"],
)
def test_a_cut_or_foreign_header_is_no_codec(first):
    assert mapping_of(first) is None
