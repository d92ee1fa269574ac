"""The layout of a WAV file: regions of one format, in frames and in bytes."""

from addon.audio.wav import Layout, Region
from addon.audio.wav_format import GSM, Format

PLAIN = Format(1, 2, 8000, 16)
BLOCKS = Format(GSM, 1, 8000, 0, block_align=65, block_samples=320)


def test_a_plain_region_counts_its_frames():
    region = Region(PLAIN, 44, 400, fact=7)
    assert (region.stop, region.frames) == (444, 100)


def test_a_fact_is_believed_where_it_leaves_out_no_more_than_padding():
    held = 10 * 320
    assert Region(BLOCKS, 44, 650).frames == held
    assert Region(BLOCKS, 44, 650, fact=held - 200).frames == held - 200
    for wrong in (0, held - 1000, held + 1):
        assert Region(BLOCKS, 44, 650, fact=wrong).frames == held


def test_a_compressed_kind_whose_blocks_tell_nothing_has_no_frames():
    assert Region(Format(0x55, 1, 8000, 0, block_align=1), 44, 650, fact=3).frames is None


def test_regions_of_one_format_can_be_laid_end_to_end():
    other = Format(1, 1, 8000, 16)
    layout = Layout((Region(PLAIN, 44, 400), Region(PLAIN, 500, 40)))
    assert layout.uniform and layout.length == 440 and layout.format == PLAIN
    assert not Layout((Region(PLAIN, 44, 400), Region(other, 500, 40))).uniform
