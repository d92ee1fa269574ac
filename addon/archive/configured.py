"""From settings to keys: which halves of which keys this process holds.

A worker's settings have no private keys and a reader's no signing key; what is missing here is
missed only by the call that needs it.
"""

from __future__ import annotations

from typing import TypedDict

from addon.archive.epochs import Epochs
from addon.archive.keys import Openers, Recipients
from addon.archive.manifest import Signer, Verifiers
from addon.archive.store import Store
from addon.settings import Settings


class Keys(TypedDict):
    """As Archive takes them."""

    recipients: Recipients | None
    signer: Signer | None
    verifiers: Verifiers
    openers: Openers


def keys_of(settings: Settings, store: Store) -> Keys:
    """Everything the settings name. Raises SettingsError where a key is none."""
    signing_key = settings.manifest_signing_key
    signer = Signer(signing_key) if signing_key else None
    own = (signer.public_pem,) if signer else ()
    masters = master_openers(settings)
    return {
        "recipients": recipients_of(settings),
        "signer": signer,
        "verifiers": Verifiers((*settings.manifest_verify_keys, *own)),
        "openers": masters + Openers(find=Epochs(store).finder(masters)),
    }


def recipients_of(settings: Settings) -> Recipients | None:
    """Whom the settings say to seal for: public keys and KMS keys."""
    if not settings.archive_public_keys and not settings.archive_kms_keys:
        return None
    return Recipients.of_public_keys(settings.archive_public_keys, settings.archive_kms_keys)


def master_openers(settings: Settings) -> Openers:
    """The keys at hand: private keys, KMS keys and the local key."""
    openers = Openers.of_private_keys(settings.archive_private_keys, settings.archive_kms_keys)
    if settings.archive_local_key:
        openers += Openers.local(settings.archive_local_key)
    return openers
