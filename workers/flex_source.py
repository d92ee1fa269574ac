"""Source of a Flex recording's bytes: Twilio's REST media, decrypted where that is needed.

Both channels where there are two, our credentials for Twilio's API alone, and never an error
document in place of a recording (spec/protocol 4.3, 5.3). A recording that no key here opens is
still there as it was received.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from addon.archive.spool import SealedSpool
from addon.errors import (
    KeyMissing,
    SourceGone,
    SourceUnavailable,
    Tampered,
    TwilioUnavailable,
    UnreadableAudio,
)
from addon.outbound import Outbound
from addon.settings import Settings
from addon.twilio.encrypted_media import EncryptionDetails, content_key, decrypted
from addon.twilio.recordings import Recordings
from addon.twilio.rest import Rest, TwilioApi
from addon.twilio.status_callback import COMPLETED, StatusCallback

APPEARS_WITHIN = timedelta(minutes=10)
"""A completed recording without media is not given up sooner (spec/protocol 4.3)."""

PARKED_S = 120.0
"""Seconds between two tries once the retry delays have ended; as long as the last of them."""

FINISHES_WITHIN = timedelta(days=7)
"""A recording that Twilio still calls unfinished then will not come any more."""

UNFINISHED = frozenset({"in-progress", "paused", "stopped", "processing"})
"""Status of a recording's resource while its media may still come (spec/protocol 4.2)."""


def rest(settings: Settings) -> Rest:
    """Twilio's services as this deployment reaches them; media may redirect to MEDIA_HOSTS."""
    api = TwilioApi.from_settings(settings)
    return Rest(api, Outbound(api.origins(settings.media_hosts)))


@contextmanager
def recording(
    settings: Settings, callback: StatusCallback, tries: int
) -> Iterator[Iterator[bytes]]:
    """The recording in the clear; `tries` counts the failed downloads so far.

    Raises SourceUnavailable where it may come later, SourceGone, SourceRefused, and UnreadableAudio
    also for one that is encrypted and cannot be opened here.
    """
    if not callback.encryption:
        with as_received(settings, callback, tries) as blocks:
            yield blocks
        return
    details = EncryptionDetails.parse(callback.encryption)
    with _as_unreadable():
        key = content_key(details, settings.flex_private_keys)
    with as_received(settings, callback, tries) as blocks, ExitStack() as opened:
        with _as_unreadable():
            plain = opened.enter_context(decrypted(blocks, key, details.iv, spool=SealedSpool))
        yield plain


@contextmanager
def as_received(
    settings: Settings, callback: StatusCallback, tries: int
) -> Iterator[Iterator[bytes]]:
    """The bytes exactly as Twilio gives them. Raises as `recording`."""
    recordings = Recordings(rest(settings))
    try:
        with recordings.media(callback.recording_sid, attempt=tries) as found:
            yield found.blocks
    except SourceGone as gone:
        raise _judged(recordings, callback, gone) from gone


@contextmanager
def _as_unreadable() -> Iterator[None]:
    try:
        yield
    except KeyMissing as error:
        raise UnreadableAudio(
            error.message,
            remedy="Its ciphertext is archived; give the key in FLEX_PRIVATE_KEYS.",
        ) from error
    except Tampered as error:
        raise UnreadableAudio(error.message) from error


def _judged(
    recordings: Recordings, callback: StatusCallback, gone: SourceGone
) -> SourceGone | SourceUnavailable:
    """The error after the last retry delay, by the recording's resource (spec/protocol 4.3)."""
    try:
        resource = recordings.get(callback.recording_sid)
    except TwilioUnavailable as error:
        return SourceUnavailable(error.message, retry_after=error.retry_after)
    if resource is None:
        return SourceGone(
            "Twilio knows no such recording",
            remedy="It was deleted there, or never belonged to us.",
        )
    age = datetime.now(UTC) - callback.received_at
    patience = FINISHES_WITHIN if resource.status in UNFINISHED else APPEARS_WITHIN
    if resource.status in (*UNFINISHED, COMPLETED) and age < patience:
        return SourceUnavailable(gone.message, retry_after=PARKED_S)
    if resource.status == COMPLETED:
        return SourceGone(
            "the recording is completed, but its media is kept elsewhere, or gone",
            remedy="See whether the account keeps its media in a bucket of its own.",
        )
    return SourceGone(
        f"Twilio says that the recording is {resource.status[:32]}",
        remedy="Twilio's debugger says why; there is nothing to fetch.",
    )
