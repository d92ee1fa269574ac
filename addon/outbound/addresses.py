"""Which network addresses are public. Everything else is inside somebody's house, perhaps ours.

It must never judge an address by its outer form: v6 has four ways to carry a v4 address inside.
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
    """Whether an address lies in the public internet, whatever form of v6 it is wrapped in."""
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
