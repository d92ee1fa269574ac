"""Makes docs/examples: what the service really answers for five kinds of recording.

`python -m tests.web.examples` writes them; tests/web/test_docs.py holds them to the code.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from addon.analysis import Options, RecordingPass
from addon.errors import UnreadableAudio
from addon.requests import results
from addon.web.docs import EXAMPLES, FOLDER
from tests.analysis import calls

REQUEST = "XR" + "55" * 16
RECORDING = "RE" + "2c" * 16
RECEIVED_AT, TOOK_S = 1772619330.0, 0.412
"""Fixed, so that an example changes only where the analysis does."""


def recordings() -> dict[str, bytes]:
    """The recording behind each example."""
    call = calls.with_noise(calls.converse(30, 12), 32)
    one_sided = call.samples.copy()
    one_sided[0] = 0
    return {
        "dual": calls.wav(call.samples),
        "mono": calls.wav(call.samples.sum(axis=0, keepdims=True)),
        "one-sided": calls.wav(one_sided),
        "silent": calls.wav(np.zeros((2, 12 * calls.RATE), np.float32)),
        "unreadable": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    }


def document(audio: bytes) -> dict[str, Any]:
    """What the callback gets."""
    one = RecordingPass(Options(), spool=io.BytesIO)
    try:
        plaintext = one.feed(audio) + b"".join(one.finish())
    except UnreadableAudio as error:
        return results.failed(REQUEST, error)
    result = one.report.as_result()
    result["audio"] |= {"size_bytes": len(audio), "sha256": hashlib.sha256(audio).hexdigest()}
    result["archive"] = {
        "recording_id": RECORDING,
        "stored": True,
        "encrypted": True,
        "redacted": one.report.redacted,
        "sha256": hashlib.sha256(plaintext).hexdigest(),
    }
    seconds = one.report.duration_seconds
    result["timing"] = results.timing(RECEIVED_AT, RECEIVED_AT + TOOK_S, seconds)
    return results.successful(REQUEST, result)


def write(folder: Path = FOLDER / "examples") -> None:
    """Write every example."""
    folder.mkdir(exist_ok=True)
    made = recordings()
    for name in EXAMPLES:
        text = json.dumps(document(made[name]), indent=2)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
