"""A zip file of all that is held of some recordings, in the clear, made as a stream.

Each recording has a folder `<install>/<id>/` with its audio, its analysis, transcript, notes,
manifest and access log. `contents.json` comes last, and lists every file, and what could not be
read and why. The access log of a recording says that it was exported before its first byte is
decrypted.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from addon.archive.notes import notes_of
from addon.errors import ArchiveError, StoreUnavailable

if TYPE_CHECKING:
    from addon.archive.archive import Archive
    from addon.archive.manifest import Manifest

VERSION = 1
"""Of contents.json."""

Json = Mapping[str, Any]
Recording = tuple[str, str]
"""Tenant and id."""


class _Sink:
    """A file that zipfile writes to without seeking; what was written is taken away in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class Export:
    """One export. After `blocks` has ended, `done` and `troubles` say what became of each.

    `transcript_of` gives the transcript of an analysis as text; None where it has none. `about` are
    further fields of contents.json.
    """

    def __init__(
        self,
        archive: Archive,
        transcript_of: Callable[[Json], str | None],
        *,
        by: str,
        about: Json,
    ) -> None:
        self._archive = archive
        self._transcript_of = transcript_of
        self._by = by
        self._about = dict(about)
        self.done = 0
        self.troubles: dict[Recording, str] = {}
        self._sink = _Sink()

    def blocks(self, recordings: Iterable[Recording]) -> Iterator[bytes]:
        """The zip file in pieces. A recording that cannot be read is named, and the others follow.

        Raises StoreUnavailable where even the list of them cannot be read.
        """
        contents: list[dict[str, Any]] = []
        with zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED) as file:  # type: ignore[call-overload]
            for tenant, recording_id in recordings:
                listed: dict[str, Any] = {"install": tenant, "id": recording_id, "files": []}
                contents.append(listed)
                try:
                    yield from self._recording(file, tenant, recording_id, listed["files"])
                    self.done += 1
                except (ArchiveError, StoreUnavailable) as error:
                    listed["trouble"] = error.message
                    self.troubles[tenant, recording_id] = error.message
            made = {"version": VERSION, "made_at": datetime.now(UTC).isoformat(), "by": self._by}
            document = {**made, **self._about, "recordings": contents}
            yield from self._file(file, "contents.json", [_json(document)], datetime.now(UTC))
        yield self._sink.taken()

    def _recording(
        self, file: zipfile.ZipFile, tenant: str, recording_id: str, files: list[str]
    ) -> Iterator[bytes]:
        archive = self._archive
        manifest = archive.manifest(tenant, recording_id)
        archive.access_log.record(
            tenant, recording_id, "exported", {"by": self._by}, at=datetime.now(UTC)
        )
        folder, troubles = f"{tenant}/{recording_id}/", list[str]()
        for name, blocks in self._parts(manifest):
            files.append(name)
            try:
                yield from self._file(file, folder + name, blocks, manifest.at)
            except (ArchiveError, StoreUnavailable) as error:
                troubles.append(f"{name} is not whole: {error.message}")
        if troubles:
            raise ArchiveError("; ".join(troubles))

    def _parts(self, manifest: Manifest) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Names and contents, read only while they are written; audio is verified by frames."""
        archive, recording = self._archive, (manifest.tenant, manifest.recording_id)
        yield "manifest.json", iter([_json(manifest.as_document())])
        yield f"audio.{manifest.facts.format}", self._audio(manifest)
        if manifest.analysis is not None:
            yield "analysis.json", archive.decrypted(manifest, "analysis")
            transcript = self._transcript(manifest)
            if transcript is not None:
                yield "transcript.txt", iter([transcript.encode()])
        yield "notes.json", self._notes(manifest)
        events = archive.access_log.events(*recording)
        yield "access-log.jsonl", (json.dumps(event).encode() + b"\n" for event in events)

    def _audio(self, manifest: Manifest) -> Iterator[bytes]:
        yield from self._archive.open(manifest.tenant, manifest.recording_id).read()

    def _transcript(self, manifest: Manifest) -> str | None:
        try:
            return self._transcript_of(
                self._archive.analysis(manifest.tenant, manifest.recording_id)
            )
        except (ArchiveError, StoreUnavailable):
            return None  # the analysis itself is named

    def _notes(self, manifest: Manifest) -> Iterator[bytes]:
        found = notes_of(self._archive, manifest.tenant, manifest.recording_id)
        yield _json([vars(note) for note in found])

    def _file(
        self, file: zipfile.ZipFile, name: str, blocks: Iterable[bytes], at: datetime
    ) -> Iterator[bytes]:
        info = zipfile.ZipInfo(name, at.astimezone(UTC).timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        with file.open(info, "w", force_zip64=True) as entry:
            for block in blocks:
                entry.write(block)
                yield self._sink.taken()


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str).encode() + b"\n"
