"""Checks of keys: readers open and verify what workers encrypt and sign, with their own keys."""

from __future__ import annotations

import secrets
import stat
from collections.abc import Iterator

from addon.archive.archive import Archive
from addon.archive.configured import Keys, control_keys, keys_of
from addon.archive.key_pairs import named_public_key, pair_of
from addon.archive.manifest import Signer, Verifiers
from addon.archive.message import decrypt, encrypt
from addon.archive.opening import store_of
from addon.archive.signed_documents import key_name
from addon.archive.store import WEB_PATIENCE
from addon.archive.wrapping import local_name
from addon.checks.finding import Finding, fine, warning, wrong
from addon.errors import KeyMissing, NotStored, SettingsError, StoreUnavailable, Tampered
from addon.setting_roles import kept_files, variables_of
from addon.settings import Settings
from addon.settings_table import ROLES, SettingsTable

CONTEXT = {"object": "flask-check"}
"""The encryption context of what is sealed here: it is never stored."""

KIND = "check"

REMEDY = "Give workers and readers halves of the same keys; `flask archive new-epoch` makes a pair."


def fit(settings: Settings) -> Iterator[Finding]:
    """Seal and sign with a worker's keys, open and verify with a reader's.

    Raises SettingsError, KeyMissing where a worker has none, StoreUnavailable where KMS is away.
    """
    if not settings.intake_key:
        yield wrong(
            "INTAKE_KEY is not set: accepted requests could not be kept",
            "Set 32 random bytes in base64: openssl rand -base64 32.",
        )
    store = store_of(settings, patience=WEB_PATIENCE)
    writer = Archive(store, **keys_of(settings.for_role("worker"), store))
    reader = keys_of(settings.for_role("web"), store)
    yield from _opened(writer, reader)
    yield from _verified(writer.signer, reader["verifiers"], settings)


def holders(settings: Settings) -> Iterator[Finding]:
    """Which process has which secret, and the names of keys that objects carry."""
    lines = [f"{role}: {', '.join(_secrets_of(settings, role)) or 'none'}" for role in ROLES]
    yield fine("who holds which key", *lines, *_names(settings))


def private(settings: Settings) -> Iterator[Finding]:
    """Nobody but its owner reads a key file of DATA_DIR."""
    folder = settings.data_dir / "keys"
    for name in sorted(set(kept_files().values())):
        path = folder / name
        if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield warning(f"{path} can be read by other users", f"chmod 600 {path}")


def _opened(writer: Archive, reader: Keys) -> Iterator[Finding]:
    content = secrets.token_bytes(32)
    try:
        sealed = b"".join(encrypt([content], writer.encryption_keys, CONTEXT))
    except (SettingsError, KeyMissing, StoreUnavailable):
        raise
    except Exception as error:  # the SDK's own errors: a KMS key that refuses
        yield wrong(
            f"nothing can be encrypted to the keys that are set ({type(error).__name__})",
            "Allow kms:GenerateDataKey and kms:Encrypt on ARCHIVE_KMS_KEYS.",
        )
        return
    if not reader["decryption_keys"]:
        yield warning(
            "no key here opens what workers archive: nobody can listen from this environment",
            "Set ARCHIVE_PRIVATE_KEYS, ARCHIVE_KMS_KEYS or ARCHIVE_LOCAL_KEY for the web.",
        )
        return
    try:
        is_open = b"".join(decrypt([sealed], reader["decryption_keys"], CONTEXT)) == content
    except (KeyMissing, Tampered, NotStored) as error:
        yield wrong(f"readers cannot open what workers archive: {error.message}", REMEDY)
        return
    if not is_open:
        yield wrong("readers open something else than workers archived", REMEDY)


def _verified(signer: Signer, verifiers: Verifiers, settings: Settings) -> Iterator[Finding]:
    signed = signer.sign(KIND, CONTEXT)
    try:
        verifiers.verified(KIND, signed)
        Verifiers(settings.manifest_verify_keys).verified(KIND, signed)
    except (KeyMissing, Tampered):
        yield wrong(
            f"MANIFEST_VERIFY_KEYS lacks the public half of MANIFEST_SIGNING_KEY ({signer.name}): "
            "readers would refuse what workers archive from now on",
            "Add it: openssl pkey -in signing.pem -pubout.",
        )


def _secrets_of(settings: Settings, role: str) -> list[str]:
    given = settings.for_role(role)  # type: ignore[arg-type]
    return [
        name.upper()
        for name, field in SettingsTable.model_fields.items()
        if not field.repr and name.upper() in variables_of(role) and getattr(given, name)  # type: ignore[arg-type]
    ]


def _names(settings: Settings) -> Iterator[str]:
    public = [named_public_key(pem) for pem in settings.archive_public_keys]
    private = [pair_of(pem).name for pem in settings.archive_private_keys]
    if settings.archive_local_key:
        private.append(local_name(settings.archive_local_key))
    yield f"recordings are encrypted to {_list(public, settings.archive_kms_keys)}"
    yield f"opened here by {_list(private, settings.archive_kms_keys)}"
    if unopened := [name for name in public if name not in private]:
        yield f"without their private half here, offline or in an epoch: {', '.join(unopened)}"
    if settings.manifest_signing_key:
        yield f"manifests are signed by {Signer(settings.manifest_signing_key).name}"
    control = map(key_name, control_keys(settings))
    yield f"outcomes and the access log are signed by {_list(control)}"


def _list(*names: object) -> str:
    found = [str(one) for each in names for one in each]  # type: ignore[attr-defined]
    return ", ".join(found) or "nothing"
