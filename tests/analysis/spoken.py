"""Makes results with transcripts of known words, as `result` carries them."""

from __future__ import annotations

from typing import Any

CHANNELS = {"customer": 0, "agent": 1, "mixed": 0}


def sentence(role: str, start: float, text: str, word_seconds: float = 0.3) -> dict[str, Any]:
    """One of `transcript.sentences`: each word takes `word_seconds`, with 50 ms between."""
    words = []
    for word in text.split():
        stop = round(start + word_seconds, 3)
        words.append({"word": word, "start_seconds": start, "end_seconds": stop, "confidence": 0.9})
        start = round(stop + 0.05, 3)
    return {
        "media_channel": CHANNELS[role] + 1,
        "role": role,
        "start_seconds": words[0]["start_seconds"],
        "end_seconds": words[-1]["end_seconds"],
        "transcript": text,
        "confidence": 0.9,
        "words": words,
    }


def result(*said: tuple[str, float, str], duration: float = 120.0, **more: Any) -> dict[str, Any]:
    """A result in which each party says texts from a second on; `more` are further keys."""
    spoken = [sentence(*each) for each in sorted(said, key=lambda each: each[1])]
    roles = ["mixed"] if any(role == "mixed" for role, _, _ in said) else ["customer", "agent"]
    talk = {
        role: sum(s["end_seconds"] - s["start_seconds"] for s in spoken if s["role"] == role)
        for role in roles
    }
    document = {
        "audio": {"duration_seconds": duration},
        "participants": [
            {"channel": CHANNELS[role], "role": role, "talk_seconds": talk[role]} for role in roles
        ],
        "redaction": {"status": "complete", "intervals": [], "reasons": []},
        "transcript": {
            "engine": "test",
            "sentences": [{"sentence_index": n, **each} for n, each in enumerate(spoken)],
        },
    }
    return document | more
