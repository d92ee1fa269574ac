"""Makes the keys and secrets that the settings lack, once, under DATA_DIR/keys.

So a first start needs no configuration, and every later start finds the same keys. This module must
never replace a key that exists: what was sealed with it would be lost.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from addon.archive.key_pairs import new_key_pair, public_pem
from addon.archive.manifest import new_signing_key
from addon.durable_files import make_folders, write_file
from addon.errors import SettingsError
from addon.settings import Settings


def provision(settings: Settings) -> tuple[str, ...]:
    """Make every key and secret that `settings` has no value for; returns the files' names.

    Load the settings again afterwards: they read the files. Raises SettingsError where the folder
    cannot be written.
    """
    keys = KeyFolder(settings.data_dir / "keys")
    try:
        made = [*_secrets(settings, keys), *_archive_pair(settings, keys)]
        return (*made, *_manifest_pair(settings, keys))
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR: the folder {keys.path} for keys cannot be written: {error.strerror}"
        ) from None


class KeyFolder:
    """A folder that its owner alone can read, of files that are written once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, name: str, content: bytes) -> None:
        """Write a file of mode 0600, whole or not at all. Raises FileExistsError."""
        make_folders(self.path)
        self.path.chmod(0o700)
        write_file(self.path / name, [content], replace=False)

    def read(self, name: str) -> bytes | None:
        """A file's content, or None where it was never made."""
        with contextlib.suppress(FileNotFoundError):
            return (self.path / name).read_bytes()
        return None


def _secrets(settings: Settings, keys: KeyFolder) -> Iterator[str]:
    """The random texts. The Twilio credentials are stand-ins that only this machine knows."""
    wanted: list[tuple[str, object, Callable[[], str]]] = [
        ("twilio_account_sid", settings.twilio_account_sid, lambda: "AC" + secrets.token_hex(16)),
        ("twilio_auth_token", settings.twilio_auth_token, lambda: secrets.token_hex(16)),
        ("intake_key", settings.intake_key, _random_key),
        ("catalogue_key", settings.catalogue_key, _random_key),
        ("playback_secret", settings.playback_secrets, lambda: secrets.token_urlsafe(32)),
    ]
    for name, present, make in wanted:
        if not present:
            keys.keep(name, make().encode("ascii"))
            yield name


def _archive_pair(settings: Settings, keys: KeyFolder) -> Iterator[str]:
    if not settings.archive_public_keys and not settings.archive_kms_keys:
        yield from _pair(
            keys,
            ("archive_private_key.pem", "archive_public_key.pem"),
            given=bool(settings.archive_private_keys),
            make=lambda: new_key_pair().private_pem,
        )


def _manifest_pair(settings: Settings, keys: KeyFolder) -> Iterator[str]:
    if not settings.manifest_verify_keys:
        yield from _pair(
            keys,
            ("manifest_signing_key.pem", "manifest_verify_key.pem"),
            given=bool(settings.manifest_signing_key),
            make=new_signing_key,
        )


def _pair(
    keys: KeyFolder, names: tuple[str, str], *, given: bool, make: Callable[[], str]
) -> Iterator[str]:
    """The private key first: a public key without its private half would seal for nobody.

    A start that died between the two is mended from the private file. Where the private key comes
    from the environment (`given`, without a file), its owner decides about the public one.
    """
    private_name, public_name = names
    private_pem = keys.read(private_name)
    if private_pem is None and given:
        return
    if private_pem is None:
        private_pem = make().encode()
        keys.keep(private_name, private_pem)
        yield private_name
    if keys.read(public_name) is None:
        private = serialization.load_pem_private_key(private_pem, password=None)
        keys.keep(public_name, public_pem(private.public_key()).encode())
        yield public_name


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")
