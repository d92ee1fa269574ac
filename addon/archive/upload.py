"""One object on its way into a bucket, whole or in parts, conditional where it must be.

A few parts are in memory, whatever the object's size. A failed upload is aborted, so that no part
is left to be paid for.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from addon.archive.blocks import Piece, pieces
from addon.archive.digest import Digest
from addon.archive.s3_answers import answers
from addon.errors import AddonError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART_SIZE = 8 * 1024 * 1024
"""S3 takes 10,000 parts: 78 GiB an object. Larger parts are slower here (spec/ciphertext 8)."""

PARTS_IN_FLIGHT = 2
"""Two hide the latency of one; each more costs PART_SIZE of memory (spec/ciphertext 8)."""

See = Callable[[bytearray], None]
"""Shown every part in turn, by a thread beside the upload."""

WRITE_MARK = "write"
"""Metadata that is another for each upload: it tells our own object from another writer's."""


@dataclass(frozen=True)
class Target:
    """The object to be written; `options` are boto3's own for a new object."""

    client: S3Client
    bucket: str
    name: str
    if_absent: bool
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> dict[str, Any]:
        """Bucket and key, as boto3 takes them."""
        return {"Bucket": self.bucket, "Key": self.name}

    @property
    def condition(self) -> dict[str, Any]:
        """The condition that makes S3 refuse to overwrite (412)."""
        return {"IfNoneMatch": "*"} if self.if_absent else {}


def upload(
    target: Target, blocks: Iterable[bytes], mark: str, digest: Digest | None = None
) -> None:
    """Write `blocks`, marked, and show them to `digest`.

    Raises AlreadyStored, NotStored, StoreUnavailable, and what `blocks` raises.
    """
    parts = pieces(blocks, PART_SIZE, PARTS_IN_FLIGHT + 1)
    first = next(parts)
    options = {**target.options, "ChecksumAlgorithm": "CRC32", "Metadata": {WRITE_MARK: mark}}
    if not first.last:
        _in_parts(target, chain([first], parts), options, digest or _unseen)
        return
    if digest:
        digest(first.content)
    with answers():
        target.client.put_object(**target.place, **_checked(first), **options, **target.condition)


def _unseen(_part: bytearray) -> None:
    """In the place of a digest that nobody wants."""


def _in_parts(target: Target, parts: Iterable[Piece], options: Mapping[str, Any], see: See) -> None:
    with answers():
        begun = target.client.create_multipart_upload(**target.place, **options)
        place = {**target.place, "UploadId": begun["UploadId"]}
    try:
        done = _sent(target.client, place, parts, see)
        with answers():
            target.client.complete_multipart_upload(
                **place, MultipartUpload={"Parts": done}, **target.condition
            )
    except BaseException:
        with suppress(AddonError), answers():
            target.client.abort_multipart_upload(**place)
        raise


def _sent(
    client: S3Client, place: Mapping[str, Any], parts: Iterable[Piece], see: See
) -> list[Any]:
    """Upload with PARTS_IN_FLIGHT at a time; the source is pulled no faster than that.

    Beside it one thread shows the parts in their order.
    """
    sent: list[Future[Any]] = []
    shown: list[Future[None]] = []
    with ThreadPoolExecutor(1, "digest") as beside, ThreadPoolExecutor(PARTS_IN_FLIGHT) as pool:
        try:
            for number, part in enumerate(parts, 1):
                if len(sent) >= PARTS_IN_FLIGHT:
                    # The next piece is written over the memory of this one.
                    sent[-PARTS_IN_FLIGHT].result()
                    shown[-PARTS_IN_FLIGHT].result()
                shown.append(beside.submit(see, part.content))
                sent.append(pool.submit(_send, client, place, number, part))
            shown[-1].result()
            return [part.result() for part in sent]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _send(client: S3Client, place: Mapping[str, Any], number: int, part: Piece) -> Any:
    with answers():
        answer = client.upload_part(
            **place, PartNumber=number, **_checked(part), ChecksumAlgorithm="CRC32"
        )
    done = {"PartNumber": number, "ETag": answer["ETag"]}
    if "ChecksumCRC32" in answer:
        # Ours, not the answer's: the bucket refuses to complete with a part that differs.
        done["ChecksumCRC32"] = _checked(part)["ChecksumCRC32"]
    return done


def _checked(piece: Piece) -> dict[str, Any]:
    """A body and its checksum; the bucket refuses another body.

    boto3 would read bytes as a file, a megabyte at a time; a bytearray is sent by one call.
    """
    checksum = base64.b64encode(piece.crc32.to_bytes(4, "big")).decode()
    return {"Body": piece.content, "ChecksumCRC32": checksum}
