"""Judges each answer of a bucket: S3's own, an error that S3 documents, or none of either.

A proxy's login page, a captive portal or a half-started server answers 200 as well. Taken for S3's
it would read as an empty listing, a finished upload or an erased recording, so an answer must show
what S3 always sends; every other one is StoreUnavailable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from addon.errors import AlreadyStored, NotStored, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAGES = ("text/html", "text/plain", "application/xhtml+xml")
"""Content types of pages and of plain errors; nothing of ours is stored as one."""

HEADERS = {
    "HeadObject": ("etag", "content-length", "last-modified"),
    "GetObject": ("etag",),
    "PutObject": ("etag",),
    "UploadPart": ("etag",),
}
"""Headers of each success; others without a body carry at least one `x-amz-…`."""

ROOTS = {
    "ListObjectsV2": ("ListBucketResult",),
    "ListObjectVersions": ("ListVersionsResult",),
    "GetBucketVersioning": ("VersioningConfiguration", "GetBucketVersioningResponse"),
    "GetObjectLockConfiguration": ("ObjectLockConfiguration",),
    "CreateMultipartUpload": ("InitiateMultipartUploadResult",),
    "CompleteMultipartUpload": ("CompleteMultipartUploadResult",),
}
"""The XML element that each success is, by any server of the protocol; boto3 takes any other."""

DELETIONS = ("DeleteObject", "AbortMultipartUpload")
"""A success is 204, which no page has."""

_ROOT = re.compile(rb"\s*(?:<\?xml[^>]*\?>)?\s*<(?:[A-Za-z0-9]+:)?([A-Za-z0-9]+)")
_MISSING = {"NoSuchKey", "NoSuchVersion", "NotFound", "ObjectLockConfigurationNotFoundError"}


def watch(client: S3Client) -> S3Client:
    """The client itself, which judges every answer from now on before boto3 reads it."""
    client.meta.events.register("before-parse.s3", _judge, unique_id="addon-s3-answers")
    return client


@contextmanager
def answers() -> Iterator[None]:
    """Around calls of a client: every answer that is no success, as an error of the store.

    Raises NotStored, AlreadyStored and StoreUnavailable.
    """
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        # HEAD has no body to name the error in; with a body, a bare 404 is not S3's.
        if code in _MISSING or (code == "404" and error.operation_name == "HeadObject"):
            raise NotStored("there is no such object") from None
        if code == "PreconditionFailed":
            raise AlreadyStored("there is an object under this key") from None
        raise StoreUnavailable(f"the bucket refused: {code}") from error
    except (BotoCoreError, HTTPClientError) as error:
        raise StoreUnavailable(f"the bucket does not answer: {type(error).__name__}") from error
    except (ResponseParserError, KeyError, ValueError, TypeError) as error:
        raise _not_s3() from error


def code_of(error: ClientError) -> str:
    """The code of an error as S3 names it, or the status where the answer names none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _judge(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    name, status = operation_model.name, response_dict["status_code"]
    headers, body = response_dict["headers"], response_dict["body"]
    if status >= 300:
        right = _root(body) == "Error" if body else not _is_page(headers)
    elif name in ROOTS:
        right = _root(body) in (*ROOTS[name], "Error")
    elif name in DELETIONS:
        right = status == 204
    else:
        right = not _is_page(headers) and _has_own_headers(name, headers)
    if not right:
        if hasattr(body, "close"):
            body.close()
        raise _not_s3()


def _root(body: bytes) -> str | None:
    found = _ROOT.match(body)
    return found[1].decode() if found else None


def _has_own_headers(operation: str, headers: Mapping[str, str]) -> bool:
    if operation in HEADERS:
        return all(name in headers for name in HEADERS[operation])
    return any(name.lower().startswith("x-amz") for name in headers)


def _is_page(headers: Mapping[str, str]) -> bool:
    """A page with content: servers of S3's protocol may give an empty answer any type."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in PAGES and headers.get("content-length") != "0"


def _not_s3() -> StoreUnavailable:
    return StoreUnavailable("the bucket does not answer: something else does in its place")
