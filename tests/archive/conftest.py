"""A store in a directory, a bucket behind real HTTP, and keys made once a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.key_pairs import KeyPair, new_key_pair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Signer, new_signing_key
from addon.archive.s3 import S3Store
from addon.archive.store import Patience
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.troubled import TroubledWay, troubled_way


@pytest.fixture(scope="session")
def pair() -> KeyPair:
    return new_key_pair(2048)


@pytest.fixture(scope="session")
def other_pair() -> KeyPair:
    return new_key_pair(2048)


@pytest.fixture(scope="session")
def encryption_keys(pair: KeyPair) -> EncryptionKeys:
    return EncryptionKeys.of_public_keys([pair.public_pem])


@pytest.fixture(scope="session")
def decryption_keys(pair: KeyPair) -> DecryptionKeys:
    return DecryptionKeys.of_private_keys([pair.private_pem])


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer(new_signing_key())


@pytest.fixture
def directory(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "archive")


@pytest.fixture
def archive(
    directory: DirectoryStore,
    encryption_keys: EncryptionKeys,
    decryption_keys: DecryptionKeys,
    signer: Signer,
) -> Archive:
    return Archive(
        directory, encryption_keys=encryption_keys, decryption_keys=decryption_keys, signer=signer
    )


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The endpoint of a server that plays S3 and KMS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ACCESS_KEY_ID", "testing")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield f"http://{host}:{port}"
    patch.undo()
    server.stop()


@pytest.fixture
def bucket(aws: str) -> S3Store:
    client = s3_client(aws)
    return S3Store(new_bucket(client), "some/prefix", client=client)


@pytest.fixture
def kms_arn(aws: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", aws)
    client = boto3.client("kms", region_name="us-east-1", endpoint_url=aws)
    return client.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def way(aws: str) -> Iterator[TroubledWay]:
    with troubled_way(aws) as way:
        yield way


@pytest.fixture
def bucket_name(aws: str) -> str:
    return new_bucket(s3_client(aws))


@pytest.fixture
def troubled(request: pytest.FixtureRequest, way: TroubledWay, bucket_name: str) -> S3Store:
    """Two tries; a short wait only where nothing will ever come, for machines can be slow."""
    spec = getattr(request.node, "callspec", None)
    stalls = spec is not None and spec.params.get("trouble") == "stall"
    client = s3_client(way.endpoint, attempts=2, read_s=2.0 if stalls else 60.0)
    return S3Store(bucket_name, client=client, patience=Patience(attempts=2))
