"""A second pass over one archived recording: what it finds, and what has to be muted beyond."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

from addon.analysis import Options, RecordingPass, Report, roles_with_agent_on
from addon.analysis.second_analysis import combined
from addon.archive.manifest import Manifest, RecordingFacts
from addon.archive.spool import SealedSpool
from addon.errors import ArchiveMismatch, ProcessingFailed
from addon.requests import results, scheduling
from addon.requests.request import (
    FLEX,
    FLEX_INTEGRATION,
    RINGCENTRAL,
    RINGCENTRAL_INTEGRATION,
    Request,
)
from addon.requests.scheduling import Length
from workers import deposit
from workers.services import Services

INTEGRATIONS = {FLEX: (FLEX_INTEGRATION,), RINGCENTRAL: (RINGCENTRAL_INTEGRATION,)}
"""The names that settings by integration know a source's recordings by."""


@dataclass(frozen=True)
class Heard:
    """The report of a pass over the archived audio; hash and size are of the bytes it gave back."""

    report: Report
    sha256: str
    size: int
    options: Options

    def mutes(self, manifest: Manifest) -> bool:
        """True where more has to be muted than the archived audio has."""
        return self.sha256 != manifest.audio.plaintext_sha256

    def compare(self, manifest: Manifest) -> None:
        """Make sure that nothing is lost by muting. Raises ArchiveMismatch."""
        archived = self.report.archived_frames
        if archived is not None and archived != self.report.frames:
            raise ArchiveMismatch(f"{archived} of {self.report.frames} sample frames were encoded")
        if archived is None and self.size != manifest.audio.plaintext_size:
            raise ArchiveMismatch(f"{self.size} of {manifest.audio.plaintext_size} bytes came back")
        if not self.report.redacted:
            raise ArchiveMismatch("other bytes came back, and nothing was muted")

    def facts(self, manifest: Manifest) -> RecordingFacts:
        """The manifest's facts from now on."""
        report, facts = self.report, manifest.facts
        return replace(
            facts,
            format=report.archived_format if self.mutes(manifest) else facts.format,
            channels=facts.channels or report.channels,
            duration_seconds=facts.duration_seconds or report.duration_seconds,
            redacted=facts.redacted or report.redacted,
            redaction=report.redaction.status,
            redaction_reason=report.redaction.reason,
        )

    def document(
        self, manifest: Manifest, first: Mapping[str, Any] | None, *, only_transcript: bool
    ) -> dict[str, Any]:
        """The analysis to be stored; `first` is the `result` object that it replaces, if any."""
        if first is None:
            result = _of_the_archive(manifest, self.report)
        else:
            result = combined(
                first, self.report, self.options.rules, only_transcript=only_transcript
            )
        redacted = self.facts(manifest).redacted
        result["archive"] = {**result["archive"], "redacted": redacted, "sha256": self.sha256}
        result["analysed"] = results.analysed(deposit.name_of(self.options.transcriber))
        return results.successful(manifest.facts.request_sid, result)


def listen(
    services: Services, manifest: Manifest, first: Mapping[str, Any] | None, archivable: BinaryIO
) -> Heard:
    """Analyse the archived audio; what is to be archived of it goes into `archivable`.

    Raises UnreadableAudio, ArchiveMismatch, ProcessingFailed without a transcript, and what the
    archive raises.
    """
    options = _options(services, manifest, first)
    a_pass = RecordingPass(options, spool=lambda: cast(BinaryIO, SealedSpool()))
    hashed, size = hashlib.sha256(), 0
    for block in deposit.archivable(a_pass, services.archive.decrypted(manifest, "audio")):
        hashed.update(block)
        size += len(block)
        archivable.write(block)
    heard = Heard(a_pass.report, hashed.hexdigest(), size, options)
    if heard.mutes(manifest):
        heard.compare(manifest)
    if options.transcriber is not None and heard.report.transcript is None:
        raise ProcessingFailed(heard.report.transcript_reason or "There is no transcript")
    return heard


def _options(services: Services, manifest: Manifest, first: Mapping[str, Any] | None) -> Options:
    """Options as for a request, without a time limit; roles are those of the first analysis."""
    facts = manifest.facts
    seconds = facts.duration_seconds or scheduling.UNKNOWN_S
    request = Request(
        source=facts.source,
        document="",
        sid=facts.request_sid,
        tenant=manifest.tenant,
        recording_id=manifest.recording_id,
        received_at=facts.received_at,
        length=Length(seconds, seconds),
        integrations=INTEGRATIONS.get(facts.source, ()),
    )
    options = replace(deposit.options(services.settings, request), budget_seconds=None)
    roles = [each["role"] for each in (first or {}).get("participants", ())]
    if len(roles) != 2:
        return options
    return replace(options, roles=roles_with_agent_on(roles.index("agent")))


def _of_the_archive(manifest: Manifest, report: Report) -> dict[str, Any]:
    """The result of a recording that was archived as received, and can be read now."""
    facts, result = manifest.facts, report.as_result()
    result["audio"] |= {"size_bytes": facts.received_bytes, "sha256": facts.received_sha256}
    result["archive"] = {"recording_id": manifest.recording_id, "stored": True, "encrypted": True}
    result["timing"] = results.timing(
        facts.received_at.timestamp(), time.time(), report.duration_seconds
    )
    return result
