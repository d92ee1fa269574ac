"""Types of settings: each makes a checked value of the text of an environment variable.

A text that cannot be understood raises ValueError; nothing is guessed. The message continues the
variable's name ("must be on or off") and never repeats the text, because many are secrets. A value
that is no text any more, as a test may hand in, passes unparsed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator

HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")

FLAGS = {"1": True, "true": True, "yes": True, "on": True}
FLAGS |= {"0": False, "false": False, "no": False, "off": False}


def from_text(parse: Callable[[str], Any]) -> BeforeValidator:
    """`parse` as pydantic takes it: for texts alone."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def flag(text: str) -> bool:
    """on or off, in any of the usual spellings."""
    if text.lower() not in FLAGS:
        raise ValueError("must be on or off")
    return FLAGS[text.lower()]


def flag_or(*others: str) -> Callable[[str], str]:
    """on or off in any of the usual spellings, or one of `others`."""

    def parse(text: str) -> str:
        if text.lower() in others:
            return text.lower()
        if text.lower() not in FLAGS:
            raise ValueError(f"must be on, off or {' or '.join(others)}")
        return "on" if FLAGS[text.lower()] else "off"

    return parse


NUMBER_KINDS = ("spoken_number", "card_number", "phone_number", "social_security_number", "iban")
"""Kinds of spoken numbers. "spoken_number" is every other one, and in the setting all of them."""

SPOKEN_KINDS = (
    *NUMBER_KINDS,
    "security_code",
    "expiry_date",
    "date_of_birth",
    "email_address",
)
"""Kinds of spoken details that can be muted, as the analysis calls them."""

AUTO = ("auto",)
"""All kinds where there is a transcriber, and none asked for where there is not."""


CALL_FACTS = (
    "from",
    "to",
    "direction",
    "agent",
    "queue",
    "outcome",
    "task_sid",
    "started_at",
    "duration_seconds",
)
"""Facts of a call that can be kept, as the stored analysis calls them."""


def some_of(names: tuple[str, ...], others: str = "") -> Callable[[str], tuple[str, ...]]:
    """on for all of `names`, off for none, or some of them with commas between.

    `others` is what a caller takes besides, for the error.
    """

    def parse(text: str) -> tuple[str, ...]:
        if text.lower() in FLAGS:
            return names if FLAGS[text.lower()] else ()
        found = listing(text)
        if not found or not set(found) <= set(names):
            raise ValueError(f"must be {others}on, off, or some of {', '.join(names)}")
        return found

    return parse


def spoken_kinds(text: str) -> tuple[str, ...]:
    """auto, on, off, or the kinds that are muted, with commas between.

    Where some kinds of numbers are, those that have no name go too: they may be of these.
    """
    if text.lower() == "auto":
        return AUTO
    kinds = some_of(SPOKEN_KINDS, "auto, ")(text)
    if "spoken_number" in kinds:
        return tuple(dict.fromkeys((*kinds, *NUMBER_KINDS)))
    return ("spoken_number", *kinds) if set(kinds) & set(NUMBER_KINDS) else kinds


def whole(least: int) -> BeforeValidator:
    """A whole number of at least `least`."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise ValueError(f"must be a whole number of at least {least}")
        return int(text)

    return from_text(parse)


def url(text: str) -> str:
    """An absolute http or https URL without query or fragment; a final slash is dropped."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be an absolute http or https URL, without a query")
    return text.rstrip("/")


