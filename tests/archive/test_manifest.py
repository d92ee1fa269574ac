from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from addon.archive.key_pairs import KeyPair
from addon.archive.manifest import Manifest, Sealed, Signer, Verifiers, new_signing_key
from addon.errors import KeyMissing, SettingsError, Tampered, UnreadableDocument
from tests.archive.recordings import FACTS, RECORDING, TENANT, facts

SEALED = Sealed(300, "aa" * 32, "bb" * 32, "cc" * 32, 200)
MANIFEST = Manifest(
    TENANT, RECORDING, FACTS, SEALED, None, datetime(2026, 11, 21, 0, 1, tzinfo=UTC)
)


def signed(signer: Signer, manifest: Manifest = MANIFEST) -> bytes:
    return signer.sign("manifest", manifest.as_document())


@pytest.mark.parametrize(
    "manifest",
    [
        MANIFEST,
        replace(MANIFEST, analysis=SEALED, audio_before=SEALED, analysis_before=SEALED),
        replace(MANIFEST, audio_before=SEALED, facts_after=facts(redacted=True), generation=2),
        replace(MANIFEST, facts=facts(channels=None, duration_seconds=None, started_at=None)),
        replace(MANIFEST, facts=facts(redaction="incomplete", redaction_reason="A part is lost.")),
        replace(MANIFEST, facts=facts(duration_seconds=0.1 + 0.2, call_sid=None, redacted=True)),
    ],
)
def test_a_manifest_comes_back_as_it_was_signed(signer: Signer, manifest: Manifest) -> None:
    document = Verifiers([signer.public_pem]).verified("manifest", signed(signer, manifest))
    assert Manifest.of_document(document) == manifest


def test_a_manifest_is_json_that_people_can_read(signer: Signer) -> None:
    envelope = json.loads(signed(signer))
    assert envelope["manifest"]["version"] == 1
    assert envelope["manifest"]["facts"]["started_at"] == "2026-11-20T23:59:58+00:00"
    assert envelope["signature"]["key"] == signer.name


def test_a_signature_can_be_verified_by_these_lines_alone(signer: Signer) -> None:
    """What docs/recovery.md says, done with nothing of ours."""
    envelope = json.loads(signed(signer))
    canonical = json.dumps(envelope["manifest"], sort_keys=True, separators=(",", ":"))
    key: Any = serialization.load_pem_public_key(signer.public_pem.encode())
    signature = base64.b64decode(envelope["signature"]["value"])
    key.verify(signature, b"recording-archive manifest\n" + canonical.encode())


def test_every_changed_value_is_refused(signer: Signer) -> None:
    verifiers = Verifiers([signer.public_pem])
    envelope = json.loads(signed(signer))
    for name in envelope["manifest"]:
        changed = json.loads(json.dumps(envelope))
        changed["manifest"][name] = "changed"
        with pytest.raises(Tampered):
            verifiers.verified("manifest", json.dumps(changed).encode())
        del changed["manifest"][name]
        with pytest.raises(Tampered):
            verifiers.verified("manifest", json.dumps(changed).encode())


def test_every_flipped_byte_is_refused_or_without_meaning(signer: Signer) -> None:
    content, verifiers = bytearray(signed(signer)), Verifiers([signer.public_pem])
    document = verifiers.verified("manifest", bytes(content))
    for at in range(len(content)):
        content[at] ^= 1
        with suppress(Tampered, KeyMissing):
            assert verifiers.verified("manifest", bytes(content)) == document
        content[at] ^= 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"manifest": {}}',
        b'{"manifest": {}, "signature": null}',
        b'{"manifest": {}, "signature": {"key": 1, "value": "AA=="}}',
        b'{"manifest": {}, "signature": {"key": "k", "value": "*"}}',
        b'{"manifest": NaN, "signature": {"key": "k", "value": ""}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused(signer: Signer, content: bytes) -> None:
    with pytest.raises((Tampered, KeyMissing)):
        Verifiers([signer.public_pem]).verified("manifest", content)


