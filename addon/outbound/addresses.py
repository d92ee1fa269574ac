"""Tells public network addresses from private, local and reserved ones.

IPv6 has four ways to carry an IPv4 address inside; the inner address is the one that is checked.
"""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, most preferred first. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """True for an address of the public internet, also where IPv6 carries it as IPv4."""
    parsed = _innermost(ipaddress.ip_address(address))
    site_local = isinstance(parsed, ipaddress.IPv6Address) and parsed.is_site_local
    return (
        parsed.is_global
        and not parsed.is_multicast
        and not parsed.is_reserved
        and not parsed.is_link_local
        and not site_local
    )


def _innermost(address: Address) -> Address:
    """The v4 address inside a mapped, 6to4, Teredo or NAT64 one, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
