"""From heard to settled speech: gaps, edges, echo and key tones."""

import numpy as np

from addon.analysis import runs, speech

FRAMES = 3000


def levels(*spans, noise=-70.0):
    """One row of levels: `noise`, and (first, last, dB) on top."""
    row = np.full(FRAMES, noise, np.float32)
    for first, last, db in spans:
        row[first:last] = db
    return row


def settle(heard, rows, tones=None):
    masks = [runs.mask(spans, FRAMES) for spans in heard]
    quiet = [np.zeros(FRAMES, np.bool_)] * len(masks) if tones is None else tones
    final, bled = speech.settle(masks, np.stack(rows), quiet)
    return [runs.runs(mask).tolist() for mask in final], bled


def test_fills_gaps_drops_blips_and_leads_in():
    heard = [[(100, 200), (225, 300), (340, 400), (600, 610)]]
    [found], _ = settle(heard, [levels(*[(a, b, -25) for a, b in heard[0]])])
    assert found == [[97, 300], [337, 400]]


def test_what_the_detector_holds_on_to_is_cut():
    [found], _ = settle([[(100, 260)]], [levels((100, 200, -25))])
    assert found == [[97, 202]]  # levels are smoothed over 50 ms


def test_echo_is_taken_from_the_channel_it_came_to():
    talker = levels((100, 1000, -20), (1500, 2000, -20))
    echo = levels((106, 1006, -45), (1506, 2006, -45), (2200, 2400, -20))
    heard = [[(100, 1000), (1500, 2000)], [(106, 1006), (1506, 2006), (2200, 2400)]]
    found, bled = settle(heard, [talker, echo])
    assert found == [[[97, 1000], [1497, 2000]], [[2197, 2400]]]
    assert bled[0] == 0 and bled[1] > 1300


def test_true_double_talk_is_kept():
    both = [levels((100, 1000, -20)), levels((500, 1500, -24))]
    found, bled = settle([[(100, 1000)], [(500, 1500)]], both)
    assert found == [[[97, 1000]], [[497, 1500]]]
    assert bled == [0, 0]


def test_a_rare_quiet_overlap_is_no_bleed():
    one = levels((100, 2000, -20))
    other = levels((1900, 1960, -40), (2000, 2600, -20))
    _, bled = settle([[(100, 2000)], [(1900, 2600)]], [one, other])
    assert bled == [0, 0]


def test_key_tones_are_no_speech():
    tones = [runs.mask([(150, 250)], FRAMES)]
    [found], _ = settle([[(100, 300)]], [levels((100, 300, -20))], tones)
    assert found == [[97, 150], [250, 300]]


def test_nothing_heard():
    assert settle([[], []], [levels(), levels()]) == ([[], []], [0, 0])


def test_a_quiet_talker_under_a_loud_one_is_no_echo():
    """Two voices rise and fall each in its own time; an echo follows the voice."""
    rng = np.random.default_rng(1)
    loud, quiet = (
        np.repeat(rng.uniform(-12, 6, FRAMES // 20), 20).astype(np.float32) for _ in range(2)
    )
    rows = [loud - 15, quiet - 42]
    rows[1][2500:2800] = -25
    heard = [[(100, 2000)], [(100, 2000), (2500, 2800)]]
    assert settle(heard, rows)[1] == [0, 0]
    rows[1][106:2006] = rows[0][100:2000] - 27
    assert settle(heard, rows)[1][1] > 1000


def test_music_on_hold_is_no_noise():
    row = levels((0, 2590, -26), (2600, 2990, -25))
    held = runs.mask([(0, 2590)], FRAMES)
    masks = [runs.mask([(2600, 2990)], FRAMES)]
    quiet = [np.zeros(FRAMES, np.bool_)]
    [cut], _ = speech.settle(masks, row[None], quiet)
    [kept], _ = speech.settle(masks, row[None], quiet, held)
    assert kept.sum() > 385 and cut.sum() == 0


def test_voices_below_the_floor_are_background():
    row = levels((100, 400, -20), (600, 900, -36))
    masks = [runs.mask([(100, 400), (600, 900)], FRAMES)]
    quiet = [np.zeros(FRAMES, np.bool_)]
    [found], _ = speech.settle(masks, row[None], quiet, floors=[np.full(FRAMES, -30, np.float32)])
    assert runs.runs(found).tolist() == [[97, 400]]
