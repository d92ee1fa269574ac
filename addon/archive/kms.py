"""AWS KMS keys as encryption keys and decryption keys.

A key is reached with bounded patience through boto3's own settings (region from the ARN, endpoint
from `AWS_ENDPOINT_URL_KMS`). Nothing is contacted before a key is used.
"""

from __future__ import annotations

import re
from typing import Any

from addon.errors import SettingsError

CONNECT_S = 3.0
READ_S = 5.0
ATTEMPTS = 3
"""KMS answers in milliseconds; three tries ride out a throttled second."""

_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]+")


def kms_key(arn: str) -> Any:
    """The SDK's object for one KMS key. Raises SettingsError where `arn` is not a key's ARN."""
    match = _ARN.fullmatch(arn)
    if match is None:
        raise SettingsError("ARCHIVE_KMS_KEYS: not the ARN of a KMS key")
    from aws_encryption_sdk.key_providers.kms import KMSMasterKey
    from botocore.config import Config

    from addon.archive.aws_session import aws_session

    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    client = aws_session().client("kms", region_name=match["region"], config=config)
    return KMSMasterKey(key_id=arn, client=client)
