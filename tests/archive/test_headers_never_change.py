"""No code path changes a header and keeps its message id (spec/ciphertext 4).

The header's tag uses a fixed IV under a key that follows from the message id, so a second header
for one id gives the key of GHASH away, and with it forgery. Nothing in the SDK or here would notice
such a header: only this guard does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from addon.archive.archive import Archive
from addon.archive.blocks import watched
from addon.archive.digest import Digest
from addon.archive.directory import DirectoryStore
from addon.archive.epochs import Epochs
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import SUITE, VERSION, parse_header
from addon.archive.manifest import Signer
from addon.archive.reencryption import reencrypt, reencrypt_all
from addon.archive.store import Stat
from addon.archive.verification import verify_all
from addon.errors import StoreUnavailable
from tests.archive.recordings import RECORDING, TENANT, archived, facts_of, noise

ROOM = Path(__file__).parents[2] / "addon"
MESSAGE_START = bytes([VERSION]) + SUITE.to_bytes(2, "big")


class Witness(DirectoryStore):
    """Remembers the header of every message that was ever written, whole or not."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.headers: dict[bytes, set[bytes]] = {}
        self.writes = 0

    def put(
        self,
        key: str,
        blocks: Iterable[bytes],
        *,
        if_absent: bool = True,
        digest: Digest | None = None,
    ) -> Stat:
        content = bytearray()
        seen = watched(blocks, content.extend)
        try:
            return super().put(key, seen, if_absent=if_absent, digest=digest)
        finally:
            if content.startswith(MESSAGE_START):
                header = parse_header(bytes(content))
                self.headers.setdefault(header.message_id, set()).add(header.body + header.tag)
                self.writes += 1


def test_everything_the_archive_does_leaves_headers_as_they_were(
    tmp_path: Path, pair: KeyPair, other_pair: KeyPair, signer: Signer
) -> None:
    store = Witness(tmp_path)
    keys = DecryptionKeys.of_private_keys([pair.private_pem, other_pair.private_pem])
    old, new = (
        Archive(
            store,
            encryption_keys=EncryptionKeys.of_public_keys([one.public_pem]),
            decryption_keys=keys,
            signer=signer,
        )
        for one in (pair, other_pair)
    )
    for number in range(3):
        archived(old, noise(70_000), recording_id=f"RE{number}", analysis={"x": number})
    with old.deposit(TENANT, RECORDING) as left_early:
        left_early.audio([b"x"])
    with old.deposit(TENANT, RECORDING) as one:
        one.audio([b"x"])
        with old.deposit(TENANT, RECORDING) as two:  # begins where one has left something
            two.audio([b"x"])
            with pytest.raises(StoreUnavailable):
                one.commit(facts_of(b"x"))
    with old.deposit(TENANT, RECORDING) as one, old.deposit(TENANT, RECORDING) as two:
        one.audio([b"x"])
        with pytest.raises(StoreUnavailable):
            two.audio([b"x"])
    reencrypt(new, TENANT, "RE0", by="test")
    list(reencrypt_all(new, by="test"))
    list(reencrypt_all(new, by="test", force=True))
    epochs = Epochs(store)
    epoch = epochs.begin(EncryptionKeys.local(bytes(32)))
    for key in (bytes(31) + b"1", bytes(31) + b"2"):
        decryption_keys = DecryptionKeys.local(bytes(32)) + DecryptionKeys.local(bytes(31) + b"1")
        assert epochs.rewrap(epoch.name, decryption_keys, EncryptionKeys.local(key))
    new.complete(new.manifest(TENANT, "RE1"))
    new.erase(TENANT, "RE2", by="test", reason="asked")
    assert {finding.state for finding in verify_all(new)} == {"whole", "erased"}
    assert store.writes > len(store.headers) > 20
    assert all(len(headers) == 1 for headers in store.headers.values())


def test_the_witness_would_see_it(tmp_path: Path, archive: Archive) -> None:
    """The guard itself is tested: a re-wrapped header is what it must catch."""
    archived(archive, b"audio")
    store = Witness(tmp_path / "witness")
    content = archive.store.get(f"recordings/{TENANT}/{RECORDING}/audio.esdk")
    length = parse_header(content).length
    for tag in (content[length - 16 : length], bytes(16)):
        store.put("a", [content[: length - 16] + tag + content[length:]], if_absent=False)
    assert [len(headers) for headers in store.headers.values()] == [2]


def calls(path: Path) -> set[str]:
    """What a module calls by name: `x.f()` as "x.f", `f()` as "f", anything else as ".f"."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            found.add(f"{owner}.{called.attr}")
        elif isinstance(called, ast.Name):
            found.add(called.id)
    return found


def test_only_the_sdk_writes_the_format() -> None:
    """Sealing goes through `message.encrypt` alone, and that through the SDK's stream."""
    by_module = {path.name: calls(path) for path in (ROOM / "archive").glob("*.py")}
    sealing = {
        module: {name for name in called if name.endswith("encrypt")}
        for module, called in by_module.items()
    }
    assert {module: names for module, names in sealing.items() if names} == {
        "spool.py": {".encrypt"},  # a temporary file of its own format
        "sealing.py": {"message.encrypt"},
        "epochs.py": {"encrypt"},  # message's
        "reencryption.py": {"reencrypt"},
    }
    assert "_CLIENT.stream" in by_module["message.py"]


def test_nobody_reaches_for_the_parts_a_header_is_made_of() -> None:
    for path in ROOM.rglob("*.py"):
        text = path.read_text()
        for name in ("serialize_header", "StreamEncryptor", "serialize_frame"):
            assert name not in text, path
