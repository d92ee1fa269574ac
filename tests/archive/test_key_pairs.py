from __future__ import annotations

import re

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from addon.archive.key_pairs import named_public_key, new_key_pair, pair_of


def test_a_name_is_the_public_keys_and_the_same_for_both_halves() -> None:
    made = new_key_pair(2048)
    assert re.fullmatch(r"rsa-[0-9a-f]{32}", made.name)
    assert pair_of(made.private_pem) == made
    assert named_public_key(made.public_pem) == made.name


def test_new_pairs_have_128_bits_of_strength() -> None:
    key = serialization.load_pem_private_key(new_key_pair().private_pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 3072
