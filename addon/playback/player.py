"""Player: finds the audio of a recording or a call in the archive, converted or joined as needed.

The store is asked each time, so an erased recording is gone at once; only layouts are cached, each
for the very audio that it was read from. Tenant and id come from a grant or a token's rights, never
from a client alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

from addon.archive.archive import Archive
from addon.archive.manifest import Manifest, RecordingFacts
from addon.archive.names import Entry
from addon.archive.reader import ArchivedAudio
from addon.bounded_cache import BoundedCache
from addon.errors import KeyMissing, NotPlayable, NotStored, Tampered, UnreadableDocument, Withheld
from addon.playback.clips import Clip, cut
from addon.playback.decoding import SampleReader
from addon.playback.grants import Grant
from addon.playback.joined import CallPart, Gaps, converted, joined, stretches
from addon.playback.playability import Playability, playability_of
from addon.playback.playable import Playable
from addon.playback.policy import Audible, audible, withheld

MAX_PARTS = 200
"""Recordings of one call that are joined; each is a request to the store the first time."""

MAX_CACHED = 4096
"""Recordings whose layout and index are kept: some hundred bytes each, 20 kB for an hour."""

NOT_AS_ONE = "the call cannot be played as one"
ONE_BY_ONE = "Play the other recordings of the call one by one."

Key = tuple[str, str]
"""Tenant and id of a recording."""


class Player:
    """Finds audio to play in an archive. Safe to share between threads.

    With `redaction_required`, recordings that the policy withholds are not played.
    """

    def __init__(
        self, archive: Archive, gaps: Gaps = "none", *, redaction_required: bool = False
    ) -> None:
        self._archive = archive
        self._gaps = gaps
        self._redaction_required = redaction_required
        self._playabilities: BoundedCache[tuple[str, str, str], Playability] = BoundedCache(
            MAX_CACHED
        )
        self._confirmed: BoundedCache[str, RecordingFacts] = BoundedCache(MAX_CACHED)
        self._parts: BoundedCache[tuple[str, str], CallPart] = BoundedCache(MAX_CACHED)

    def granted(self, grant: Grant) -> Playable:
        """The audio that a grant is for. Raises as `recording` and `call` do."""
        if grant.recording_id is not None:
            return self.recording(grant.tenant, grant.recording_id, grant.clip)
        return self.call(grant.tenant, grant.subject, grant.clip)

    def withheld(self, manifest: Manifest) -> str | None:
        """The reason why nobody may hear a recording, for people; None where it may be heard."""
        return withheld(manifest, required=self._redaction_required)

    def audible(self, tenant: str, recording_id: str) -> Audible:
        """The manifest of a recording that may be heard: to be asked before a link is given.

        Raises Withheld, NotStored, Tampered, KeyMissing, StoreUnavailable.
        """
        manifest = self._archive.manifest(tenant, recording_id)
        return audible(manifest, required=self._redaction_required)

    def require_audible(
        self, tenant: str, recording_ids: Iterable[str], *, call_sid: str | None = None
    ) -> None:
        """Raises as `audible` where one of them may not be heard; they may be a call's parts."""
        if call_sid and not self._redaction_required:
            return  # nothing to ask, and a call may have many parts
        for recording_id in recording_ids:
            with _as_part_of_a_call(recording_id) if call_sid else nullcontext():
                self.audible(tenant, recording_id)

    def recording(self, tenant: str, recording_id: str, clip: Clip | None = None) -> Playable:
        """One recording: as it was archived, or converted where browsers would not play it whole.

        What cannot be converted is served as it is. A clip of it is a WAV file, and NotPlayable
        where nothing here decodes it. Raises NotStored, Withheld, Tampered, KeyMissing,
        StoreUnavailable.
        """
        if clip is not None:
            return cut(converted(self._part(tenant, recording_id)), clip)
        audio = self.open(tenant, recording_id)
        if self._playability(audio).plays:
            return audio
        try:
            return converted(self._part(tenant, recording_id))
        except NotPlayable:
            return audio

    def call(self, tenant: str, call_sid: str, clip: Clip | None = None) -> Playable:
        """Every recording of a call, in the order of time, as one. Raises as `recording` does."""
        ids = self.recordings_of(tenant, call_sid)
        if len(ids) == 1:
            return self.recording(tenant, ids[0], clip)
        whole = joined(self._parts_of(tenant, ids), self._gaps)
        return whole if clip is None else cut(whole, clip)

    def legs(self, tenant: str, call_sid: str) -> list[tuple[str, float, float]]:
        """The recordings of a call in the order of time: id, begin and end in the joined audio.

        Raises as `call`.
        """
        parts = self._parts_of(tenant, self.recordings_of(tenant, call_sid))
        places = stretches(parts, self._gaps)
        return [(part.recording_id, *at) for part, at in zip(parts, places, strict=True)]

    def call_seconds(self, tenant: str, call_sid: str) -> float:
        """The time that a call may take to play, with its pauses; no audio is opened for it.

        Raises as `recordings_of`.
        """
        facts = [facts for _, facts in self._recordings_of(tenant, call_sid)]
        lengths = sum(one.duration_seconds or 0.0 for one in facts)
        if self._gaps == "none":
            return lengths
        begins = [one.began_at.timestamp() for one in facts]
        ends = [at + (one.duration_seconds or 0.0) for at, one in zip(begins, facts, strict=True)]
        return max(lengths, max(ends) - min(begins))

    def recordings_of(self, tenant: str, call_sid: str) -> list[str]:
        """The ids of a call's recordings, in their own order; their manifests name the call too.

        Raises NotStored where there is none, NotPlayable where they are too many to be one call's.
        """
        return [recording_id for recording_id, _ in self._recordings_of(tenant, call_sid)]

    def _recordings_of(self, tenant: str, call_sid: str) -> list[tuple[str, RecordingFacts]]:
        entries = self.entries_of(tenant, call_sid)
        found = [(entry.recording_id, self._facts_in_call(entry)) for entry in entries]
        confirmed = [(recording_id, facts) for recording_id, facts in found if facts is not None]
        if not confirmed:
            raise NotStored("there is no recording of this call")
        return confirmed

    def is_of_call(self, tenant: str, call_sid: str, recording_id: str) -> bool:
        """True for a recording of the call; no other one of it is looked at."""
        entries = self.entries_of(tenant, call_sid)
        mine = [entry for entry in entries if entry.recording_id == recording_id]
        return any(self._facts_in_call(entry) for entry in mine)

    def entries_of(self, tenant: str, call_sid: str) -> Sequence[Entry]:
        """The index entries of a call, which nothing confirms yet. Raises NotPlayable."""
        page = self._archive.list(tenant, call_sid=call_sid, limit=MAX_PARTS)
        if page.cursor is not None:
            raise NotPlayable("this call has too many recordings", remedy="Play them one by one.")
        return page.entries

    def open(self, tenant: str, recording_id: str) -> ArchivedAudio:
        """One recording exactly as it was archived: no listener's audio is opened elsewhere.

        Raises as `recording` does.
        """
        audio = self._archive.open(tenant, recording_id)
        audible(audio.manifest, required=self._redaction_required)
        return audio

    def _facts_in_call(self, entry: Entry) -> RecordingFacts | None:
        """The facts of a recording whose manifest names the call too, which never changes.

        The index alone could have been planted: None then. Raises NotPlayable where the manifest
        cannot be read: a call is never played as whole without one of its recordings.
        """
        kept = self._confirmed.get(entry.key)
        if kept is not None:
            return kept
        with _as_part_of_a_call(entry.recording_id):
            manifest = self._archive.listed(entry)
        return None if manifest is None else self._confirmed.put(entry.key, manifest.facts)

    def _parts_of(self, tenant: str, ids: Iterable[str]) -> list[CallPart]:
        """The parts of a call in the order of time."""
        parts = []
        for recording_id in ids:
            with _as_part_of_a_call(recording_id):
                parts.append(self._part(tenant, recording_id))
        return sorted(parts, key=lambda part: part.place)

    def _playability(self, audio: ArchivedAudio) -> Playability:
        key = audio.manifest.tenant, audio.manifest.recording_id, audio.etag
        return self._playabilities.get_or(key, lambda: playability_of(audio))

    def _part(self, tenant: str, recording_id: str) -> CallPart:
        def read() -> CallPart:
            audio = self.open(tenant, recording_id)
            return CallPart(
                recording_id=recording_id,
                open=partial(self._open_same, tenant, recording_id, audio.etag),
                etag=audio.etag,
                index=SampleReader(audio).index,
                layout=self._playability(audio).layout,
                place=audio.manifest.place_in_call,
                started_at=audio.manifest.facts.started_at,
            )

        return self._parts.get_or((tenant, recording_id), read)

    def _open_same(self, tenant: str, recording_id: str, etag: str) -> ArchivedAudio:
        """A part's audio. Raises Tampered, once, where it was replaced since."""
        audio = self.open(tenant, recording_id)
        if audio.etag != etag:
            self._parts.remove((tenant, recording_id))
            raise Tampered("the audio was replaced since it was read")
        return audio


@contextmanager
def _as_part_of_a_call(recording_id: str) -> Iterator[None]:
    """One recording that nobody may hear or open keeps its call from being played without it.

    It is named, so that the others can be heard by themselves. Raises Withheld, NotPlayable.
    """
    try:
        yield
    except Withheld as error:
        raise Withheld(f"{NOT_AS_ONE}: {error.message}", remedy=ONE_BY_ONE) from None
    except (Tampered, KeyMissing, UnreadableDocument) as error:
        reason = f"{NOT_AS_ONE}: {recording_id}: {error.message}"
        raise NotPlayable(reason, remedy=ONE_BY_ONE) from None
