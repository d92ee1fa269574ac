"""Chunks of WAV files and what tells them from samples."""

import random
import struct

import pytest

from addon.audio import wav_chunks as chunks
from tests.analysis.waves import chunk, plain

LIST = chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 4) + b"test")
NOISE = random.Random(1).randbytes(4096)


def test_a_chunk_is_a_name_and_a_length_in_either_byte_order():
    head = b"data" + struct.pack("<I", 500)
    little, big = chunks.read(head), chunks.read(b"data" + struct.pack(">I", 500), big_endian=True)
    assert little == big
    assert (little.name, little.length, little.total) == (b"data", 500, 508)
    assert chunks.read(head[:7]) is None


def test_a_tag_of_another_format_counts_as_a_chunk():
    found = chunks.read(b"ID3\x04\0\0\0\0\x01\x05" + bytes(14))
    assert found.total == 143


@pytest.mark.parametrize(
    "length", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF - 36, 0x7FFFF000]
)
def test_lengths_of_writers_that_cannot_seek_are_placeholders(length):
    assert chunks.is_placeholder(length)


@pytest.mark.parametrize("length", [1, 44, 0x7FFF0000, 0x90000000])
def test_other_lengths_are_meant(length):
    assert not chunks.is_placeholder(length)


def test_the_first_wav_file_in_a_block_is_found():
    block = NOISE[:1000] + b"RIFF" + b"WAVE" + NOISE[1000:1500] + plain()
    assert chunks.find_riff(block) == 1508
    assert chunks.find_riff(NOISE) is None


def test_a_chunk_is_found_where_its_length_can_be():
    block = NOISE[:100] + chunk(b"fmt ", bytes(3)) + chunk(b"fmt ", bytes(16)) + NOISE[:100]
    assert chunks.find(block, b"fmt ", False, 0, 0) == 112
    behind_the_riff = b"data" + struct.pack("<I", 5000) + bytes(20)
    assert chunks.find(behind_the_riff, b"data", False, 0, 100) is None


@pytest.mark.parametrize("metadata", [LIST, plain()[:44], chunk(b"id3 ", b"ID3\x03" + bytes(30))])
def test_metadata_in_the_midst_of_samples_is_found(metadata):
    block = NOISE[:600] + metadata + NOISE[:600]
    assert chunks.find_signature(block, 1000, False) == 600
    assert chunks.find_signature(block, 600, False) is None


def test_letters_among_samples_are_no_metadata():
    block = NOISE[:600] + b"LIST\xff\xff\xff\xffINFO" + b"data" + NOISE[:600]
    assert chunks.find_signature(block, 1200, False) is None


def test_chunks_that_lead_to_the_end_are_no_samples():
    assert chunks.trailer(NOISE + LIST, False) == 4096
    assert chunks.trailer(NOISE + LIST + LIST, False) == 4096
    assert chunks.trailer(NOISE + LIST + b"TAG" + bytes(125), False) == 4096
    assert chunks.trailer(NOISE, False) == 4096
    assert chunks.trailer(NOISE + LIST[:-2], False) == len(NOISE + LIST) - 2
