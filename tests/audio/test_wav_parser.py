"""Every header that telephone systems write gives the same samples; what cannot be read says why.

Each file is read twice, from anywhere at once and as a stream in pieces, with the same result.
"""

from __future__ import annotations

import random
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.audio import wav_parser
from addon.audio.wav import Layout
from addon.audio.wav_format import GSM, MU_LAW
from addon.audio.wav_packets import layout_of
from addon.audio.wav_parser import WavParser
from addon.errors import UnreadableAudio
from tests.analysis.waves import (
    FRAMES,
    chunk,
    extensible_chunk,
    format_chunk,
    plain,
    ramp,
)
from tests.analysis.waves import riff as build
from tests.audio.files import made

DATA = ramp().tobytes()
FORMAT = format_chunk()
MONO = format_chunk(channels=1)
LIST = chunk(b"LIST", b"INFOISFT\x04\0\0\0sox\0")


def read(content: bytes) -> Layout:
    """From anywhere, with every read inside the file."""

    def part(start: int, stop: int) -> bytes:
        assert 0 <= start < stop <= len(content)
        return content[start:stop]

    return layout_of(part, len(content))


def streamed(content: bytes, block: int) -> Layout:
    """In pieces, each byte forgotten as soon as the parser lets go of it."""
    parser, held, offset, sure = WavParser(), bytearray(), 0, 0
    for at in range(0, len(content) + block, block):
        piece = content[at : at + block]
        held += piece
        if not piece:
            parser.end(len(content))
        while parser.wants is not None:
            start, count = parser.wants
            if start + count > offset + len(held) and parser.size is None:
                break
            assert start >= offset, "it wants bytes that it let go of"
            parser.give(bytes(held[start - offset : start - offset + count]))
        if parser.current is not None and parser.current.format.encoding is not None:
            assert parser.sure(offset + len(held)) >= sure or parser.current.start >= sure
            sure = parser.sure(offset + len(held))
        gone = max(parser.keeps(offset + len(held)) - offset, 0)
        del held[:gone]
        offset += gone
    return parser.layout()


def heard(content: bytes) -> bytes:
    """The bytes of all samples, the same however the file is read."""
    found = read(content)
    for block in (1000, 1 << 20):
        assert streamed(content, block) == found
    return b"".join(content[region.start : region.stop] for region in found.regions)


