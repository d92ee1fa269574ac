"""Buckets on the test's S3 server."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
from botocore.config import Config


def s3_client(endpoint: str, *, attempts: int = 3, read_s: float = 60.0) -> Any:
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=1,
        read_timeout=read_s,
        s3={"addressing_style": "path"},
    )
    return boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint, config=config)


def new_bucket(client: Any, **options: Any) -> str:
    name = f"archive-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name, **options)
    return name
