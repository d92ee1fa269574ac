"""Notes: signed, encrypted, on record, within their limits, and gone with their recording."""

from __future__ import annotations

import pytest

from addon.archive import notes
from addon.archive.archive import Archive
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.notes import add_note, change_note, notes_of, reseal_notes, sign_notes
from addon.archive.reader import fetch_header
from addon.archive.reencryption import reencrypt_all
from addon.archive.sealing import fetcher
from addon.archive.signed_documents import DocumentSigner
from addon.archive.wrapping import key_name
from addon.errors import Forbidden, InvalidParameter, KeyMissing, NotStored
from tests.archive.recordings import RECORDING, TENANT, archived

SECRET = "He asked for a <b>refund</b> of 1200."
PREFIX = f"notes/{TENANT}/{RECORDING}/"


@pytest.fixture
def archive(directory, encryption_keys, signer, decryption_keys) -> Archive:
    made = Archive(
        directory,
        encryption_keys=encryption_keys,
        signer=signer,
        decryption_keys=decryption_keys,
        control_signer=DocumentSigner([b"c" * 32]),
    )
    archived(made, b"audio", duration_seconds=60.0)
    return made


def write(archive: Archive, at_seconds: float = 12.5, text: str = SECRET) -> notes.Note:
    return add_note(
        archive, TENANT, RECORDING, at_seconds=at_seconds, text=text, author="Ada Example"
    )


def stored(archive: Archive) -> list[str]:
    return [stat.key for stat in archive.store.list(PREFIX)]


def test_a_note_is_read_as_it_was_written_in_the_order_of_moments(archive):
    later, earlier = write(archive, 40), write(archive, 12.5)
    assert notes_of(archive, TENANT, RECORDING) == [earlier, later]
    assert (earlier.text, earlier.author, earlier.at_seconds) == (SECRET, "Ada Example", 12.5)
    assert earlier.written_at.tzinfo is not None


def test_nothing_of_its_text_is_in_the_store_and_the_log_says_who_wrote_it(archive):
    written = write(archive)
    everything = b"".join(archive.store.get(stat.key) for stat in archive.store.list())
    assert b"refund" not in everything
    (event,) = archive.access_log.events(TENANT, RECORDING)
    assert (event["event"], event["by"], event["at_seconds"]) == ("noted", "Ada Example", 12.5)
    assert event["note"] == written.id


@pytest.mark.parametrize("text", ["", "  \n ", "x" * (notes.MAX_TEXT + 1)])
def test_no_text_and_too_much_of_it_is_refused(archive, text):
    with pytest.raises(InvalidParameter):
        write(archive, text=text)
    assert stored(archive) == []


def test_there_is_a_most_of_notes(archive, monkeypatch):
    monkeypatch.setattr(notes, "MAX_NOTES", 2)
    write(archive), write(archive)
    with pytest.raises(InvalidParameter, match="the most"):
        write(archive)


def test_a_moment_behind_the_end_is_the_end(archive):
    assert write(archive, 1e6).at_seconds == 60.0
    assert write(archive, -1).at_seconds == 0.0


def test_a_note_goes_when_its_recording_is_erased(archive):
    write(archive)
    archive.erase(TENANT, RECORDING, by="Ada", reason="asked")
    assert stored(archive) == []
    with pytest.raises(NotStored):
        write(archive)


def test_a_note_that_is_written_while_its_recording_is_erased_does_not_stay(archive, monkeypatch):
    put = archive.store.put

    def erased_before(key, blocks, **options):
        if key.startswith(PREFIX):
            archive.erase(TENANT, RECORDING, by="Ada", reason="asked")
        return put(key, blocks, **options)

    monkeypatch.setattr(archive.store, "put", erased_before)
    with pytest.raises(NotStored, match="meantime"):
        write(archive)
    assert stored(archive) == []


def test_a_planted_moved_or_changed_note_is_not_believed(archive):
    write(archive)
    (key,) = stored(archive)
    content = archive.store.get(key)
    archive.store.put(PREFIX + "20261126T000000.000000Z-00000000.esdk", [content])
    archive.store.put(PREFIX + "planted.esdk", [b"x"])
    archive.store.put(PREFIX + "long.esdk", [b"x" * (notes.MAX_OBJECT + 1)])
    found = notes_of(archive, TENANT, RECORDING)
    assert [note.text for note in found if note.trouble is None] == [SECRET]
    assert len([note for note in found if note.trouble]) == 3


