"""The store as a bucket, of S3 or anything that speaks it.

Creates are conditional, ranged reads are pinned to a version, and a broken answer is read on from
where it broke. It must never keep anyone waiting longer than its patience allows.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from addon.archive.aws_session import aws_session
from addon.archive.blocks import counted
from addon.archive.digest import Digest
from addon.archive.prefixes import RECORDINGS
from addon.archive.s3_answers import answers, code_of, watch
from addon.archive.s3_refusals import ask_again
from addon.archive.store import (
    FIRST_READ,
    MAX_SMALL_OBJECT,
    READ_SIZE,
    Patience,
    Stat,
    checked_key,
    checked_prefix,
)
from addon.archive.upload import WRITE_MARK, Target, upload
from addon.errors import AlreadyStored, NotStored, RetentionLocked, StoreUnavailable, Tampered

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LIST_SIZE = 1000
"""Keys a page: the most that S3 gives."""


class S3Store:
    """Objects of one bucket under `prefix`; recordings in `storage_class`, where it is given."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        patience: Patience | None = None,
        lock_mode: str = "governance",
        storage_class: str | None = None,
        client: S3Client | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._patience = patience or Patience()
        self._lock_mode: Any = lock_mode.upper()
        self._storage_class = storage_class
        self._given_client = client
        self.list_size = LIST_SIZE

    def put(
        self,
        key: str,
        blocks: Iterable[bytes],
        *,
        if_absent: bool = True,
        digest: Digest | None = None,
    ) -> Stat:
        """See Store.put."""
        mark, sizes = secrets.token_hex(16), list[int]()
        target = Target(self._client, self._bucket, self._name(key), if_absent, self._options(key))
        try:
            upload(target, counted(blocks, sizes), mark, digest)
            stat = self.stat(key)
        except AlreadyStored:
            # The answer to a first try may have been lost: then the object is our own.
            stat = self._own(key, mark)
        if stat is None or stat.size != sum(sizes):
            raise StoreUnavailable("the bucket lost what it had just taken")
        return stat

    def get(self, key: str) -> bytes:
        """See Store.get."""
        content = b"".join(self.read(key, 0, MAX_SMALL_OBJECT + 1))
        if len(content) > MAX_SMALL_OBJECT:
            raise Tampered("an object that must be small is not")
        return content

    def read(
        self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None
    ) -> Iterator[bytes]:
        """See Store.read. A broken answer is asked for again from where it broke."""
        name, tries, stop = self._name(key), 0, None if length is None else start + length
        while stop is None or start < stop:
            try:
                with answers():
                    body, etag = self._get(name, start, stop, etag)
                if body is None:
                    return
                for block in _blocks(body):
                    start += len(block)
                    yield block
                return
            except StoreUnavailable:
                tries += 1
                if tries >= self._patience.attempts:
                    raise

    def read_into(
        self, memory: memoryview, key: str, start: int, length: int, *, etag: str
    ) -> Iterator[memoryview]:
        """See Store.read_into: in the memory that the answers came in."""
        del memory
        return map(memoryview, self.read(key, start, length, etag=etag))

    def stat(self, key: str) -> Stat | None:
        """See Store.stat."""
        try:
            with answers():
                head = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
                return Stat(key, head["ContentLength"], head["ETag"], head["LastModified"])
        except NotStored:
            return None

    def delete(self, key: str) -> None:
        """See Store.delete."""
        name = self._name(key)
        with answers():
            if not self._versioned:
                self._client.delete_object(Bucket=self._bucket, Key=name)
                return
            versions = list(self._versions(name))
            for version in versions:
                self._refuse_if_locked(name, version)
            for version in versions:
                self._client.delete_object(Bucket=self._bucket, Key=name, VersionId=version)

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[Stat]:
        """See Store.list."""
        paginator = self._client.get_paginator("list_objects_v2")
        start: dict[str, Any] = {"StartAfter": self._prefix + after} if after else {}
        pages = iter(
            paginator.paginate(
                Bucket=self._bucket,
                Prefix=self._prefix + checked_prefix(prefix),
                PaginationConfig={"PageSize": self.list_size},
                **start,
            )
        )
        while True:
            with answers():
                page = next(pages, None)
                if page is None:
                    return
                stats = [self._listed(entry) for entry in page.get("Contents", [])]
            yield from stats

    def retain(self, key: str, until: datetime) -> None:
        """See Store.retain; Object Lock, which the bucket must have been made with."""
        with answers():
            self._client.put_object_retention(
                Bucket=self._bucket,
                Key=self._name(key),
                Retention={"Mode": self._lock_mode, "RetainUntilDate": until},
            )

    def can_retain(self) -> bool:
        """See Store.can_retain."""
        try:
            with answers():
                found = self._client.get_object_lock_configuration(Bucket=self._bucket)
                return found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled"
        except NotStored:
            return False

    def presigned(self, key: str, seconds: int) -> str:
        """A URL from which anyone can read the object for so long; nothing is contacted."""
        return self._client.generate_presigned_url(
            "get_object", {"Bucket": self._bucket, "Key": self._name(key)}, ExpiresIn=seconds
        )

    @cached_property
    def _client(self) -> S3Client:
        if self._given_client is not None:
            return watch(self._given_client)
        config = Config(
            connect_timeout=self._patience.connect_s,
            read_timeout=self._patience.read_s,
            retries={"total_max_attempts": self._patience.attempts, "mode": "standard"},
            max_pool_connections=32,
            signature_version="s3v4",  # boto3 still presigns with the older one by default
            # Objects prove themselves and parts carry a checksum; a signature is a hash more.
            s3={"payload_signing_enabled": False},
        )
        client = watch(aws_session().client("s3", config=config))
        if self._patience.refused_s:
            ask_again(client, self._patience.refused_s)
        return client

    @cached_property
    def _versioned(self) -> bool:
        answer = self._client.get_bucket_versioning(Bucket=self._bucket)
        return "Status" in answer

    def _options(self, key: str) -> dict[str, Any]:
        """boto3's options of a new object: the storage class, for what is encrypted of a recording.

        Everything else is small, read all the time or soon deleted, where another class costs more.
        """
        encrypted = key.startswith(RECORDINGS) and key.endswith(".esdk")
        return {"StorageClass": self._storage_class} if self._storage_class and encrypted else {}

    def _name(self, key: str) -> str:
        return self._prefix + checked_key(key)

    def _get(
        self, name: str, start: int, stop: int | None, etag: str | None
    ) -> tuple[Any | None, str | None]:
        """The body from `start`, None where the object ends before, and the object's etag."""
        wanted: dict[str, Any] = {"IfMatch": etag} if etag else {}
        if start or stop is not None:
            wanted["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=name, **wanted)
        except ClientError as error:
            if code_of(error) == "InvalidRange":
                return None, etag
            if code_of(error) == "PreconditionFailed":
                raise Tampered("the object was replaced while it was read") from None
            raise
        if "Range" in wanted and not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
            answer["Body"].close()
            raise StoreUnavailable("the bucket gave other bytes than it was asked for")
        return answer["Body"], answer["ETag"]

    def _listed(self, entry: Any) -> Stat:
        key = entry["Key"].removeprefix(self._prefix)
        return Stat(key, entry["Size"], entry["ETag"], entry["LastModified"])

    def _own(self, key: str, mark: str) -> Stat:
        """The object that is there already, if this very call wrote it. Raises AlreadyStored."""
        with answers():
            head = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        if head["Metadata"].get(WRITE_MARK) != mark:
            raise AlreadyStored("there is an object under this key")
        return Stat(key, head["ContentLength"], head["ETag"], head["LastModified"])

    def _versions(self, name: str) -> Iterator[str]:
        paginator: Any = self._client.get_paginator("list_object_versions")
        for page in paginator.paginate(Bucket=self._bucket, Prefix=name):
            for kind in ("Versions", "DeleteMarkers"):
                for version in page.get(kind, []):
                    if version["Key"] == name:
                        yield version["VersionId"]

    def _refuse_if_locked(self, name: str, version: str) -> None:
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=name, VersionId=version)
        except ClientError as error:
            if code_of(error) in {"405", "MethodNotAllowed"}:
                return  # a delete marker, which no lock can hold
            raise
        until = head.get("ObjectLockRetainUntilDate")
        if until is not None and datetime.now(UTC) < until:
            raise RetentionLocked(f"a retention lock holds this object until {until:%Y-%m-%d}")


def _blocks(body: Any) -> Iterator[bytes]:
    """The answer's body; closed early where the reader leaves early."""
    try:
        size = FIRST_READ
        while block := body.read(size):
            size = READ_SIZE
            yield block
    except (BotoCoreError, HTTPError, OSError) as error:
        raise StoreUnavailable(f"the bucket's answer broke off: {type(error).__name__}") from error
    finally:
        body.close()
