"""Notes of people at moments of a recording: small documents, signed, and encrypted as it is.

A note is an object of its own, which its author may change, and goes when its recording is erased.
Its texts are in the store only inside the encrypted message, the earlier ones too; the access log
says that one was written or changed, and by whom.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from addon import stored_documents
from addon.archive.batch import Finding
from addon.archive.message import decrypt, encrypt
from addon.archive.names import notes_prefix
from addon.archive.prefixes import NOTES
from addon.archive.reader import fetch_header
from addon.archive.sealing import fetcher
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Stat
from addon.archive.wrapping import key_name
from addon.errors import (
    ArchiveError,
    Forbidden,
    InvalidParameter,
    KeyMissing,
    NotStored,
    Tampered,
    UnreadableDocument,
)

if TYPE_CHECKING:
    from addon.archive.archive import Archive

VERSION = 1
KIND = "note"

MAX_TEXT = 2000
"""Characters: a paragraph or two. Whoever writes more writes a document."""

MAX_NOTES = 200
"""Of one recording: each is an object that the page opens."""

MAX_EARLIER = 20
"""Earlier texts of a note that are kept: with these it is as long as an object may be."""

MAX_AUTHOR = 256
"""Characters of a name, as the issuer gave it."""


MAX_OBJECT = 256 * 1024
"""Bytes of a stored note, more than one takes with all its earlier texts: a larger object was put
there by others."""


@dataclass(frozen=True)
class Note:
    """A note at `at_seconds` of the recording; `trouble` says why it cannot be shown, if so.

    `earlier` are the texts that it had before, the oldest first, and `changed_at` is when it got
    the present one, None where it never had another.
    """

    id: str
    at_seconds: float
    author: str
    written_at: datetime
    text: str
    trouble: str | None = None
    changed_at: datetime | None = None
    earlier: tuple[str, ...] = ()


def add_note(
    archive: Archive,
    tenant: str,
    recording_id: str,
    *,
    at_seconds: float,
    text: str,
    author: str,
    now: datetime | None = None,
) -> Note:
    """Write a note, on record before it is kept.

    Raises InvalidParameter for no text, too much of it, or too many notes; NotStored for a
    recording that is not there or is erased meanwhile; KeyMissing where this process cannot
    encrypt or sign; StoreUnavailable.
    """
    text = _checked(text)
    manifest = archive.manifest(tenant, recording_id)
    at_seconds = round(min(max(at_seconds, 0.0), manifest.facts.duration_seconds or at_seconds), 3)
    if sum(1 for _ in archive.store.list(notes_prefix(tenant, recording_id))) >= MAX_NOTES:
        raise InvalidParameter(f"text: this recording has {MAX_NOTES} notes, which is the most")
    at = (now or datetime.now(UTC)).astimezone(UTC)
    name = f"{at:%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}"
    document = {
        "version": VERSION,
        "at_seconds": at_seconds,
        "author": author[:MAX_AUTHOR],
        "written_at": at.isoformat(),
        "text": text,
    }
    key = f"{notes_prefix(tenant, recording_id)}{name}.esdk"
    blocks = _sealed(archive, tenant, recording_id, key, document)
    facts = {"by": document["author"], "at_seconds": at_seconds, "note": name}
    archive.access_log.record(tenant, recording_id, "noted", facts, at=at)
    archive.store.put(key, blocks)
    if archive.is_erased(tenant, recording_id):
        archive.store.delete(key)
        raise NotStored("this recording was erased in the meantime")
    return _note(name, document)


def change_note(
    archive: Archive,
    tenant: str,
    recording_id: str,
    name: str,
    *,
    text: str,
    author: str,
    now: datetime | None = None,
) -> Note:
    """Give a note of this author another text, on record before it is kept.

    Raises InvalidParameter for no text or too much of it, or a note that was changed too often;
    NotStored for one that is not there; Forbidden for one of somebody else; Tampered; KeyMissing;
    StoreUnavailable.
    """
    text = _checked(text)
    keys = [stat.key for stat in archive.store.list(notes_prefix(tenant, recording_id))]
    key = f"{notes_prefix(tenant, recording_id)}{name}.esdk"
    if key not in keys:
        raise NotStored("there is no such note")
    document = _opened(archive, tenant, recording_id, key)
    before = _note(name, document)
    if before.author != author[:MAX_AUTHOR]:
        raise Forbidden("A note is changed by who wrote it")
    if text == before.text:
        return before
    if len(before.earlier) >= MAX_EARLIER:
        raise InvalidParameter(f"text: this note was changed {MAX_EARLIER} times: write another")
    at = (now or datetime.now(UTC)).astimezone(UTC)
    earlier = [*before.earlier, before.text]
    document |= {"text": text, "earlier": earlier, "changed_at": at.isoformat()}
    blocks = _sealed(archive, tenant, recording_id, key, document)
    facts = {"by": before.author, "at_seconds": before.at_seconds, "note": name}
    archive.access_log.record(tenant, recording_id, "note_changed", facts, at=at)
    archive.store.put(key, blocks, if_absent=False)
    if archive.is_erased(tenant, recording_id):
        archive.store.delete(key)
        raise NotStored("this recording was erased in the meantime")
    return _note(name, document)


def sign_notes(archive: Archive) -> Iterator[Finding]:
    """Sign each note of every recording that an older control key signed with the newest.

    Yields each note signed ("whole") or failed ("bad"). Raises KeyMissing where this process cannot
    open, seal and sign them; StoreUnavailable.
    """
    _ = archive.encryption_keys, _signer(archive)
    for stat in archive.store.list(NOTES):
        tenant, recording_id, *_rest = stat.key.removeprefix(NOTES).split("/")
        try:
            content = _content(archive, tenant, recording_id, stat.key)
            if _signer(archive).is_current(content):
                continue
            document = _signer(archive).verified(KIND, stat.key, content)
            blocks = _sealed(archive, tenant, recording_id, stat.key, document)
            archive.store.put(stat.key, blocks, if_absent=False)
            yield Finding(tenant, recording_id, "whole", stat.size)
        except NotStored:
            continue
        except ArchiveError as error:
            yield Finding(tenant, recording_id, "bad", 0, error.message)


def notes_of(archive: Archive, tenant: str, recording_id: str) -> list[Note]:
    """A recording's notes by their moments; of one that is not genuine `trouble` tells.

    Raises KeyMissing where this process cannot open them, StoreUnavailable.
    """
    stats = archive.store.list(notes_prefix(tenant, recording_id))
    found = [_read(archive, tenant, recording_id, stat) for stat in stats]
    return sorted(
        (note for note in found if note is not None), key=lambda note: (note.at_seconds, note.id)
    )


def reseal_notes(archive: Archive, tenant: str, recording_id: str) -> int:
    """Encrypt anew each note that is not sealed for the present keys; how many there were.

    It is signed with the present key too. Raises Tampered, KeyMissing, StoreUnavailable.
    """
    wanted, count = set(archive.encryption_keys.names), 0
    for stat in list(archive.store.list(notes_prefix(tenant, recording_id))):
        header = fetch_header(fetcher(archive.store, stat), stat.size)
        if {key_name(sealed) for sealed in header.sealed_keys} == wanted:
            continue
        document = _opened(archive, tenant, recording_id, stat.key)
        blocks = _sealed(archive, tenant, recording_id, stat.key, document)
        archive.store.put(stat.key, blocks, if_absent=False)
        count += 1
    return count


def _signer(archive: Archive) -> DocumentSigner:
    if archive.control_signer is None or not archive.control_signer.can_sign:
        raise KeyMissing("this process has no key to sign a note with", remedy="Set CONTROL_KEYS.")
    return archive.control_signer


def _context(tenant: str, recording_id: str) -> dict[str, str]:
    """The encryption context of a note (spec/ciphertext 5)."""
    return {"tenant": tenant, "recording": recording_id, "object": KIND}


def _checked(text: str) -> str:
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        raise InvalidParameter(f"text: 1 to {MAX_TEXT} characters are a note")
    return text


def _sealed(
    archive: Archive, tenant: str, recording_id: str, key: str, document: Mapping[str, Any]
) -> Iterator[bytes]:
    """The note, signed and encrypted for the present keys."""
    signed = _signer(archive).sign(KIND, key, document)
    return iter(encrypt([signed], archive.encryption_keys, _context(tenant, recording_id)))


def _content(archive: Archive, tenant: str, recording_id: str, key: str) -> bytes:
    context = _context(tenant, recording_id)
    return b"".join(decrypt(archive.store.read(key), archive.decryption_keys, context))


def _opened(archive: Archive, tenant: str, recording_id: str, key: str) -> dict[str, Any]:
    content = _content(archive, tenant, recording_id, key)
    return _signer(archive).verified(KIND, key, content)


def _read(archive: Archive, tenant: str, recording_id: str, stat: Stat) -> Note | None:
    """The note of an object; None where it was erased since it was listed."""
    name = stat.key.rpartition("/")[2].removesuffix(".esdk")
    try:
        if stat.size > MAX_OBJECT:
            raise Tampered("the note is longer than any that is written here")
        return _note(name, _opened(archive, tenant, recording_id, stat.key))
    except NotStored:
        return None
    except (Tampered, UnreadableDocument) as error:
        return Note(name, 0.0, "", stat.modified, "", trouble=error.message)


def _note(name: str, document: Mapping[str, Any]) -> Note:
    """Raises UnreadableDocument for a form that this release does not know."""
    stored_documents.check_version(document, KIND, VERSION)
    try:
        changed = document.get("changed_at")
        return Note(
            name,
            float(document["at_seconds"]),
            str(document["author"]),
            datetime.fromisoformat(document["written_at"]),
            str(document["text"]),
            changed_at=datetime.fromisoformat(changed) if changed else None,
            earlier=tuple(map(str, document.get("earlier", ()))),
        )
    except (KeyError, TypeError, ValueError):
        raise UnreadableDocument("the note is of a form that is not known here") from None