def listing(text: str) -> tuple[str, ...]:
    """Comma-separated texts."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def pairs(text: str, bare: str | None = None) -> dict[str, str]:
    """Comma-separated `key=value`; one without `=` counts under `bare`, where given."""
    found: dict[str, str] = {}
    for entry in listing(text):
        key, equals, value = entry.partition("=")
        if not equals and bare is not None:
            if bare in found:
                raise ValueError("must have no more than one value without a key")
            key, value = bare, entry
        elif not equals or not key or not value:
            raise ValueError("must be written as key=value, separated by commas")
        found[key.strip()] = value.strip()
    return found


def days_by_install(text: str) -> dict[str, int | None]:
    """Days for everybody under "", and others by install; None for `never`."""
    found: dict[str, int | None] = {}
    for install, days in pairs(text, bare="").items():
        if days == "never":
            found[install] = None
        elif days.isascii() and days.isdigit() and int(days):
            found[install] = int(days)
        else:
            raise ValueError("must be days, at least 1, or never; of an install as XD…=30")
    return found


def pairs_or(default: str) -> Callable[[str], dict[str, str]]:
    """As `pairs` with `bare=""`, and `default` under "" where nothing is said for everybody."""
    return lambda text: {"": default} | pairs(text, bare="")


def key32(text: str) -> bytes:
    """A 256-bit key in base64, or in the hexadecimal that Heroku generates; b"" for none."""
    if not text:
        return b""
    if HEX_KEY.fullmatch(text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError("must be 32 bytes in base64")
    return key


def keys32(text: str) -> tuple[bytes, ...]:
    """256-bit keys with commas between, each as `key32` reads it."""
    return tuple(key32(part) for part in listing(text))


def moment(text: str) -> datetime:
    """A time in ISO 8601 with its zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError("must be a time as 2026-12-01T00:00:00Z")
    return found


def pems(text: str) -> tuple[str, ...]:
    """PEM texts one after the other (`\\n` allowed), or paths with commas between."""
    if "-----BEGIN" in text:
        return split_pems(text.replace("\\n", "\n"))
    return tuple(pem for path in listing(text) for pem in _pem_file(path))


def pem(text: str) -> str:
    """A single PEM text, or the path of one."""
    found = pems(text)
    if len(found) != 1:
        raise ValueError("must be a single key")
    return found[0]


def pem_pairs(text: str) -> dict[str, str]:
    """Comma-separated `key=path`, each path read: the PEM texts of a key as one."""
    return {key: "".join(_pem_file(path)) for key, path in pairs(text).items()}


def split_pems(text: str) -> tuple[str, ...]:
    """The PEM blocks of a text, each with a final newline."""
    blocks = text.split("-----BEGIN ")[1:]
    return tuple(f"-----BEGIN {block.strip()}\n" for block in blocks)


def _pem_file(path: str) -> tuple[str, ...]:
    """The PEM blocks of a file. Its path is never repeated: it may be a key without its header."""
    try:
        found = split_pems(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise ValueError("must be PEM, or name PEM files: one of them cannot be read") from None
    if not found:
        raise ValueError("must be PEM, or name PEM files: one of them holds no PEM")
    return found


Flag = Annotated[bool, from_text(flag)]
Days = Annotated[int, whole(least=1)]
DaysByInstall = Annotated[Mapping[str, int | None], from_text(days_by_install)]
Url = Annotated[str, from_text(url)]
Listing = Annotated[tuple[str, ...], from_text(listing)]
Pairs = Annotated[Mapping[str, str], from_text(pairs)]
ByInstall = Annotated[Mapping[str, str], from_text(partial(pairs, bare=""))]
"""A value for everybody under "", and others by install or integration."""

RuleFiles = Annotated[Mapping[str, str], from_text(pairs_or("starter"))]
Styles = Annotated[Mapping[str, str], from_text(pairs_or("json"))]
Key32 = Annotated[bytes, from_text(key32)]
Keys32 = Annotated[tuple[bytes, ...], from_text(keys32)]
Moment = Annotated[datetime, from_text(moment)]
Pem = Annotated[str, from_text(pem)]
Pems = Annotated[tuple[str, ...], from_text(pems)]
PemPairs = Annotated[Mapping[str, str], from_text(pem_pairs)]
Redaction = Annotated[Literal["on", "off", "required"], from_text(flag_or("required"))]
SpokenKinds = Annotated[tuple[str, ...], from_text(spoken_kinds)]
CallFacts = Annotated[tuple[str, ...], from_text(some_of(CALL_FACTS))]
