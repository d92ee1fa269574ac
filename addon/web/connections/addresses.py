"""A client's address, for counting: the peer's, or the one that a proxy of ours has seen.

X-Forwarded-For is a stranger's to write but for its last entries, one for each proxy of ours.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

REMEMBERED = 1024
"""Addresses whose network is remembered."""


def client_of(peer: str, forwarded: str, trusted_proxies: int) -> str:
    """The address that the outermost of our proxies has seen.

    `forwarded` is the value of X-Forwarded-For. The peer's address where no proxy is trusted, or
    where there are fewer entries than proxies, or the entry is no address.
    """
    entries = forwarded.split(",") if forwarded else []
    if not 0 < trusted_proxies <= len(entries):
        return peer
    entry = entries[-trusted_proxies].strip()
    try:
        return str(ip_address(entry))
    except ValueError:
        return peer


@lru_cache(REMEMBERED)
def network_of(address: str) -> str:
    """The key under which an address is counted: itself, or its /64 where it is one of IPv6.

    Any household has a whole /64 to choose from.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, 64), strict=False))
