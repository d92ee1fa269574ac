"""The package as a process meets it: what it imports, and what it loads for its first recording."""

import subprocess
import sys

from addon.analysis import warm_up
from addon.analysis.silero import Silero
from addon.analysis.stages import Stages
from tests.analysis.calls import RATE, converse, key_tone, wav

IMPORTED = """
import io, sys
from addon.analysis import Options, RecordingPass

content = sys.stdin.buffer.read()
before = set(sys.modules)
one = RecordingPass(Options(waveform=True, call_analytics=True), spool=io.BytesIO)
one.feed(content)
list(one.finish())
one.report.as_result()
print(*sorted(set(sys.modules) - before))
"""
"""Analyses the recording on its input and prints the modules that were imported meanwhile."""


def imported_for(content: bytes) -> str:
    child = subprocess.run(
        [sys.executable, "-c", IMPORTED], input=content, capture_output=True, check=True
    )
    return child.stdout.decode().strip()


def test_a_voicemail_of_three_seconds_imports_nothing():
    assert imported_for(wav(converse(3, 1).samples[:1])) == ""


def test_a_call_with_speech_overlaps_and_key_tones_imports_nothing():
    call = converse(40, 1).samples.copy()
    tone = key_tone(5, 0.2)
    call[0, 20 * RATE : 20 * RATE + len(tone)] += tone
    assert imported_for(wav(call)) == ""


def test_every_recording_of_a_process_shares_the_detectors_weights():
    assert Silero(1)._layers is Silero(2)._layers
    assert Stages(RATE, 1).levels._slow is Stages(RATE, 2).levels._slow


def test_a_process_can_be_made_ready_more_than_once():
    warm_up()
    loaded = set(sys.modules)
    warm_up()
    assert set(sys.modules) == loaded
    assert {"av", "soxr"} <= loaded
