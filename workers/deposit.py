"""One recording on its way into the archive: hashed as received, analysed, muted, encrypted.

A single pass in blocks, with memory flat whatever the length. The archive decides what is durable;
this module must never keep more of a recording than the block in hand.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from addon.analysis import (
    Hints,
    Options,
    RecordingPass,
    Report,
    Transcriber,
    roles_with_agent_on,
)
from addon.analysis.rules import RuleSet, rules_or_trouble
from addon.analysis.spoken_redaction import SPOKEN_KINDS
from addon.analysis.whisper import open_transcriber
from addon.archive.archive import Archive
from addon.archive.deposit import Deposit, Reencoded
from addon.archive.manifest import Manifest, RecordingFacts, Sealed
from addon.archive.spool import SealedSpool
from addon.audio.sniffing import SEARCH_BYTES, UNKNOWN, is_document, sniff
from addon.errors import ArchiveMismatch, KeyMissing, NotStored, StoreUnavailable, Tampered
from addon.requests import results
from addon.requests.request import Request
from addon.setting_types import AUTO
from addon.settings import Settings

CIPHERTEXT = "ciphertext"
"""The format of a recording that is archived as Twilio encrypted it."""

NOT_ANALYSED = "The recording was archived as received: nothing here could analyse it, or mute it."

TRANSCRIBED_BY = 2.0
"""Times the audio's length: a result belongs before three times of it (spec/protocol 1.8)."""


