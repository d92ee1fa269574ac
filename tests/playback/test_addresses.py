"""Names of addresses: equal for equal ones, under the newest key, and never the address."""

from __future__ import annotations

from addon.playback.addresses import AddressNames

OLD, NEW = b"o" * 32, b"n" * 32


def test_equal_addresses_have_equal_names_and_others_do_not() -> None:
    names = AddressNames([NEW])
    assert names.of("192.0.2.7") == names.of(" 192.0.2.7")
    assert names.of("2001:DB8::1") == names.of("2001:db8::1")
    assert names.of("192.0.2.7") != names.of("192.0.2.8")
    assert "192" not in names.of("192.0.2.7").partition(":")[0]


def test_an_address_can_be_looked_up_under_a_key_that_was_replaced() -> None:
    before = AddressNames([OLD]).of("192.0.2.7")
    after = AddressNames([NEW, OLD])
    assert after.of("192.0.2.7") != before
    assert after.all_of("192.0.2.7") == [after.of("192.0.2.7"), before]


def test_without_a_key_nothing_is_kept_of_an_address() -> None:
    assert AddressNames([]).of("192.0.2.7") == "not kept"