def id3(size: int) -> bytes:
    """A tag in front of a file or in a chunk, of zeros and the names of chunks."""
    octets = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + octets + (b"data\0\0\1\0" * (size // 8 + 1))[:size]


EXACT = {
    "canonical": plain(),
    "LIST before": build(FORMAT, LIST, chunk(b"data", DATA)),
    "LIST after": build(FORMAT, chunk(b"data", DATA), LIST),
    "JUNK and fact": build(
        chunk(b"JUNK", bytes(28)), FORMAT, chunk(b"fact", bytes(4)), chunk(b"data", DATA)
    ),
    "trailing garbage": plain() + b"\x01\x02\x03garbage",
    "trailing zeros": plain() + bytes(4000),
    "length zero": build(FORMAT, chunk(b"data", DATA, 0)),
    "length all ones": build(FORMAT, chunk(b"data", DATA, 0xFFFFFFFF), size=0xFFFFFFFF),
    "length largest signed": build(FORMAT, chunk(b"data", DATA, 0x7FFFFFFF)),
    "length as sox pipes": build(FORMAT, chunk(b"data", DATA, 0x7FFFF000), size=0x7FFFF024),
    "length less the header": build(FORMAT, chunk(b"data", DATA, 0xFFFFFFDB), size=0xFFFFFFFF),
    "RIFF size zero": build(FORMAT, chunk(b"data", DATA), size=0),
    "extensible": build(extensible_chunk(), chunk(b"data", DATA)),
    "RF64": build(
        chunk(b"ds64", struct.pack("<QQQI", 0, len(DATA), FRAMES, 0)),
        FORMAT,
        chunk(b"data", DATA, 0xFFFFFFFF),
        size=0xFFFFFFFF,
        magic=b"RF64",
    ),
    "BW64 without its length": build(
        FORMAT, chunk(b"data", DATA, 0xFFFFFFFF), size=0xFFFFFFFF, magic=b"BW64"
    ),
    "odd LIST without its pad": build(
        FORMAT, chunk(b"LIST", b"INFOodd", pad=False), chunk(b"data", DATA)
    ),
    "odd LIST with its pad": build(FORMAT, chunk(b"LIST", b"INFOodd"), chunk(b"data", DATA)),
    "even LIST with a pad": build(FORMAT, LIST + b"\0", chunk(b"data", DATA)),
    "absurd LIST length": build(FORMAT, chunk(b"LIST", b"INFO", 0xFFFFFFF0), chunk(b"data", DATA)),
    "absurd LIST length, streamed": build(
        FORMAT, chunk(b"LIST", b"INFO", 0xFFFFFFF0), chunk(b"data", DATA, 0), size=0
    ),
    "LIST length a little too long": build(
        FORMAT, chunk(b"LIST", b"INFO", 150), chunk(b"data", DATA)
    ),
    "length too short for what follows": build(FORMAT, chunk(b"data", DATA, 400)),
    "both lengths stale": build(FORMAT, chunk(b"data", DATA, 400), size=436),
    "wrong block align": build(format_chunk(align=3), chunk(b"data", DATA)),
    "streamed, then LIST": build(FORMAT, chunk(b"data", DATA, 0xFFFFFFFF), LIST, size=0xFFFFFFFF),
    "length zero, then LIST": build(FORMAT, chunk(b"data", DATA, 0), LIST, size=0),
    "streamed, then a cue list": build(
        FORMAT, chunk(b"data", DATA, 0), chunk(b"cue ", bytes(4)), chunk(b"PEAK", bytes(24)), size=0
    ),
    "streamed, then a large tag": build(
        FORMAT, chunk(b"data", DATA, 0xFFFFFFFF), chunk(b"id3 ", id3(1_200_000)), size=0xFFFFFFFF
    ),
    "streamed, then an ID3v1 tag": build(FORMAT, chunk(b"data", DATA, 0), size=0)
    + b"TAG".ljust(128, b"\0"),
    "a large tag in its chunk before": build(
        FORMAT, chunk(b"id3 ", id3(1_200_000)), chunk(b"data", DATA)
    ),
    "a large tag before, streamed": build(
        FORMAT, chunk(b"id3 ", id3(1_200_001)), chunk(b"data", DATA, 0), size=0
    ),
    "a large tag before, no length ever written": build(
        FORMAT, chunk(b"id3 ", id3(1_200_000)), chunk(b"data", DATA, 0), size=36
    ),
    "a large tag behind": build(FORMAT, chunk(b"data", DATA), chunk(b"id3 ", id3(1_200_000))),
    "an unknown chunk behind": build(FORMAT, chunk(b"data", DATA), chunk(b"Xtra", b"data" * 9000)),
    "an unknown chunk behind the RIFF's end": plain() + chunk(b"Xtra", bytes(range(200))),
    "a tag in front": id3(2000) + plain(),
    "two tags in front": id3(20) + id3(130) + plain(),
    "zeros in front": bytes(500) + plain(),
    "a tag behind": plain() + id3(3000),
}


@pytest.mark.parametrize("recording", EXACT.values(), ids=EXACT)
def test_finds_every_sample_and_nothing_else(recording):
    assert heard(recording) == DATA
    assert "truncated" not in read(recording).flags


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_the_size_of_the_pieces_changes_nothing(block):
    for name in ("JUNK and fact", "both lengths stale", "streamed, then LIST", "a tag in front"):
        assert streamed(EXACT[name], block) == read(EXACT[name])


JOINED = {
    "two files": (plain() + plain(), [DATA, DATA]),
    "a hundred files": (plain(ramp(200)) * 100, [ramp(200).tobytes()] * 100),
    "two data chunks": (
        build(FORMAT, chunk(b"data", DATA[:800]), chunk(b"data", DATA), size=44 + 800 - 8),
        [DATA[:800], DATA],
    ),
    "data, LIST, data": (
        build(FORMAT, chunk(b"data", DATA), LIST, chunk(b"data", DATA)),
        [DATA, DATA],
    ),
    "two streams": (EXACT["length all ones"] * 2, [DATA, DATA]),
    "a stream and a file": (EXACT["streamed, then LIST"] + plain(), [DATA, DATA]),
    "a file and a stream": (plain() + EXACT["length zero"], [DATA, DATA]),
    "a stale file and a file": (EXACT["both lengths stale"] + plain(), [DATA, DATA]),
    "samples in a list of pieces": (
        build(FORMAT, chunk(b"LIST", b"wavl" + chunk(b"data", DATA) + chunk(b"data", DATA))),
        [DATA, DATA],
    ),
    "one without audio and one with": (build(FORMAT, chunk(b"data", b"")) + plain(), [DATA]),
    "samples behind metadata": (
        build(FORMAT, chunk(b"data", DATA), LIST, size=0) + DATA,
        [DATA, DATA],
    ),
    "an odd length, not padded, and a file": (
        build(format_chunk(MU_LAW, 1, 8000, 8), chunk(b"data", bytes(range(1, 252)), pad=False))
        + plain(),
        [bytes(range(1, 252)), DATA],
    ),
}


@pytest.mark.parametrize(("recording", "parts"), JOINED.values(), ids=JOINED)
def test_what_is_joined_is_found_in_all_its_parts(recording, parts):
    assert heard(recording) == b"".join(parts)
    found = read(recording)
    assert [region.length for region in found.regions] == [len(part) for part in parts]
    assert not found.plain


def test_each_part_has_its_own_format():
    second = build(format_chunk(MU_LAW, 1, 16000, 8), chunk(b"data", bytes(range(256))))
    third = build(format_chunk(bits=24), chunk(b"data", bytes(600)))
    found = read(plain() + second + third)
    assert [region.format.rate for region in found.regions] == [8000, 16000, 8000]
    assert [region.format.bits for region in found.regions] == [16, 8, 24]
    assert not found.uniform and found.format == found.regions[0].format
    assert read(plain() + plain()).uniform


def test_a_second_file_that_cannot_be_read_is_told():
    found = read(plain() + build(format_chunk(channels=0), chunk(b"data", DATA)))
    assert found.length == len(DATA)
    assert found.flags == ("damaged",)
    assert "not read or muted" in found.warnings[0]


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_samples_in_more_bytes_than_they_need(bits):
    found = read(build(format_chunk(1, 2, 8000, bits, align=16), chunk(b"data", bytes(1600))))
    assert found.format.block_align == 16
    assert found.regions[0].frames == 100
    assert not found.plain


@pytest.mark.parametrize("name", ["canonical", "LIST before", "LIST after", "extensible"])
def test_a_usual_file_is_plain(name):
    assert read(EXACT[name]).plain


@pytest.mark.parametrize(
    "name",
    ["length zero", "both lengths stale", "a tag in front", "odd LIST without its pad", "RF64"],
)
def test_a_file_that_players_hear_otherwise_is_not_plain(name):
    assert not read(EXACT[name]).plain


@pytest.mark.parametrize("cut", [1, 2, 7, 9601])
def test_what_is_cut_off_is_flagged(cut):
    content = plain()[:-cut]
    assert heard(content) == DATA[: (len(DATA) - cut) // 4 * 4]
    assert read(content).flags == ("truncated",)
    assert read(content).warnings and not read(content).plain


def test_audio_that_looks_like_a_chunk_goes_on():
    """A few bytes of speech that spell a name must not end the recording."""
    speech = DATA[:400] + b"wave\x10\0\0\0" + DATA[408:]
    assert heard(build(FORMAT, chunk(b"data", speech, 400), size=436)) == speech
    assert heard(build(FORMAT, chunk(b"data", speech, 0), size=0)) == speech
    listed = DATA[:400] + b"LIST\x10\0\0\0" + DATA[408:]
    assert heard(build(FORMAT, chunk(b"data", listed, 0), size=0)) == listed


def test_a_length_that_was_too_short_is_told():
    found = read(EXACT["both lengths stale"])
    assert any("too short" in warning for warning in found.warnings)


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus", "m4a", "adts", "webm"])
@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_a_recording_of_another_kind_behind_the_samples_is_told(kind, padding):
    """Heard as samples it is noise; a digit in it could not be found, let alone muted."""
    found = read(build(FORMAT, chunk(b"data", DATA)) + padding + made(kind, 1.0))
    assert "damaged" in found.flags


def streamed_with_a_list_in_between(count: int) -> bytes:
    """A length that was never written, metadata in the midst, and a RIFF that counts it all in."""
    return build(FORMAT, b"data\xff\xff\xff\xff" + DATA + LIST, DATA * count)


def test_samples_behind_metadata_are_heard_though_the_header_counts_them_in():
    found = read(streamed_with_a_list_in_between(1 + (1 << 17) // len(DATA)))
    assert found.length > 1 << 17


def test_a_few_bytes_behind_metadata_are_told_where_they_are_not_heard():
    assert "damaged" in read(streamed_with_a_list_in_between(1)).flags


def test_garbage_after_the_audio_is_told():
    assert any("no audio follow" in each for each in read(EXACT["trailing garbage"]).warnings)


UNREADABLE = {
    "no channel": build(format_chunk(channels=0), chunk(b"data", DATA)),
    "a thousand channels": build(format_chunk(channels=1024, align=4), chunk(b"data", DATA)),
    "rate zero": build(format_chunk(rate=0), chunk(b"data", DATA)),
    "absurd rate": build(format_chunk(rate=4_000_000_000, align=0), chunk(b"data", DATA)),
    "no size of samples": build(format_chunk(bits=0, align=0), chunk(b"data", DATA)),
    "samples before format": build(chunk(b"data", DATA), FORMAT),
    "short format chunk": build(chunk(b"fmt ", b"\1\0\2\0"), chunk(b"data", DATA)),
    "header only": build(FORMAT, chunk(b"data", b"")),
    "length zero, then a LIST": build(FORMAT, chunk(b"data", b""), LIST, size=36),
    "streamed, then at once a LIST": build(FORMAT, chunk(b"data", b"", 0xFFFFFFFF), LIST, size=0),
    "half a frame": build(FORMAT, chunk(b"data", b"\1\2")),
    "ends inside the header": plain()[:30],
    "ends behind the first name": plain()[:12],
    "no samples at all": build(FORMAT),
    "never comes to samples": build(FORMAT, chunk(b"LIST", bytes(wav_parser.SEARCH_BYTES + 99))),
    "no header": b"ID3\3\0\0\0\0\0\x0a" + bytes(5000),
    "nothing": b"",
}


@pytest.mark.parametrize("recording", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_files_say_why(recording):
    reasons = set()
    for how in (read, lambda content: streamed(content, 999)):
        with pytest.raises(UnreadableAudio) as refused:
            how(recording)
        reasons.add(refused.value.message)
    (reason,) = reasons
    assert not reason.endswith(".")
    assert len(reason) > 20


def test_an_empty_recording_is_called_so():
    for name in ("header only", "length zero, then a LIST", "streamed, then at once a LIST"):
        with pytest.raises(UnreadableAudio, match="holds no audio"):
            read(UNREADABLE[name])


def test_fact_is_believed_where_it_leaves_out_padding():
    data = bytes(range(65)) * 10
    fmt = chunk(b"fmt ", struct.pack("<HHIIHHHH", GSM, 1, 8000, 1625, 65, 0, 2, 320))

    def frames(fact: int) -> int | None:
        content = build(fmt, chunk(b"fact", struct.pack("<I", fact)), chunk(b"data", data))
        (region,) = read(content).regions
        assert region.fact == fact
        return region.frames

    assert frames(3000) == 3000
    assert frames(0) == frames(400) == frames(99_999) == 3200


def test_a_compressed_kind_of_unknown_length_is_laid_out_too():
    fmt = chunk(b"fmt ", struct.pack("<HHIIHHHH", GSM, 1, 8000, 1625, 65, 0, 2, 320))
    data = bytes(range(65)) * 10
    assert heard(build(fmt, chunk(b"data", data, 0), LIST, size=0)) == data


class TestWork:
    def test_a_mebibyte_of_empty_chunks_costs_a_step_each(self):
        content = build(FORMAT, b"JUNK\0\0\0\0" * (1 << 17), chunk(b"data", DATA))
        parser = WavParser()
        parser.end(len(content))
        wanted = []
        while parser.wants is not None:
            start, count = parser.wants
            wanted.append(count)
            parser.give(content[start : start + count])
        assert parser.layout().length == len(DATA)
        assert len(wanted) < 2 * (1 << 17) + 20 and sum(wanted) < 8 * len(content)

    def test_more_chunks_than_any_recording_has_are_refused(self):
        content = build(FORMAT, b"JUNK\0\0\0\0" * (wav_parser.MAX_CHUNKS + 1), chunk(b"data", DATA))
        with pytest.raises(UnreadableAudio, match="more than"):
            read(content)

    @pytest.mark.parametrize(
        "piece",
        [
            build(FORMAT, chunk(b"data", DATA[:4], 0), size=0),
            build(FORMAT, chunk(b"data", DATA[:4])) + b"\x01\x02\x03\x04\x99" * 6,
            chunk(b"LIST", b"\1\1", 10) + chunk(b"data", DATA[:4]),
        ],
        ids=["streams", "files with rubbish between", "wrong lengths"],
    )
    def test_many_short_pieces_are_not_read_over_and_over(self, piece):
        content, taken = build(FORMAT, chunk(b"data", DATA)) + piece * 2000, 0

        def part(start: int, stop: int) -> bytes:
            nonlocal taken
            taken += stop - start
            return content[start:stop]

        layout_of(part, len(content))
        assert taken < 3 * len(content)

    def test_a_usual_file_is_laid_out_in_one_read(self):
        content = build(FORMAT, LIST, chunk(b"data", DATA * 100))
        reads = []

        def part(start: int, stop: int) -> bytes:
            reads.append(stop - start)
            return content[start:stop]

        layout_of(part, len(content))
        assert len(reads) == 1 and max(reads) <= 4096

    def test_a_chunk_of_any_size_is_passed_over(self):
        body = b"data\0\0\1\0" * 1000
        size = 3 << 30
        head = build(FORMAT, size=0xF0000000) + b"id3 " + struct.pack("<I", size)
        tail = chunk(b"data", DATA)

        def part(start: int, stop: int) -> bytes:
            assert stop - start <= 1 << 17
            whole = head + bytes(0)
            if stop <= len(whole):
                return whole[start:stop]
            if start >= len(head) + size:
                at = start - len(head) - size
                return tail[at : at + stop - start]
            return (whole[start:] + body)[: stop - start]

        found = layout_of(part, len(head) + size + len(tail))
        assert found.regions[0].start == len(head) + size + 8
        assert found.length == len(DATA)

    def test_a_stream_holds_no_more_than_it_must(self):
        content = build(FORMAT, chunk(b"data", DATA * 400, 0), size=0)
        parser, most = WavParser(), 0
        tracemalloc.start()
        try:
            for at in range(0, len(content), 4096):
                arrived = min(at + 4096, len(content))
                while parser.wants is not None and sum(parser.wants) <= arrived:
                    start, count = parser.wants
                    parser.give(content[start : start + count])
                most = max(most, arrived - parser.keeps(arrived))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most <= wav_parser.TAIL_BYTES + wav_parser.WINDOW_BYTES + 8192
        assert peak < 4 << 20


PIECES = st.sampled_from(
    [
        FORMAT,
        MONO,
        LIST,
        plain(ramp(40)),
        DATA[:444],
        b"data\0\0\0\0",
        b"RIFF\0\0\0\0WAVE",
        chunk(b"data", DATA[:200]),
        chunk(b"data", DATA[:200], 0xFFFFFFFF),
        chunk(b"data", DATA[:99]),
        chunk(b"junk", b"odd", pad=False),
        chunk(b"fmt ", bytes(16)),
        chunk(b"fact", bytes(4)),
        b"LIST\xff\xff\xff\xff",
        id3(40),
        bytes(700),
        b"TAG",
        b"\0",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=10),
    st.integers(1, 600),
    st.sampled_from([0, 36, 500, 0xFFFFFFFF]),
)
def test_no_bytes_make_anything_but_unreadable_audio_and_pieces_change_nothing(parts, block, size):
    content = build(*parts, size=size)
    results = []
    for how in (read, lambda one: streamed(one, block)):
        try:
            results.append(how(content))
        except UnreadableAudio as error:
            results.append(error.message)
    assert results[0] == results[1]
    if isinstance(results[0], Layout):
        end = 0
        for region in results[0].regions:
            assert end <= region.start < region.stop <= len(content)
            end = region.stop


def test_forty_thousand_fuzzed_headers_raise_nothing_else():
    """No header makes anything but UnreadableAudio, and none reads as a file without samples."""
    rng = random.Random(4)
    seeds = [one for one in EXACT.values() if len(one) < 30_000]
    seeds = [one[: one.index(DATA[:64]) + 64] for one in seeds]
    refused = found = 0
    for _ in range(40_000):
        head = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(4, len(head))
            head[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        if rng.random() < 0.1:
            del head[rng.randrange(len(head)) :]
        try:
            result = layout_of(lambda start, stop, head=head: bytes(head[start:stop]), len(head))
        except UnreadableAudio:
            refused += 1
            continue
        found += 1
        assert result.length > 0
        assert all(1 <= region.format.channels <= 8 for region in result.regions)
    assert refused > 1000 and found > 1000
