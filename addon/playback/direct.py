"""Direct access: a short-lived URL of a recording's ciphertext, and what decrypting it needs.

Whoever fetches the bytes decrypts them elsewhere; no plaintext passes through this service. Only a
bucket can sign a URL, a directory cannot (spec/protocol 8).
"""

from __future__ import annotations

import base64
from typing import Any, Protocol, runtime_checkable

from addon.archive.archive import Archive
from addon.archive.reader import fetch_header
from addon.archive.sealing import context_of, fetcher, object_key
from addon.errors import NotPlayable, NotStored
from addon.playback.policy import Audible

MAX_LIFETIME_S = 900
"""Longer than any start of a download takes; the holder of the address needs no other right."""


@runtime_checkable
class Addressable(Protocol):
    """A store that can give an address which works for so many seconds."""

    def presigned(self, key: str, seconds: int) -> str:
        """A URL from which anyone can read the object."""
        ...


def address(archive: Archive, manifest: Audible, seconds: int) -> dict[str, Any]:
    """A signed URL of a recording's ciphertext, and its encryption, as the API answers it.

    Raises NotPlayable for a store without addresses; NotStored, Tampered, StoreUnavailable.
    """
    tenant, recording_id = manifest.tenant, manifest.recording_id
    store = archive.store
    if not isinstance(store, Addressable):
        raise NotPlayable(
            "this archive lies in a directory, which has no addresses to give",
            remedy="Fetch the audio without direct, or move the archive to a bucket.",
        )
    key = object_key(manifest, "audio")
    stat = store.stat(key)
    if stat is None:
        raise NotStored("the audio is not there")
    header = fetch_header(fetcher(store, stat), stat.size)
    audio = manifest.audio
    return {
        "signed_url": store.presigned(key, min(seconds, MAX_LIFETIME_S)),
        "encryption": {
            "format": "AWS Encryption SDK message, version 2",
            "algorithm_suite": "0x0478",
            "frame_length": header.frame_length,
            "encryption_context": context_of(tenant, recording_id, "audio"),
            "recipients": [
                {"provider": sealed.provider, "key": _name(sealed.info)}
                for sealed in header.sealed_keys
            ],
            "size": audio.size,
            "sha256": audio.sha256,
            "header_sha256": audio.header_sha256,
            "plaintext_size": audio.plaintext_size,
            "plaintext_sha256": audio.plaintext_sha256,
        },
        "open_with": f"flask archive get {recording_id} --tenant {tenant} --ciphertext FILE",
    }


def _name(info: bytes) -> str:
    """An encryption key's name as it is, where it is text; else in base64."""
    try:
        return info.decode("ascii")
    except UnicodeDecodeError:
        return base64.b64encode(info).decode("ascii")
