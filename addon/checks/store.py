"""Checks of the store: everything that recordings rest on, tried under a prefix of the check's own.

An object is written, read back, listed over more than one page, created a second time, read in part
and deleted. What an earlier check left behind is removed.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSLError,
)

from addon.archive.directory import DirectoryStore
from addon.archive.opening import store_of
from addon.archive.prefixes import PROBES
from addon.archive.s3 import S3Store
from addon.archive.store import Patience, Store
from addon.checks.finding import Finding, warning, wrong
from addon.errors import AddonError, AlreadyStored, NotStored, Unavailable
from addon.settings import Settings

PATIENCE = Patience(connect_s=3.0, read_s=10.0, attempts=2)
"""A person or a release waits for the answer, and a slow bucket is no broken one."""

PAGE = 2
"""Objects a page of the listing, so that a few objects are more than one page."""

OBJECTS = 5

LEFT_AFTER = timedelta(hours=1)
"""An object of a check that is older was left by one that was killed."""

_SERVER = "Use another server: this one does not speak S3's protocol as the archive needs it."

CODES: dict[str, str] = {
    "NoSuchBucket": "Make the bucket, or correct ARCHIVE_URL.",
    "AccessDenied": "Allow s3:GetObject, PutObject, DeleteObject, ListBucket and "
    "AbortMultipartUpload on the bucket and its objects.",
    "403": "Allow s3:GetObject and ListBucket on the bucket and its objects.",
    "InvalidAccessKeyId": "Correct AWS_ACCESS_KEY_ID: the store knows no such key.",
    "SignatureDoesNotMatch": "Correct AWS_SECRET_ACCESS_KEY.",
    "ExpiredToken": "Renew AWS_SESSION_TOKEN, or give the machine a role.",
    "RequestTimeTooSkewed": "Set this machine's clock by NTP.",
    "PermanentRedirect": "Set AWS_DEFAULT_REGION to the bucket's region.",
    "AuthorizationHeaderMalformed": "Set AWS_DEFAULT_REGION to the bucket's region.",
    "IllegalLocationConstraintException": "Set AWS_DEFAULT_REGION to the bucket's region.",
    "XMinioStorageFull": "Free space at the store: its disk is full.",
    "QuotaExceeded": "Raise the store's quota, or erase recordings.",
    "SlowDown": "Nothing is wrong here: the store is busy. Try again.",
}
"""What to do about an error of S3 or of a server that speaks its protocol."""

NUMBERS: dict[int, str] = {
    errno.ENOSPC: "Free space there (ENOSPC), or mount a larger disk.",
    errno.EDQUOT: "Raise the quota of this user there (EDQUOT).",
    errno.EROFS: "Mount it for writing (EROFS).",
    errno.EACCES: "Let this user write there (EACCES): chown the folder to it.",
    errno.EPERM: "Let this user write there (EPERM): chown the folder to it.",
    errno.EFBIG: "Raise this process's limit of file sizes (EFBIG, ulimit -f).",
    errno.EIO: "Look at the disk: it fails (EIO).",
    errno.ENOTDIR: "A file lies where a folder must be (ENOTDIR): correct ARCHIVE_URL.",
}
"""What to do about an error of the file system."""


def works(settings: Settings) -> Iterator[Finding]:
    """The store keeps what it is given, and creates nothing twice.

    As root in the directory of another user nothing is tried: the service could not read what that
    leaves behind.
    """
    store = store_of(settings, patience=PATIENCE)
    if isinstance(store, DirectoryStore) and (owner := _other_owner(store.root)):
        yield warning(
            f"nothing was tried: this runs as root, and the archive's directory is of user {owner}",
            f"Run it as that user: sudo -u '#{owner}' .venv/bin/flask check",
        )
        return
    if isinstance(store, S3Store):
        store.list_size = PAGE
    prefix = f"{PROBES}check-{secrets.token_hex(8)}/"
    try:
        yield from _tried(store, prefix)
    except AddonError as error:
        yield explained(error, settings)
    finally:
        _clean(store, prefix)


def explained(error: AddonError, settings: Settings) -> Finding:
    """A finding for an error of the store, with a remedy that is true at a prompt."""
    reasons = (error.__cause__, error.__context__)
    cause = next(
        (one for one in reasons if isinstance(one, OSError | BotoCoreError | ClientError)), None
    )
    own = error.remedy if error.remedy != Unavailable.remedy else None
    remedy = _remedy(cause) or own or "Look at ARCHIVE_URL and at the store's own log."
    return wrong(error.message, remedy, f"ARCHIVE_URL is {settings.archive_url}")


def retains(settings: Settings) -> Iterator[Finding]:
    """A bucket has Object Lock where recordings are to be locked, and a lock ends by then."""
    days = settings.archive_lock_days
    if days is None:
        return
    if not store_of(settings, patience=PATIENCE).can_retain():
        yield wrong(
            "ARCHIVE_LOCK_DAYS is set, but the bucket was not made with Object Lock",
            "Make a bucket with it and copy the archive, or unset ARCHIVE_LOCK_DAYS.",
        )
    least = min(filter(None, settings.retention_days.values()), default=None)
    if least is not None and least < days:
        yield warning(
            f"RETENTION_DAYS is {least} and ARCHIVE_LOCK_DAYS {days}: nothing is "
            "erased before the lock ends",
            "Make the lock no longer than the retention.",
        )


def outlives(settings: Settings) -> Iterator[Finding]:
    """Archive, keys and queue lie where they outlive this process's machine or container."""
    if settings.dyno is None:
        return
    if settings.archive_url.startswith("file:"):
        yield wrong(
            "ARCHIVE_URL is a directory on a dyno's own disk, which is lost at each restart",
            "Set ARCHIVE_URL to s3://bucket/prefix.",
        )
    if settings.redis_embedded:
        yield wrong(
            "REDIS_URL is not set: dynos do not share a server of our own",
            "Add a Redis plan that persists, and set REDIS_URL.",
        )
    if settings.catalogue_key and settings.database_url is None:
        yield warning(
            "DATABASE_URL is not set: each dyno makes a catalogue of its own, and loses it",
            "Add a Postgres, or unset CATALOGUE_KEY.",
        )