def test_a_note_of_a_newer_release_is_told_and_not_misread(archive):
    key = PREFIX + "20261126T000000.000000Z-00000001.esdk"
    signed = archive.control_signer.sign("note", key, {"version": 2, "text": {"new": 1}})
    context = {"tenant": TENANT, "recording": RECORDING, "object": "note"}
    archive.store.put(key, notes.encrypt([signed], archive.encryption_keys, context))
    (note,) = notes_of(archive, TENANT, RECORDING)
    assert "version" in str(note.trouble) and note.text == ""


def test_without_a_key_no_note_is_written_or_read(archive, directory, signer):
    write(archive)
    blind = Archive(directory, signer=signer, control_signer=DocumentSigner([b"c" * 32]))
    with pytest.raises(KeyMissing):
        add_note(blind, TENANT, RECORDING, at_seconds=0, text="x", author="x")
    with pytest.raises(KeyMissing):
        notes_of(blind, TENANT, RECORDING)


def test_a_new_epoch_seals_notes_anew_too(archive, other_pair, decryption_keys):
    write(archive)
    archive._encryption_keys = EncryptionKeys.of_public_keys([other_pair.public_pem])
    archive.decryption_keys = decryption_keys + DecryptionKeys.of_private_keys(
        [other_pair.private_pem]
    )
    assert [finding.state for finding in reencrypt_all(archive, by="Ada")] == ["whole"]
    (stat,) = archive.store.list(PREFIX)
    header = fetch_header(fetcher(archive.store, stat), stat.size)
    assert {key_name(sealed) for sealed in header.sealed_keys} == set(archive.encryption_keys.names)
    assert notes_of(archive, TENANT, RECORDING)[0].text == SECRET
    assert reseal_notes(archive, TENANT, RECORDING) == 0


def change(archive: Archive, name: str, text: str = "Another.", author: str = "Ada Example"):
    return change_note(archive, TENANT, RECORDING, name, text=text, author=author)


def test_its_author_gives_a_note_another_text_and_the_earlier_one_is_kept_encrypted(archive):
    written = write(archive)
    changed = change(archive, written.id)
    assert notes_of(archive, TENANT, RECORDING) == [changed]
    assert (changed.text, changed.earlier) == ("Another.", (SECRET,))
    assert changed.changed_at is not None and changed.written_at == written.written_at
    everything = b"".join(archive.store.get(stat.key) for stat in archive.store.list())
    assert b"refund" not in everything and b"Another" not in everything
    events = list(archive.access_log.events(TENANT, RECORDING))
    assert [one["event"] for one in events] == ["noted", "note_changed"]
    assert (events[1]["by"], events[1]["note"]) == ("Ada Example", written.id)
    assert change(archive, written.id) == changed, "the same text again changes nothing"


def test_nobody_else_changes_a_note_and_none_that_is_not_there(archive):
    written = write(archive)
    with pytest.raises(Forbidden):
        change(archive, written.id, author="Eve Example")
    with pytest.raises(NotStored):
        change(archive, "20260101T000000.000000Z-00000000")
    with pytest.raises(InvalidParameter):
        change(archive, written.id, text=" ")
    assert notes_of(archive, TENANT, RECORDING) == [written]


def test_a_new_control_key_signs_the_notes_of_an_older_one(archive):
    written = write(archive)
    archive.control_signer = DocumentSigner([b"d" * 32, b"c" * 32])
    assert [one.state for one in sign_notes(archive)] == ["whole"]
    assert list(sign_notes(archive)) == [], "what is signed with the newest needs no work"
    archive.control_signer = DocumentSigner([b"d" * 32])
    assert notes_of(archive, TENANT, RECORDING) == [written]


def test_what_no_known_key_signed_is_not_signed_anew(archive):
    write(archive)
    archive.control_signer = DocumentSigner([b"d" * 32])
    (found,) = sign_notes(archive)
    assert found.state == "bad"