def test_a_signature_of_one_kind_is_none_of_another(signer: Signer) -> None:
    envelope = json.loads(signed(signer))
    renamed = {"tombstone": envelope["manifest"], "signature": envelope["signature"]}
    with pytest.raises(Tampered):
        Verifiers([signer.public_pem]).verified("tombstone", json.dumps(renamed).encode())


def test_an_unknown_signer_is_named(signer: Signer) -> None:
    other = Signer(new_signing_key())
    with pytest.raises(KeyMissing, match=signer.name) as caught:
        Verifiers([other.public_pem]).verified("manifest", signed(signer))
    assert "MANIFEST_VERIFY_KEYS" in caught.value.remedy


def test_a_signer_who_takes_anothers_name_is_refused(signer: Signer) -> None:
    other = Signer(new_signing_key())
    envelope = json.loads(signed(other))
    envelope["signature"]["key"] = signer.name
    with pytest.raises(Tampered):
        Verifiers([signer.public_pem, other.public_pem]).verified(
            "manifest", json.dumps(envelope).encode()
        )


def test_keys_are_turned_by_believing_two(signer: Signer) -> None:
    newer = Signer(new_signing_key())
    verifiers = Verifiers([signer.public_pem, newer.public_pem])
    for one in (signer, newer):
        assert verifiers.verified("manifest", signed(one))


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"version": "1"}, {"audio": {"size": 1}}, {"facts": []}, {"facts": {}}],
)
def test_a_version_or_shape_that_is_not_known_is_no_tampering(change: dict[str, Any]) -> None:
    with pytest.raises(UnreadableDocument):
        Manifest.of_document(MANIFEST.as_document() | change)


def test_fields_of_a_newer_release_are_verified_and_written_back(signer: Signer) -> None:
    newer = MANIFEST.as_document() | {"more": {"a": [1, 2.5]}}
    newer["facts"] |= {"language": "cy"}
    newer["audio"] |= {"part": 1}
    document = Verifiers([signer.public_pem]).verified("manifest", signer.sign("manifest", newer))
    manifest = Manifest.of_document(document)
    assert (manifest.tenant, manifest.facts.source) == (MANIFEST.tenant, MANIFEST.facts.source)
    assert (manifest.others, manifest.facts.others) == (
        {"more": {"a": [1, 2.5]}},
        {"language": "cy"},
    )
    written = manifest.as_document()
    assert written["more"] == newer["more"] and written["facts"]["language"] == "cy"
    changed = signer.sign("manifest", newer).replace(b'"cy"', b'"en"')
    with pytest.raises(Tampered):
        Verifiers([signer.public_pem]).verified("manifest", changed)


def test_a_manifest_of_before_is_read_and_knows_nothing_of_its_redaction() -> None:
    document = MANIFEST.as_document()
    for name in ("redaction", "redaction_reason"):
        assert document["facts"].pop(name, None) is None, "what is not known is not written"
    read = Manifest.of_document(document)
    assert (read.facts.redaction, read.facts.redaction_reason) == (None, None)
    assert Manifest.of_document(read.as_document()) == read


def test_a_moment_needs_its_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        facts(started_at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_index_day_is_the_recordings_own_where_it_is_known() -> None:
    assert MANIFEST.at == FACTS.started_at
    assert replace(MANIFEST, facts=facts(started_at=None)).at == FACTS.received_at
    elsewhere = facts(started_at=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=9))))
    assert replace(MANIFEST, facts=elsewhere).at.astimezone(UTC).year == 2025


def test_what_is_no_signing_key_is_refused_without_showing_it(pair: KeyPair) -> None:
    for pem in ("", "topsecret", pair.private_pem):
        with pytest.raises(SettingsError, match=r"^MANIFEST_SIGNING_KEY") as caught:
            Signer(pem)
        assert not pem or pem not in str(caught.value)
    for pem in ("", "nonsense", pair.public_pem):
        with pytest.raises(SettingsError, match=r"^MANIFEST_VERIFY_KEYS"):
            Verifiers([pem])


def test_a_manifest_that_stands_has_no_field_that_only_a_replacement_needs() -> None:
    assert "facts_after" not in replace(MANIFEST, generation=3).as_document()