def _tried(store: Store, prefix: str) -> Iterator[Finding]:
    keys = [f"{prefix}{number}" for number in range(OBJECTS)]
    content = os.urandom(4096)
    for key in keys:
        store.put(key, [content])
    yield from _read_back(store, keys[0], content)
    yield from _listed(store, prefix, keys)
    yield from _created_twice(store, keys[0], content)
    yield from _replaced(store, keys[1])
    store.delete(keys[0])
    if store.stat(keys[0]) is not None:
        yield wrong("the store has an object that was deleted", _SERVER)
    try:
        store.get(f"{prefix}never")
        yield wrong("the store gives an object that nobody wrote", _SERVER)
    except NotStored:
        pass


def _read_back(store: Store, key: str, content: bytes) -> Iterator[Finding]:
    if store.get(key) != content:
        yield wrong("the store gives back other bytes than it was given", _SERVER)
    if b"".join(store.read(key, 1000, 100)) != content[1000:1100]:
        yield wrong("the store gives other bytes than the range that it was asked for", _SERVER)
    if b"".join(store.read(key, len(content) - 10)) != content[-10:]:
        yield wrong("the store reads no object from a place to its end", _SERVER)


def _listed(store: Store, prefix: str, keys: list[str]) -> Iterator[Finding]:
    listed = [stat.key for stat in store.list(prefix)]
    if listed != keys:
        yield wrong("the store lists other objects than were written, or not in order", _SERVER)
    elif [stat.key for stat in store.list(prefix, after=keys[2])] != keys[3:]:
        yield wrong("the store does not list from a key on (start-after)", _SERVER)


def _created_twice(store: Store, key: str, content: bytes) -> Iterator[Finding]:
    try:
        store.put(key, [b"another"])
    except AlreadyStored:
        if store.get(key) == content:
            return
    yield wrong(
        "the store overwrites an object that must not be there yet (If-None-Match): two deliveries "
        "of one request would become two jobs",
        "Use a server with conditional writes, as S3 or MinIO of 2024 and later.",
    )


def _replaced(store: Store, key: str) -> Iterator[Finding]:
    before = store.stat(key)
    after = store.put(key, [b"another"], if_absent=False)
    if store.get(key) != b"another" or (before is not None and before.etag == after.etag):
        yield wrong("the store keeps an object's old content, or its old etag", _SERVER)


def _clean(store: Store, prefix: str) -> None:
    """Remove this check's objects and those that an earlier one left; a failure is shown above."""
    try:
        for stat in list(store.list(PROBES)):
            if stat.key.startswith(prefix) or stat.modified < datetime.now(UTC) - LEFT_AFTER:
                store.delete(stat.key)
    except AddonError:
        return


def _other_owner(folder: Path) -> int | None:
    """The user of a folder, or of the nearest above that is there, where that is not this root."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    owner = there.stat().st_uid
    return owner if os.geteuid() == 0 != owner else None


def _remedy(cause: BaseException | None) -> str | None:
    if isinstance(cause, OSError):
        return NUMBERS.get(cause.errno or 0)
    if isinstance(cause, ClientError):
        return CODES.get(str(cause.response.get("Error", {}).get("Code", "")))
    if isinstance(cause, NoCredentialsError | PartialCredentialsError):
        return "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role."
    if isinstance(cause, NoRegionError):
        return "Set AWS_DEFAULT_REGION."
    if isinstance(cause, SSLError):
        return "Set AWS_CA_BUNDLE to who signed the certificate of AWS_ENDPOINT_URL_S3."
    if isinstance(cause, BotoCoreError):
        return "Correct AWS_ENDPOINT_URL_S3, or let this machine reach it."
    return None
