"""Typed, loud parsing of environment variables, used by `settings.py` and nothing else.

A value that cannot be understood raises SettingsError with the variable's name; nothing is guessed.
Error texts never repeat a value, because many of these are secrets.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from addon.errors import SettingsError

Choice = TypeVar("Choice", bound=str)

HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")

FLAGS = {"1": True, "true": True, "yes": True, "on": True}
FLAGS |= {"0": False, "false": False, "no": False, "off": False}


class Environment:
    """The variables, and the folder of kept keys. An empty value counts as unset."""

    def __init__(self, variables: Mapping[str, str], keys: Path | None = None) -> None:
        self._variables = variables
        self._keys = keys

    def keys_under(self, folder: Path) -> Environment:
        """The same variables, with kept keys in `folder`."""
        return Environment(self._variables, folder)

    def optional(self, name: str) -> str | None:
        """The text of a variable, or None where it is unset or blank."""
        return self._variables.get(name, "").strip() or None

    def text(self, name: str, default: str) -> str:
        """The text of a variable."""
        return self.optional(name) or default

    def integer(self, name: str, default: int, *, least: int) -> int:
        """A whole number of at least `least`."""
        text = self.optional(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise SettingsError(f"{name} must be a whole number of at least {least}")
        return int(text)

    def days(self, name: str) -> int | None:
        """A number of days of at least 1, or None where unset."""
        return None if self.optional(name) is None else self.integer(name, 0, least=1)

    def flag(self, name: str, *, default: bool) -> bool:
        """on or off, in any of the usual spellings."""
        text = self.optional(name)
        if text is None:
            return default
        if text.lower() not in FLAGS:
            raise SettingsError(f"{name} must be on or off")
        return FLAGS[text.lower()]

    def flag_or(self, name: str, third: Choice) -> Literal["on", "off"] | Choice:
        """on, the default, or off in any of the usual spellings, or the third value."""
        if (self.optional(name) or "").lower() == third:
            return third
        try:
            return "on" if self.flag(name, default=True) else "off"
        except SettingsError:
            raise SettingsError(f"{name} must be on, off or {third}") from None

    def choice(self, name: str, values: tuple[Choice, ...]) -> Choice:
        """One of `values`; the first is the default."""
        text = self.text(name, values[0])
        if text not in values:
            raise SettingsError(f"{name} must be one of: {', '.join(values)}")
        return text

    def url(self, name: str) -> str | None:
        """An absolute http or https URL without query or fragment; a final slash is dropped."""
        text = self.optional(name)
        if text is None:
            return None
        try:
            parts = urlsplit(text)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            valid = False
        if not valid or parts.query or parts.fragment or "@" in parts.netloc:
            raise SettingsError(f"{name} must be an absolute http or https URL, without a query")
        return text.rstrip("/")

    def listing(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Comma-separated texts."""
        text = self.optional(name)
        if text is None:
            return default
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def pairs(self, name: str, bare: str | None = None) -> dict[str, str]:
        """Comma-separated `key=value`; one without `=` counts under `bare`, where given."""
        pairs: dict[str, str] = {}
        for entry in self.listing(name):
            key, equals, value = entry.partition("=")
            if not equals and bare is not None:
                key, value = bare, entry
            elif not equals or not key or not value:
                raise SettingsError(f"{name} must be written as key=value, separated by commas")
            pairs[key.strip()] = value.strip()
        return pairs

    def pem_pairs(self, name: str) -> dict[str, str]:
        """Comma-separated `key=path`, each path read: one PEM text a key."""
        return {key: "".join(self._pem_file(name, path)) for key, path in self.pairs(name).items()}

    def secret(self, name: str) -> str | None:
        """A secret from its variable, else from the kept file of the same name in lower case."""
        return self.optional(name) or self._kept(name.lower())

    def secrets(self, name: str, kept: str) -> tuple[str, ...]:
        """Comma-separated secrets, newest first, else the one in the kept file."""
        own = self._kept(kept)
        return self.listing(name) or ((own,) if own else ())

    def key32(self, name: str, kept: str | None = None) -> bytes | None:
        """A 256-bit key in base64, or in the hexadecimal that Heroku generates; None without."""
        text = self.optional(name) or (self._kept(kept) if kept else None)
        if text is None:
            return None
        if HEX_KEY.fullmatch(text):
            return bytes.fromhex(text)
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            raise SettingsError(f"{name} must be 32 bytes in base64")
        return key

    def pem(self, name: str, kept: str) -> str | None:
        """One PEM text, or None."""
        found = self.pems(name, kept)
        if len(found) > 1:
            raise SettingsError(f"{name} must be a single key")
        return found[0] if found else None

    def pems(self, name: str, kept: str) -> tuple[str, ...]:
        """PEM texts one after the other (`\\n` allowed), or paths with commas between."""
        text = self.optional(name)
        if text is None:
            own = self._kept(kept)
            return split_pems(own) if own else ()
        if "-----BEGIN" in text:
            return split_pems(text.replace("\\n", "\n"))
        return tuple(pem for path in self.listing(name) for pem in self._pem_file(name, path))

    def _pem_file(self, name: str, path: str) -> tuple[str, ...]:
        try:
            pems = split_pems(Path(path).read_text(encoding="ascii"))
        except (OSError, ValueError):
            raise SettingsError(f"{name} names the file {path}, which cannot be read") from None
        if not pems:
            raise SettingsError(f"{name} names the file {path}, which holds no PEM")
        return pems

    def _kept(self, file_name: str) -> str | None:
        if self._keys is None:
            return None
        try:
            return (self._keys / file_name).read_text(encoding="ascii").strip() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(
                f"DATA_DIR has a key file {file_name} that cannot be read: {error.strerror}"
            ) from None


def split_pems(text: str) -> tuple[str, ...]:
    """The PEM blocks of a text, each with a final newline."""
    blocks = text.split("-----BEGIN ")[1:]
    return tuple(f"-----BEGIN {block.strip()}\n" for block in blocks)
