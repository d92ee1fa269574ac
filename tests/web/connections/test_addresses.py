"""A forwarded address counts as far as our own proxies wrote it."""

from __future__ import annotations

import pytest

from addon.web.connections.addresses import client_of, network_of

PEER = "10.0.0.1"
CHAIN = "198.51.100.9, 203.0.113.5, 192.0.2.77"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "client"),
    [
        (CHAIN, 0, PEER),
        (CHAIN, 1, "192.0.2.77"),
        (CHAIN, 2, "203.0.113.5"),
        (CHAIN, 3, "198.51.100.9"),
        (CHAIN, 4, PEER),
        ("", 1, PEER),
        ("unknown", 1, PEER),
        ("<script>", 1, PEER),
        ("192.0.2.77,", 1, PEER),
        ("2001:DB8::1", 1, "2001:db8::1"),
    ],
)
def test_the_entry_of_the_outermost_trusted_proxy_counts(
    forwarded: str, proxies: int, client: str
) -> None:
    assert client_of(PEER, forwarded, proxies) == client


def test_addresses_of_one_slash_64_are_one_client() -> None:
    one, same, other = "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"
    assert network_of(one) == network_of(same) != network_of(other)


def test_an_ipv4_address_is_itself_in_either_family() -> None:
    assert network_of("192.0.2.1") == network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert network_of("") == ""