class Received:
    """Count, hash and first bytes of a recording exactly as it was received."""

    def __init__(self) -> None:
        self.size = 0
        self.head = bytearray()
        self._hash = hashlib.sha256()

    def through(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The same blocks."""
        for block in blocks:
            if len(self.head) < SEARCH_BYTES:
                self.head += block[:SEARCH_BYTES]
            self.size += len(block)
            self._hash.update(block)
            yield block

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return self._hash.hexdigest()


@dataclass(frozen=True)
class Analysed:
    """A recording that lies in the archive, not yet committed, with what was found out."""

    report: Report
    received: Received
    sealed: Sealed
    archived_as: str
    transcriber: str | None = None

    @property
    def reencoded(self) -> Reencoded | None:
        """The frames to compare where the audio was encoded anew, else None."""
        archived = self.report.archived_frames
        return None if archived is None else Reencoded(self.report.frames, archived)


def options(settings: Settings, request: Request) -> Options:
    """Options of the analysis: the install's own values, then the integration's, then all's."""
    asked = settings.redact_spoken != AUTO
    return Options(
        roles=roles_with_agent_on(int(_of_install(settings.agent_channel, request, "1"))),
        redact_dtmf=settings.redact_dtmf != "off",
        redact_spoken=[one for one in SPOKEN_KINDS if not asked or one in settings.redact_spoken],
        spoken_required=asked,
        waveform=True,
        call_analytics=settings.result_style == "call-analytics",
        sentiment=settings.sentiment,
        transcriber=open_transcriber(settings.transcriber),
        hints=Hints.of(
            _of_install(settings.transcriber_language, request, "auto"),
            _of_install(settings.transcriber_vocabulary, request, ""),
        ),
        budget_seconds=budget(request),
        rules=rules_of(settings, request),
    )


def rules_of(settings: Settings, request: Request) -> RuleSet:
    """The rules of the request's install."""
    return rules_or_trouble(_of_install(settings.rules, request, "starter"))


def _of_install(values: Mapping[str, str], request: Request, default: str) -> str:
    names = (request.tenant, *request.integrations, "")
    return next((values[name] for name in names if name in values), default)


def budget(request: Request) -> float:
    """Seconds that are left for the whole pass: a transcript that takes longer is left out."""
    waited = time.time() - request.received_at.timestamp() if request.has_deadline else 0.0
    return max(0.0, TRANSCRIBED_BY * request.length.estimate - waited)


def analysed(place: Deposit, blocks: Iterable[bytes], options: Options, name: str) -> Analysed:
    """Analyse and archive in one pass, but for the commit.

    Raises UnreadableAudio and what the store raises.
    """
    received = Received()
    a_pass = RecordingPass(options, spool=lambda: cast(BinaryIO, SealedSpool()))
    sealed = place.audio(archivable(a_pass, received.through(blocks)))
    return Analysed(a_pass.report, received, sealed, name, name_of(options.transcriber))


def name_of(transcriber: Transcriber | None) -> str | None:
    """The name that an analysis has it under; None for none."""
    return None if transcriber is None else transcriber.name


def unanalysed(
    place: Deposit,
    blocks: Iterable[bytes],
    request: Request,
    failure: Mapping[str, Any],
    settings: Settings,
) -> RecordingFacts | None:
    """Archive bytes that nothing here can read, as they came, but for the commit.

    Gives what the manifest says of them, None where they are no recording. The `failure` lies in
    the place of an analysis, and with ciphertext what would open it. Raises what the store raises:
    StoreUnavailable too where it took something else, because nothing else is left to keep.
    """
    received = Received()
    place.audio(received.through(blocks))
    kind = CIPHERTEXT if request.encryption else sniff(received.head)
    if kind is None and (not received.size or is_document(received.head)):
        return None
    details = {"encryption_details": request.encryption} if request.encryption else {}
    place.analysis({**failure, **details})
    spoken = settings.redact_spoken and (settings.redact_spoken != AUTO or settings.transcriber)
    mutes = settings.redact_dtmf != "off" or bool(spoken)
    facts = RecordingFacts(
        received_sha256=received.sha256,
        received_bytes=received.size,
        format=kind or UNKNOWN,
        channels=None,
        duration_seconds=None,
        started_at=request.started_at,
        received_at=request.received_at,
        call_sid=request.call_sid,
        source=request.source,
        redacted=False,
        request_sid=request.sid,
        redaction="incomplete" if mutes else "off",
        redaction_reason=NOT_ANALYSED if mutes else None,
    )
    try:
        place.compare(facts)
    except ArchiveMismatch as error:
        raise StoreUnavailable(error.message) from error
    return facts


def result(found: Analysed, request: Request) -> dict[str, Any]:
    """The `result` object of spec/interfaces 5."""
    document = found.report.as_result()
    document["audio"] |= {"size_bytes": found.received.size, "sha256": found.received.sha256}
    document["archive"] = {
        "recording_id": found.archived_as,
        "stored": True,
        "encrypted": True,
        "redacted": found.report.redacted,
        "sha256": found.sealed.plaintext_sha256,
    }
    document["analysed"] = results.analysed(found.transcriber)
    document["timing"] = results.timing(
        request.received_at.timestamp(), time.time(), found.report.duration_seconds
    )
    return document


def facts(found: Analysed, request: Request) -> RecordingFacts:
    """The manifest's facts of the recording."""
    return RecordingFacts(
        received_sha256=found.received.sha256,
        received_bytes=found.received.size,
        format=found.report.archived_format,
        channels=found.report.channels,
        duration_seconds=found.report.duration_seconds,
        started_at=request.started_at,
        received_at=request.received_at,
        call_sid=request.call_sid,
        source=request.source,
        redacted=found.report.redacted,
        request_sid=request.sid,
        redaction=found.report.redaction.status,
        redaction_reason=found.report.redaction.reason,
    )


def recording_id(archive: Archive, request: Request) -> str:
    """The id to archive under: the recording's own SID, unless something else has used it.

    A manifest that cannot be verified may be another request's: nothing of it is written over.
    """
    tenant, own = request.tenant, request.recording_id
    if own == request.sid:
        return own
    erased_from = _erased_from(archive, tenant, own)
    if erased_from is not None:
        return own if erased_from == request.sid else request.sid
    try:
        taken_by = archive.manifest(tenant, own).facts.request_sid
    except NotStored:
        return own
    except (Tampered, KeyMissing):
        return request.sid
    return own if taken_by == request.sid else request.sid


def committed(archive: Archive, request: Request) -> Manifest | None:
    """The manifest of this very request, or None where it has not been committed."""
    for name in dict.fromkeys((request.recording_id, request.sid)):
        try:
            manifest = archive.manifest(request.tenant, name)
        except (NotStored, Tampered, KeyMissing):
            continue
        if manifest.facts.request_sid == request.sid:
            return manifest
    return None


def erased(archive: Archive, request: Request) -> bool:
    """True if the recording of this very request was archived and erased since."""
    names = dict.fromkeys((request.recording_id, request.sid))
    return any(_erased_from(archive, request.tenant, name) == request.sid for name in names)


def _erased_from(archive: Archive, tenant: str, name: str) -> str | None:
    """The request SID of an erased recording; None where no genuine tombstone is."""
    try:
        return str(archive.tombstone(tenant, name).get("request_sid"))
    except (NotStored, Tampered, KeyMissing):
        return None


def archivable(a_pass: RecordingPass, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes to archive of a recording that is fed block by block; then the report is there."""
    for block in blocks:
        ready = a_pass.feed(block)
        if ready:
            yield ready
    yield from a_pass.finish()
