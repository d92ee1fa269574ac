"""Encoders that lose something, as tests put them in the place of the real one."""

from __future__ import annotations

import pytest
import soundfile


def drop_last_block(patch: pytest.MonkeyPatch) -> None:
    """From now on whatever is encoded ends one block early, without a word."""
    write, close = soundfile.SoundFile.write, soundfile.SoundFile.close
    waiting: dict[int, object] = {}

    def write_one_behind(file, block):
        before = waiting.pop(id(file), None)
        if before is not None:
            write(file, before)
        waiting[id(file)] = block.copy()

    def close_without_the_last(file):
        waiting.pop(id(file), None)
        close(file)

    patch.setattr(soundfile.SoundFile, "write", write_one_behind)
    patch.setattr(soundfile.SoundFile, "close", close_without_the_last)
