"""Tags before and behind audio: their lengths, damaged ones, and none where there is none."""

import io
import struct

import pytest

from addon.audio.packets import Window
from addon.audio.tags import audio_end, past_tags, tag_at, tag_length

ID3 = b"ID3\x04\0\0\0\0\x01\x05" + bytes(133)
ID3_WITH_FOOTER = b"ID3\x04\0\x10\0\0\0\x05" + bytes(15)
ID3_V1 = b"TAG" + "Ärger".encode("latin-1").ljust(125)
APE_HEAD = b"APETAGEX" + struct.pack("<IIII", 2000, 40, 1, 0xA0000000) + bytes(8) + bytes(40)
APE_FOOT = bytes(8) + b"APETAGEX" + struct.pack("<IIII", 2000, 40, 1, 0) + bytes(8)
LYRICS = b"LYRICSBEGIN" + b"la" * 10 + b"000031" + b"LYRICS200"
LYRICS_V1 = b"LYRICSBEGIN" + b"la" * 10 + b"LYRICSEND"
AUDIO = b"\xff\xfb\x90\x00" * 100


def window(content: bytes) -> Window:
    return Window(io.BytesIO(content))


@pytest.mark.parametrize("tag", [ID3, ID3_WITH_FOOTER, ID3_V1, APE_HEAD])
def test_a_tag_in_front_is_passed_over(tag):
    assert tag_length(tag[:24]) == len(tag)
    assert past_tags(window(tag + ID3 + AUDIO), 0) == len(tag + ID3)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"ID3\x04\0\0\0\0",
        b"ID3 " + struct.pack("<I", 500) + b"ID3\x03",  # a chunk of a WAV file
        b"ID3\xff" + bytes(20),
        b"ID3\x04\0\0\x80\0\0\0" + bytes(14),  # no size of seven bits a byte
        b"APETAGEX" + bytes(8),
        b"TAX" + bytes(21),
        AUDIO[:24],
    ],
)
def test_what_is_no_tag_has_no_length(head):
    assert tag_length(head) == 0


def test_the_end_of_an_ape_tag_is_no_longer_than_itself():
    assert tag_at(window(APE_FOOT), 8) == 32


@pytest.mark.parametrize("tag", [ID3_V1, LYRICS, LYRICS_V1, APE_FOOT])
def test_tags_behind_the_audio_are_no_part_of_it(tag):
    assert audio_end(window(AUDIO + tag)) == len(AUDIO)
    assert audio_end(window(AUDIO + tag + ID3_V1)) == len(AUDIO)


def test_an_ape_tag_whose_length_leads_nowhere_costs_only_its_footer():
    foot = b"APETAGEX" + struct.pack("<IIII", 2000, 1 << 30, 1, 0) + bytes(8)
    assert audio_end(window(AUDIO + foot)) == len(AUDIO)


def test_lyrics_without_a_beginning_are_no_tag():
    content = AUDIO + b"000099LYRICS200"
    assert audio_end(window(content)) == len(content)
    assert audio_end(window(AUDIO + b"LYRICSEND")) == len(AUDIO + b"LYRICSEND")


def test_a_tag_that_claims_more_than_the_file_ends_with_it():
    assert past_tags(window(ID3[:20]), 0) == 20
