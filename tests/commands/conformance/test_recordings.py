"""The recordings that the suite sends are WAV files of the length that is said."""

from __future__ import annotations

import io
import wave

from addon.commands.conformance.recordings import conversation, silence


def test_a_conversation_has_two_channels_that_sound_in_turn() -> None:
    with wave.open(io.BytesIO(conversation(2.0))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 16000)
        first = file.readframes(4000)
    assert any(first[0::4]) and not any(first[2::4])


def test_silence_has_its_bytes() -> None:
    with wave.open(io.BytesIO(silence(1000))) as file:
        assert file.readframes(1000) == bytes(1000)
