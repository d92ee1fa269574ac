"""From settings to keys: which halves of which keys this process holds.

A worker's settings have no private keys and a reader's no signing key; what is missing here is
missed only by the call that needs it.
"""

from __future__ import annotations

from typing import TypedDict

from addon.archive.epochs import Epochs
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Signer, Verifiers
from addon.archive.signed_documents import DocumentSigner, derived_key
from addon.archive.store import Store
from addon.settings import Settings


class Keys(TypedDict):
    """As Archive takes them."""

    encryption_keys: EncryptionKeys | None
    signer: Signer | None
    verifiers: Verifiers
    decryption_keys: DecryptionKeys
    control_signer: DocumentSigner


def keys_of(settings: Settings, store: Store) -> Keys:
    """Everything the settings name. Raises SettingsError where a key is none."""
    signing_key = settings.manifest_signing_key
    signer = Signer(signing_key) if signing_key else None
    own = (signer.public_pem,) if signer else ()
    key_encryption_keys = master_decryption_keys(settings)
    return {
        "encryption_keys": encryption_keys_of(settings),
        "signer": signer,
        "verifiers": Verifiers((*settings.manifest_verify_keys, *own)),
        "decryption_keys": key_encryption_keys
        + DecryptionKeys(find=Epochs(store).finder(key_encryption_keys)),
        "control_signer": control_signer(settings),
    }


def encryption_keys_of(settings: Settings) -> EncryptionKeys | None:
    """The encryption keys that the settings name: public keys and KMS keys; None for none."""
    if not settings.archive_public_keys and not settings.archive_kms_keys:
        return None
    return EncryptionKeys.of_public_keys(settings.archive_public_keys, settings.archive_kms_keys)


def master_decryption_keys(settings: Settings) -> DecryptionKeys:
    """The keys at hand: private keys, KMS keys and the local key."""
    decryption_keys = DecryptionKeys.of_private_keys(
        settings.archive_private_keys, settings.archive_kms_keys
    )
    if settings.archive_local_key:
        decryption_keys += DecryptionKeys.local(settings.archive_local_key)
    return decryption_keys


def control_signer(settings: Settings) -> DocumentSigner:
    """The signer of what web and workers both write: outcomes and events of the access log.

    The keys that follow from INTAKE_KEY are the last: what they signed stays good where
    CONTROL_KEYS is set later.
    """
    return DocumentSigner(control_keys(settings), unsigned_until=settings.unsigned_controls_until)


def control_keys(settings: Settings) -> tuple[bytes, ...]:
    """The keys of `control_signer`, newest first."""
    derived = (derived_key(key, "control objects") for key in settings.intake_key)
    return (*settings.control_keys, *derived)


def token_signer(settings: Settings) -> DocumentSigner:
    """The signer of API tokens, with keys that follow from PLAYBACK_SECRETS: workers hold none.

    A token opens what a playback link opens, so the same secrets vouch for both.
    """
    keys = [derived_key(one.encode(), "API tokens") for one in settings.playback_secrets]
    return DocumentSigner(keys, unsigned_until=settings.unsigned_controls_until)
