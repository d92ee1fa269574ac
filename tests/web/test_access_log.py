"""The address that an access log entry names, and refusals on record."""

from __future__ import annotations

import pytest

from addon.errors import Withheld
from addon.web.access_log import MAX_FORWARDED, access_from_request, client_address, refusals_logged
from tests.web.playing import RECORDING, TENANT
from tests.web.playing import access_log as logged


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (None, "192.0.2.7"),
        ("", "192.0.2.7"),
        ("198.51.100.4", "198.51.100.4 via 192.0.2.7"),
        ("203.0.113.9, 198.51.100.4", "198.51.100.4 via 192.0.2.7"),
        ("203.0.113.9,", "192.0.2.7"),
        ("x" * 500, f"{'x' * MAX_FORWARDED} via 192.0.2.7"),
        ("a\x7fb", "192.0.2.7"),
    ],
)
def test_behind_a_proxy_the_address_is_the_one_that_the_nearest_proxy_wrote(
    app, forwarded, address
):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.7"}):
        assert client_address() == address


def test_a_withheld_recording_is_refused_on_record(app):
    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.7"}):
        access = access_from_request(TENANT, (RECORDING,), listener="agent9", right="page")
        with pytest.raises(Withheld), refusals_logged(access):
            raise Withheld("digits may remain audible in it")
    (event,) = logged(app)
    assert (event["event"], event["listener"]) == ("denied", "agent9")
    assert event["reason"] == "digits may remain audible in it"
