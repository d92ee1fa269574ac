"""Archived recordings analysed again, for what a newer release or another transcriber finds.

It needs the keys that open the archive, which no worker holds (decision 0410): it runs in a process
of its own, `flask archive reanalyse`, of less priority, and begins no recording while live ones
wait. Each analysis says its version, so that a second run goes on where one ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO, Literal, cast

from addon import log
from addon.analysis import open_transcriber
from addon.archive.batch import IN_A_ROW, Finding
from addon.archive.deposit import as_bytes
from addon.archive.index import tenants
from addon.archive.manifest import Manifest, Part, Sealed
from addon.archive.names import Entry, Unreadable
from addon.archive.replacement import (
    discard_staged,
    finish,
    generation_after,
    is_unfinished,
    replace_objects,
    stage,
)
from addon.archive.spool import SealedSpool
from addon.archive.verification import REANALYSED
from addon.errors import (
    ArchiveError,
    ArchiveMismatch,
    KeyMissing,
    LeaseLost,
    NotStored,
    RecordingFailed,
    SettingsError,
    StoreUnavailable,
    Unavailable,
    UnreadableAudio,
)
from addon.metrics import declarations
from addon.requests import results, scheduling
from addon.requests.lease import TTL_MS, Lease, lease
from addon.requests.lease import held as is_held
from addon.webhooks.events import EventType, of_analysis
from workers import announcing, deposit, second_pass
from workers.second_pass import Heard
from workers.services import Services

LEASE_KIND = "reanalyse"
"""Of the lease that keeps two processes from one recording."""

PAUSE_S = 1.0
"""Between two looks at queues of live work that are not empty."""

LEASE_ENDS_S = TTL_MS / 1000 + 1
"""The lease of a process that was killed is free after this long."""

READ_SIZE = 1 << 20

_State = tuple[Literal["whole", "unfinished", "bad", "current"], int]
"""State and size of a Finding."""

logger = log.get("reanalysis")


@dataclass(frozen=True)
class Selection:
    """The recordings to analyse again: of one install, made since a moment, or all.

    With `only_transcript` those whose transcript is missing or another transcriber's, and of their
    result nothing changes but the transcript and the redaction.
    """

    install: str | None = None
    since: datetime | None = None
    only_transcript: bool = False


class Reanalysis:
    """One run over the archive. `sleep` waits so many seconds."""

    def __init__(
        self,
        services: Services,
        selection: Selection,
        *,
        by: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.services = services
        self.selection = selection
        self._by = by
        self._sleep = sleep
        self._archive = services.archive
        self._failed_in_a_row = 0

    def require_keys(self) -> None:
        """Raises KeyMissing or SettingsError, saying what this process would need."""
        archive = self._archive
        _ = archive.signer, archive.encryption_keys
        if not archive.decryption_keys:
            raise KeyMissing(
                "this process has no key that opens the archive",
                remedy="Start it where ARCHIVE_PRIVATE_KEYS, ARCHIVE_KMS_KEYS or ARCHIVE_LOCAL_KEY "
                "is set beside a worker's settings: workers themselves hold none.",
            )
        if self.selection.only_transcript and not self.services.settings.transcriber:
            raise SettingsError("TRANSCRIBER is unset: no transcript can be made")

    def require_install(self) -> None:
        """Raises NotStored where the archive holds no recording of the install asked for."""
        install = self.selection.install
        if install is not None and not self._archive.list(install, limit=1).entries:
            raise NotStored(f"the archive holds no recording of the install or account {install}")

    def candidates(self) -> Iterator[Finding]:
        """Every recording of the selection: "unfinished" to be analysed, "current", or "bad"."""
        for entry in self._entries():
            yield self._finding(entry, lambda found: self._look(found)[0])

    def run(self) -> Iterator[Finding]:
        """Analyse again what is not current; yields each recording done ("whole") or "bad".

        Raises Unavailable, and RedisError: without Redis two processes could do one recording.
        """
        for candidate in self.candidates():
            if candidate.state == "unfinished":
                self._wait_for_live_work()
                entry = Entry(candidate.tenant, candidate.recording_id, "")
                candidate = self._finding(entry, self._with_lease)
                outcome = "failed" if candidate.state == "bad" else "done"
                self.services.counters.count(declarations.REANALYSED, outcome)
            yield candidate

    def _entries(self) -> Iterator[Entry]:
        install, since = self.selection.install, self.selection.since
        for tenant in (install,) if install else tenants(self._archive.store):
            cursor = since.astimezone(UTC).date().isoformat() if since else None
            while True:
                page = self._archive.list(tenant, cursor=cursor)
                yield from page.entries
                cursor = page.cursor
                if cursor is None:
                    break

    def _finding(self, entry: Entry, work: Callable[[Entry], _State]) -> Finding:
        """The outcome of some work on one recording: its failure must not keep the others."""
        tenant, recording_id = entry.tenant, entry.recording_id
        try:
            found = Finding(tenant, recording_id, *work(entry))
            self._failed_in_a_row = 0
            return found
        except StoreUnavailable as error:
            self._failed_in_a_row += 1
            if self._failed_in_a_row == IN_A_ROW:
                raise
            return Finding(tenant, recording_id, "bad", 0, error.message)
        except (Unavailable, SettingsError):
            raise
        except NotStored:
            return Finding(tenant, recording_id, "erased")
        except (ArchiveError, RecordingFailed, LeaseLost) as error:
            if self._archive.is_erased(tenant, recording_id):
                return Finding(tenant, recording_id, "erased")
            return Finding(tenant, recording_id, "bad", 0, error.message)
        except Exception as error:
            logger.exception("a recording could not be analysed again", recording=recording_id)
            return Finding(tenant, recording_id, "bad", 0, f"a defect: {type(error).__name__}")

    def _look(self, entry: Entry) -> tuple[_State, Manifest, dict[str, Any] | None]:
        """The state of a recording, its manifest and its analysis."""
        found = self._archive.examined(entry) if entry.key else None
        if isinstance(found, Unreadable):
            raise ArchiveMismatch(found.trouble)
        manifest = found or self._archive.manifest(entry.tenant, entry.recording_id)
        since = self.selection.since
        if manifest.facts.format == deposit.CIPHERTEXT or (since and manifest.at < since):
            return ("current", 0), manifest, None
        document = self._analysis(manifest)
        wanted = is_unfinished(self._archive, manifest) or self._is_wanted(document)
        return ("unfinished" if wanted else "current", 0), manifest, document

    def _analysis(self, manifest: Manifest) -> dict[str, Any] | None:
        if manifest.analysis is None:
            return None
        return self._archive.analysis(manifest.tenant, manifest.recording_id)

    def _is_wanted(self, document: Mapping[str, Any] | None) -> bool:
        """True where this release, with this transcriber, has not made the analysis."""
        result = (document or {}).get("result")
        if result is None:
            return not self.selection.only_transcript
        wanted = deposit.name_of(self._transcriber())
        transcript = result.get("transcript")
        if wanted is not None and (not transcript or transcript["engine"] != wanted):
            return True
        release = (result.get("analysed") or {}).get("release")
        return not self.selection.only_transcript and release != results.RELEASE

    def _transcriber(self) -> Any:
        return open_transcriber(self.services.settings.transcriber)

    def _wait_for_live_work(self) -> None:
        """Recordings that somebody waits for come first."""
        has_waited = False
        while self._live_work_waits():
            if not has_waited:
                logger.info("live recordings wait in a queue; they come first")
            has_waited = True
            self._sleep(PAUSE_S)

    def _live_work_waits(self) -> bool:
        depths = self.services.dispatcher.depths()
        return any(depths[queue] for queue in scheduling.RECORDING_QUEUES)

    def _with_lease(self, entry: Entry) -> _State:
        """Analyse one recording, unless another process does; one that was killed is waited for."""
        name = f"{entry.tenant}/{entry.recording_id}"
        end = time.monotonic() + LEASE_ENDS_S
        while is_held(self.services.redis, LEASE_KIND, name) and time.monotonic() < end:
            self._sleep(PAUSE_S)
        with lease(self.services.redis, LEASE_KIND, name) as held:
            if held is not None:
                return self._reanalyse(entry, held)
        return "current", 0  # it is at work there

    def _reanalyse(self, entry: Entry, held: Lease) -> _State:
        manifest = finish(self._archive, self._archive.manifest(entry.tenant, entry.recording_id))
        self._archive.holds.refuse(entry.tenant, entry.recording_id)
        (state, _), manifest, analysis = self._look(entry)
        if state == "current":
            return "whole", 0  # finished, or done by another process
        first = (analysis or {}).get("result")
        with SealedSpool() as archivable:
            try:
                heard = second_pass.listen(
                    self.services, manifest, first, cast(BinaryIO, archivable)
                )
            except UnreadableAudio:
                if first is None:
                    return "current", 0  # archived as received, and still nothing here reads it
                raise
            only = self.selection.only_transcript
            document = heard.document(manifest, first, only_transcript=only)
            if "call" in (analysis or {}):
                document["call"] = cast("dict[str, Any]", analysis)["call"]
            held.confirm()  # what another process has written aside is not written over
            staged = self._staged(manifest, document, heard, cast(BinaryIO, archivable))
            self._announce(manifest, document, heard, first)
        held.confirm()
        after = replace_objects(self._archive, manifest, staged, heard.facts(manifest))
        self.services.catalogue.write(after, document)
        self._archive.access_log.record(
            manifest.tenant,
            manifest.recording_id,
            REANALYSED,
            {"by": self._by, "generation": after.generation, "release": results.RELEASE},
            at=datetime.now(UTC),
        )
        return "whole", manifest.audio.size

    def _announce(
        self,
        manifest: Manifest,
        document: Mapping[str, Any],
        heard: Heard,
        first: Mapping[str, Any] | None,
    ) -> None:
        """Promise the events of the new analysis, which are sent once its manifest is there.

        Before the replacement: no crash comes between the two.
        """
        result = document["result"]
        kinds: list[EventType] = ["recording.ready"]
        if heard.mutes(manifest):
            kinds.append("recording.redacted")
        if result.get("categories") != (first or {}).get("categories"):
            kinds.append("category.matched")
        if self.services.outbox.is_wanted(manifest.tenant):
            after = replace(manifest, facts=heard.facts(manifest))
            found = of_analysis(after, result, generation=generation_after(manifest), kinds=kinds)
            announcing.promise(self.services, found)

    def _staged(
        self, manifest: Manifest, document: dict[str, Any], heard: Heard, archivable: BinaryIO
    ) -> dict[Part, Sealed]:
        """The new objects, written aside: the audio only where more of it is muted."""
        archive, staged = self._archive, dict[Part, Sealed]()
        try:
            if heard.mutes(manifest):
                archivable.seek(0)
                blocks = iter(lambda: archivable.read(READ_SIZE), b"")
                staged["audio"] = stage(archive, manifest, "audio", blocks)
            staged["analysis"] = stage(archive, manifest, "analysis", [as_bytes(document)])
        except BaseException:
            discard_staged(archive, manifest)
            raise
        return staged
