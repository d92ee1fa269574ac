"""Source of a Marketplace recording's bytes: the intake record, or a temporary URL.

Bytes are handed on as they arrive. An error page is never taken for a recording, and no credentials
go to a host that is not allowed (spec/protocol 1.10, 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from addon import backoff
from addon.outbound import Origins, Outbound
from addon.requests.intake_store import IntakeRecord
from addon.settings import Settings
from addon.twilio import media
from addon.twilio.invocation import Invocation
from addon.twilio.rest import TwilioApi

TRIES = 24
"""A host that never answers is given up after these: about twenty minutes with the pauses below."""

PARKED_S = 900.0
"""After TRIES, for what is never given up: an outage of a day must not keep the workers busy."""


@contextmanager
def recording(
    settings: Settings, intake: IntakeRecord, invocation: Invocation, tries: int
) -> Iterator[Iterator[bytes]]:
    """The recording's bytes, block by block; `tries` counts the failed ones so far.

    Raises SourceUnavailable where it may come later, SourceGone, SourceRefused.
    """
    if invocation.has_audio or invocation.audio_url is None:
        yield intake.audio
        return
    outbound = Outbound(Origins(settings.media_hosts, setting="MEDIA_HOSTS"))
    with media.fetch(
        invocation.audio_url,
        outbound=outbound,
        attempt=tries,
        api=TwilioApi.from_settings(settings),
    ) as found:
        yield found.blocks


def pause_after(tries: int, retry_after: float | None) -> float:
    """Seconds until the next try: what the host asked for, else twice as long each time."""
    longest = backoff.LONGEST_S if tries <= TRIES else PARKED_S
    return backoff.pause(tries, retry_after, longest_s=longest)
