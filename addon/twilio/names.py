"""Names of an invocation's fields in every spelling, with their meaning (spec/protocol 1.2).

Spellings are compared in lower case without hyphens and underscores. An unknown name is never an
error: it belongs to the customer's configuration and is kept.
"""

from __future__ import annotations

AUDIO = "audio"

FIELD_MEANINGS = {
    "url": "audio_url",
    "recordingurl": "audio_url",
    "audiourl": "audio_url",
    "audiodata": AUDIO,
    "audio": AUDIO,
    "file": AUDIO,
    "recording": AUDIO,
    "callback": "callback",
    "callbackurl": "callback",
    "size": "size",
    "duration": "duration",
    "format": "format",
    "samplesize": "sample_size",
    "samplerate": "sample_rate",
    "channels": "channels",
    "mediasid": "recording_sid",
    "recordingsid": "recording_sid",
    "referencesid": "recording_sid",
    "callsid": "call_sid",
    "requestsid": "request_sid",
    "usagekey": "usage_key",
    "integrationkey": "usage_key",
    "invocationdate": "invoked_at",
    "ttl": "ttl",
}

GUESSED_DATES = ("date", "timestamp")
"""Possible names of the invocation date, which nobody documents (spec/protocol 1.7). They may also
be fields of the customer's: they are read as a date and kept with the configuration."""


def normalised(name: str) -> str:
    """A field's name as FIELD_MEANINGS has it."""
    return name.lower().replace("-", "").replace("_", "")


def meaning(name: str) -> str | None:
    """The meaning of a field of this name; None for one of the customer's own."""
    return FIELD_MEANINGS.get(normalised(name))
